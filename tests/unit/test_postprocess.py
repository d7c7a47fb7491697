"""From probabilities to labels: nested, clean, on any grid."""

import subprocess
import sys

import numpy as np
import pytest

from model.postprocess import (
    PostprocessSettings,
    labels_from_probabilities,
    threshold_in_doubt,
)

KEEP_ALL = PostprocessSettings(min_component_mm3=(0, 0, 0), min_satellite_mm3=0)
ISOTROPIC = (1.0, 1.0, 1.0)
TC, WT, ET = range(3)


def nothing(*shape):
    return np.zeros((3, *shape), dtype=np.float16)


def test_regions_are_nested():
    probabilities = nothing(1, 1, 5)
    probabilities[WT, 0, 0, :3] = 0.9
    probabilities[TC, 0, 0, 1:4] = 0.9  # the last one outside WT
    probabilities[ET, 0, 0, 2:5] = 0.9  # the last one outside TC
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC, settings=KEEP_ALL)
    assert labels.dtype == np.uint8
    assert labels[0, 0].tolist() == [2, 1, 3, 3, 0]


def test_a_voxel_belongs_where_it_exceeds_the_threshold():
    settings = PostprocessSettings((0.3, 0.5, 0.7), (0, 0, 0))
    probabilities = nothing(1, 1, 4)
    probabilities[WT] = 1
    probabilities[TC, 0, 0] = [0.29, 0.31, 1, 1]
    probabilities[ET, 0, 0] = [1, 1, 0.69, 0.71]
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC, settings=settings)
    assert labels[0, 0].tolist() == [2, 3, 1, 3]
    exact = nothing(1, 1, 1)
    exact[WT] = 0.5
    assert not labels_from_probabilities(exact, spacing_mm=ISOTROPIC, settings=KEEP_ALL).any()


def test_no_tumour_at_all():
    labels = labels_from_probabilities(nothing(4, 5, 6), spacing_mm=ISOTROPIC)
    assert labels.shape == (4, 5, 6)
    assert not labels.any()


@pytest.mark.parametrize(("core", "side", "kept"), [(0, 9, False), (1, 9, True), (0, 10, True)])
def test_small_parts_without_core_apart_from_the_tumour_are_dropped(core, side, kept):
    probabilities = nothing(40, 12, 12)
    probabilities[WT, :12, :12, :12] = 1
    probabilities[WT, 20 : 20 + side, :side, :side] = 1
    probabilities[TC, 21:24, 2:5, 2:5] = core
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC)
    assert labels[:12].all()
    assert labels[20:].any() == kept


@pytest.mark.parametrize(
    ("peak", "core", "kept"), [(0.6, 0.0, False), (0.95, 0.0, True), (0.6, 0.6, True)]
)
def test_a_large_part_apart_from_the_tumour_must_be_certain_somewhere_or_have_core(
    peak, core, kept
):
    probabilities = nothing(40, 14, 14)
    probabilities[WT, :14] = 0.55
    probabilities[WT, 20:34] = 0.55
    probabilities[WT, 25, 5, 5] = peak
    probabilities[TC, 21:24, 2:5, 2:5] = core
    probabilities[WT, 38:] = 0.0
    probabilities[WT, :18] = 0.55
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC)
    assert labels[:18].all()
    assert labels[20:34].any() == kept


def test_a_tumour_that_is_small_as_a_whole_stays():
    probabilities = nothing(20, 12, 12)
    probabilities[WT, :5, :5, :5] = 1
    assert labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC).any()
    all_kept = PostprocessSettings(min_satellite_mm3=0)
    probabilities[WT, 10:14, :4, :4] = 1
    assert not labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC)[10:].any()
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC, settings=all_kept)
    assert labels[10:].any()


@pytest.mark.parametrize(
    ("spacing_mm", "kept"), [((1, 1, 1), False), ((2, 1, 1), True), ((1, 1.5, 1.5), True)]
)
def test_smallness_is_measured_in_mm3(spacing_mm, kept):
    probabilities = nothing(10, 10, 10)
    probabilities[WT, :6, :6, :6] = 1
    probabilities[WT, 8, 8, 4:9] = 1  # five voxels apart from the rest
    settings = PostprocessSettings(min_component_mm3=(0, 10, 0), min_satellite_mm3=0)
    labels = labels_from_probabilities(probabilities, spacing_mm=spacing_mm, settings=settings)
    assert bool(labels[8, 8, 4]) is kept
    assert labels[:6, :6, :6].all()


def test_corners_connect():
    probabilities = nothing(3, 3, 3)
    for n in range(3):
        probabilities[WT, n, n, n] = 1
    settings = PostprocessSettings(min_component_mm3=(0, 3, 0))
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC, settings=settings)
    assert np.count_nonzero(labels) == 3


def test_small_parts_fall_back_to_what_surrounds_them():
    probabilities = nothing(12, 12, 12)
    probabilities[WT] = 1
    probabilities[TC, 0:4, 0:4, 0:4] = 1
    probabilities[TC, 8, 8, 8] = 1
    probabilities[ET, 0, 0, 0] = 1
    probabilities[ET, 8, 8, 8] = 1
    settings = PostprocessSettings(min_component_mm3=(5, 5, 5))
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC, settings=settings)
    assert labels[8, 8, 8] == 2  # neither ET nor TC, still WT
    assert labels[0, 0, 0] == 1  # not ET, still TC
    assert np.count_nonzero(labels == 1) == 64


def test_everything_too_small():
    probabilities = nothing(5, 5, 5)
    probabilities[:, 2, 2, 2] = 1
    assert not labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC).any()


@pytest.mark.parametrize(("least_mm3", "kept"), [(40, True), (41, False)])
def test_too_little_enhancement_in_total_is_none(least_mm3, kept):
    """Two parts of 20 mm³ each: what counts is their sum; the core stays."""
    probabilities = nothing(12, 12, 12)
    probabilities[[WT, TC]] = 1
    probabilities[ET, 1:5, 1:6, 1] = probabilities[ET, 1:5, 1:6, 9] = 1
    settings = PostprocessSettings(min_total_mm3=(0, 0, least_mm3))
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC, settings=settings)
    assert np.count_nonzero(labels == 3) == (40 if kept else 0)
    assert np.count_nonzero(labels) == 12**3


def test_a_little_oedema_without_core_is_no_tumour():
    probabilities = nothing(12, 12, 12)
    probabilities[WT, 1:5, 1:5, 1:5] = 1
    settings = PostprocessSettings(min_component_mm3=(0, 0, 0), min_total_mm3=(0, 65, 0))
    ask = {"spacing_mm": ISOTROPIC, "settings": settings}
    assert not labels_from_probabilities(probabilities, **ask).any()
    probabilities[TC, 2, 2, 2] = 1
    assert np.count_nonzero(labels_from_probabilities(probabilities, **ask)) == 64


@pytest.mark.parametrize(("certain_mm3", "kept"), [(100, True), (99, False)])
def test_enhancement_that_is_doubtful_throughout_is_none(certain_mm3, kept):
    """A thousand voxels at 0.9; what counts is how many of them are nearly certain."""
    probabilities = nothing(12, 12, 12)
    probabilities[[WT, TC]] = 1
    inner = np.full(1000, 0.9)
    inner[:certain_mm3] = 0.99
    probabilities[ET, 1:11, 1:11, 1:11] = inner.reshape(10, 10, 10)
    settings = PostprocessSettings(min_peak=(0, 0, 0.95))
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC, settings=settings)
    assert np.count_nonzero(labels == 3) == (1000 if kept else 0)
    assert np.count_nonzero(labels == 1) == 12**3 - (1000 if kept else 0)


@pytest.mark.parametrize(("peak", "core_mm3"), [(0.0, 6 * 12**2), (0.9, 12**3)])
def test_doubtful_enhancement_leaves_the_core_its_threshold(peak, core_mm3):
    """With a threshold of its own the core would be what enhances: half of the cube."""
    probabilities = nothing(12, 12, 12)
    probabilities[WT] = 1
    probabilities[TC] = 0.7
    probabilities[ET, :6] = 0.6
    settings = PostprocessSettings(
        core_threshold_if_enhancing=0.9, min_peak=(0, 0, peak), min_component_mm3=(0, 0, 0)
    )
    # 6 × 12² voxels are 864 mm³: at 1.2 mm they are more than 1 cm³.
    labels = labels_from_probabilities(probabilities, spacing_mm=(1.2, 1.2, 1.2), settings=settings)
    assert np.count_nonzero(np.isin(labels, (1, 3))) == core_mm3


@pytest.mark.parametrize(("enhancing_mm3", "core_mm3"), [(1000, 1100), (900, 1728)])
def test_the_core_of_an_enhancing_tumour_has_a_threshold_of_its_own(enhancing_mm3, core_mm3):
    """12³ voxels at 0.7, 1100 of them at 0.99: core is the latter only where enough enhances."""
    probabilities = nothing(12, 12, 12)
    probabilities[WT] = 1
    probabilities[TC] = 0.7
    probabilities[TC].reshape(-1)[:1100] = 0.99
    probabilities[ET].reshape(-1)[:enhancing_mm3] = 1
    settings = PostprocessSettings(min_component_mm3=(0, 0, 0), core_threshold_if_enhancing=0.9)
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC, settings=settings)
    assert np.count_nonzero(np.isin(labels, (1, 3))) == core_mm3
    assert np.count_nonzero(labels == 3) == enhancing_mm3
    assert np.count_nonzero(labels) == 12**3


@pytest.mark.parametrize(
    ("doubtful", "drawn"),
    [(0.45, True), (0.2, False)],
)
def test_a_core_in_doubt_throughout_is_drawn_unless_hardly_possible(doubtful, drawn):
    probabilities = nothing(12, 12, 12)
    probabilities[WT] = 1
    probabilities[TC, 2:8, 2:8, 2:8] = doubtful
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC)
    assert np.count_nonzero(labels == 1) == (216 if drawn else 0)


def test_a_doubtful_core_keeps_no_part_apart_from_the_tumour():
    probabilities = nothing(40, 12, 12)
    probabilities[WT, :12] = 1
    probabilities[WT, 20:26, :6, :6] = 1  # 216 mm³
    probabilities[TC, :6] = probabilities[TC, 20:26, :6, :6] = 0.45
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC)
    assert np.count_nonzero(labels == 1) == 6 * 144
    assert not labels[20:].any()


def test_doubt_at_the_edge_of_a_certain_core_changes_little():
    """Half of the best expected Dice: here 900 voxels at 1 and 100 at 0.4 expect 0.978."""
    probabilities = nothing(12, 12, 12)
    probabilities[WT] = 1
    probabilities[TC].reshape(-1)[:900] = 1
    probabilities[TC].reshape(-1)[900:1000] = 0.4
    assert threshold_in_doubt(probabilities[TC]) == pytest.approx(900 / 1840, abs=1e-4)
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC)
    assert np.count_nonzero(labels == 1) == 900


def test_the_threshold_in_doubt_gives_the_mask_of_the_greatest_expected_dice():
    """Against every nested mask, its Dice averaged over truths drawn by the chances."""
    rng = np.random.default_rng(3)
    chances = rng.beta(0.5, 0.9, 400)
    truths = rng.random((2000, 400)) < chances

    def mean_dice(mask):
        return np.mean(2 * (truths & mask).sum(axis=1) / (truths.sum(axis=1) + mask.sum()))

    best = max(mean_dice(chances > t) for t in np.linspace(0.05, 0.95, 91))
    assert mean_dice(chances > threshold_in_doubt(chances)) > best - 0.002
    assert mean_dice(chances > 0.5) < best - 0.01


def test_what_enhances_is_core():
    probabilities = nothing(12, 12, 12)
    probabilities[WT] = probabilities[ET] = 1
    probabilities[TC] = 0.6
    settings = PostprocessSettings(core_threshold_if_enhancing=0.9)
    labels = labels_from_probabilities(probabilities, spacing_mm=ISOTROPIC, settings=settings)
    assert (labels == 3).all()


def test_settings_survive_a_card():
    settings = PostprocessSettings((0.4, 0.5, 0.6), (1, 2, 3), (0, 0, 200), 0.9, (0, 0, 0.95))
    assert PostprocessSettings.from_card({"postprocess": settings.as_section()}) == settings


def test_a_card_may_bring_settings():
    document = {"postprocess": {"thresholds": {"ET": 0.4}, "min_component_mm3": {"WT": 100}}}
    settings = PostprocessSettings.from_card(document)
    default = PostprocessSettings()
    assert settings.thresholds == (0.5, 0.5, 0.4)
    assert settings.min_component_mm3 == (
        default.min_component_mm3[0],
        100.0,
        default.min_component_mm3[2],
    )
    assert PostprocessSettings.from_card({}) == default


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": (0, 0.5, 0.5)},
        {"min_component_mm3": (-1, 0, 0)},
        {"min_total_mm3": (0, 0, -1)},
        {"core_threshold_if_enhancing": 1.0},
        {"min_peak": (0, 0, 1.0)},
        {"min_satellite_mm3": -1.0},
    ],
)
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"thresholds|sizes"):
        PostprocessSettings(**wrong)


def test_senseless_arrays_are_refused():
    with pytest.raises(ValueError, match="probabilities"):
        labels_from_probabilities(np.zeros((2, 3, 3, 3), np.float16), spacing_mm=ISOTROPIC)
    with pytest.raises(ValueError, match="spacing_mm"):
        labels_from_probabilities(nothing(3, 3, 3), spacing_mm=(1, 0, 1))


def test_importing_it_leaves_torch_and_scipy_out():
    code = (
        "import sys, model.postprocess, model.messages; print({'torch', 'scipy'} & {*sys.modules})"
    )
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert answer.stdout.strip() == b"set()"
