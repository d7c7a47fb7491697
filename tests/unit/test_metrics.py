import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from rich.console import Console

from model.data import Case, patient_of
from model.evaluate.figures import ET_ABSENT, ET_PRESENT, table_of_means
from model.evaluate.metrics import WORST_HAUSDORFF_MM, dice, score, surface_measures
from model.evaluate.report import as_document, as_table, score_case
from model.spec import Region

SPACING = (1.0, 1.0, 1.0)


def _box(start: int, stop: int, shape: tuple[int, int, int] = (20, 20, 20)) -> np.ndarray:
    mask = np.zeros(shape, dtype=np.bool_)
    mask[start:stop, 5:15, 5:15] = True
    return mask


def test_shifted_box_by_hand() -> None:
    result = score(_box(4, 12), _box(6, 14), SPACING)
    assert result.dice == pytest.approx(2 * 600 / 1600)
    assert result.hd95_mm == pytest.approx(2.0)
    assert (result.reference_mm3, result.predicted_mm3) == (800.0, 800.0)


def test_spacing_counts() -> None:
    near = score(_box(4, 12), _box(6, 14), (2.5, 1.0, 1.0))
    assert near.hd95_mm == pytest.approx(5.0)
    assert near.reference_mm3 == pytest.approx(2000.0)


def test_rules_for_empty_masks() -> None:
    full, empty = _box(4, 12), np.zeros((20, 20, 20), dtype=np.bool_)
    nothing = score(empty, empty, SPACING)
    assert (nothing.dice, nothing.hd95_mm, nothing.surface_dice) == (1.0, 0.0, 1.0)
    for a, b in ((full, empty), (empty, full)):
        missed = score(a, b, SPACING)
        assert (missed.dice, missed.hd95_mm, missed.surface_dice) == (0.0, WORST_HAUSDORFF_MM, 0.0)


def test_identical_masks_are_perfect_even_at_the_border() -> None:
    mask = _box(0, 20)
    perfect = score(mask, mask, SPACING)
    assert (perfect.dice, perfect.hd95_mm, perfect.surface_dice) == (1.0, 0.0, 1.0)


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_monai(seed: int) -> None:
    rng = np.random.default_rng(seed)
    smooth = rng.normal(size=(6, 6, 6)).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    predicted = smooth > 0.4
    reference = np.roll(smooth, (1, 2, -1), axis=(0, 1, 2)) > 0.5
    spacing = (1.0, 1.5, 0.8)
    tensors = [torch.from_numpy(m)[None, None].float() for m in (predicted, reference)]
    hausdorff = compute_hausdorff_distance(
        *tensors, percentile=95, include_background=True, spacing=spacing
    )
    close = compute_surface_dice(
        *tensors, class_thresholds=[1.0], include_background=True, spacing=spacing
    )
    hd95_mm, surface_dice = surface_measures(predicted, reference, spacing)
    assert hd95_mm == pytest.approx(float(hausdorff), rel=1e-4)
    assert surface_dice == pytest.approx(float(close), rel=1e-4)


def test_different_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        score(_box(4, 12), np.zeros((20, 20, 21), dtype=np.bool_), SPACING)


def test_dice_of_disjoint_masks_is_zero() -> None:
    assert dice(_box(0, 4), _box(10, 14)) == 0.0


def _case(coverage: np.ndarray | None = None) -> Case:
    labels = np.zeros((20, 20, 20), dtype=np.uint8)
    labels[4:12, 5:15, 5:15] = 2
    labels[6:10, 8:12, 8:12] = 3
    images = np.ones((4, 20, 20, 20), dtype=np.float32)
    return Case("case", images, labels, coverage, SPACING)


def test_regions_of_a_case() -> None:
    case = _case()
    predicted = np.array(case.labels_kji)
    predicted[predicted == 3] = 1  # called necrosis instead of enhancing
    scores = score_case(case, predicted, seen_in_training=False)
    assert scores.regions[Region.WT].dice == 1.0
    assert scores.regions[Region.TC].dice == 1.0
    assert scores.regions[Region.ET].dice == 0.0


def test_only_the_covered_part_counts() -> None:
    coverage = np.zeros((20, 20, 20), dtype=np.bool_)
    coverage[:12] = True
    case = _case(coverage)
    predicted = np.array(case.labels_kji)
    predicted[15:] = 2
    assert score_case(case, predicted, seen_in_training=False).regions[Region.WT].dice == 1.0


def test_document_holds_means_and_cases() -> None:
    case = _case()
    nothing = np.zeros((20, 20, 20), dtype=np.uint8)
    good = score_case(case, np.array(case.labels_kji), seen_in_training=True)
    bad = score_case(replace(case, name="missed"), nothing, seen_in_training=False)
    without = replace(case, name="none", labels_kji=np.minimum(case.labels_kji, 2))
    none = score_case(without, np.array(without.labels_kji), seen_in_training=False)
    document = as_document([good, bad, none], "name", "abc")
    assert document["cases"]["case"]["seen_in_training"] is True
    assert document["weights_sha256"] == "abc"
    whole = document["mean"]["WT"]["dice"]
    assert (whole["mean"], whole["patients"]) == (pytest.approx(2 / 3, abs=1e-3), 3)
    assert whole["low"] < whole["mean"] < whole["high"]
    # An empty region that is left empty counts 1, so those who have it stand apart.
    assert document["mean"]["ET"]["dice"]["mean"] == pytest.approx(2 / 3, abs=1e-3)
    assert document["mean"][ET_PRESENT]["dice"]["mean"] == 0.5
    assert document["mean"][ET_ABSENT]["dice"] == {"mean": 1.0, "patients": 1}


def test_a_mean_of_one_patient_has_no_interval() -> None:
    case = _case()
    scans = [replace(case, name=name) for name in ("BraTS-GLI-00001-000", "BraTS-GLI-00001-001")]
    empty = np.zeros((20, 20, 20), dtype=np.uint8)
    labels = (np.array(case.labels_kji), empty)
    found = [
        score_case(scan, answer, seen_in_training=False)
        for scan, answer in zip(scans, labels, strict=True)
    ]
    assert len({patient_of(scan.name) for scan in scans}) == 1
    assert as_document(found, "name", "abc")["mean"]["WT"]["dice"] == {"mean": 0.5, "patients": 1}
    told = io.StringIO()
    Console(width=160, file=told).print(table_of_means({"": found}))
    assert "0.500" in told.getvalue()
    assert "–" not in told.getvalue()


def test_means_are_told_whole_in_a_narrow_terminal() -> None:
    case = _case()
    nothing = np.zeros((20, 20, 20), dtype=np.uint8)
    good = score_case(case, np.array(case.labels_kji), seen_in_training=True)
    bad = score_case(replace(case, name="missed"), nothing, seen_in_training=False)
    told = io.StringIO()
    Console(width=80, file=told).print(as_table([good, bad]))
    assert "…" not in told.getvalue()


def test_document_says_lesion_by_lesion_what_was_missed() -> None:
    labels = np.zeros((20, 20, 20), dtype=np.uint8)
    labels[2:6, 2:12, 2:12] = 2
    labels[14:18, 2:12, 2:12] = 2
    case = replace(_case(), labels_kji=labels)
    half = labels.copy()
    half[14:] = 0
    document = as_document([score_case(case, half, seen_in_training=False)], "name", "abc")
    whole = document["cases"]["case"]["WT"]
    assert (whole["found"], whole["missed"], whole["false_alarms"]) == (1, 1, 0)
    assert whole["lesion_dice"] == 0.5
    assert whole["dice"] == pytest.approx(2 / 3, abs=1e-3)
    assert document["mean"]["WT"]["lesion_hd95_mm"]["mean"] == 187.0
