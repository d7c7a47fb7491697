"""The head phantom: same seed, same head; a brain of human size; a tumour where asked for."""

import numpy as np
import pytest

from model.spec import Label, Sequence
from model.synthetic import (
    PROTOCOLS,
    HeadPhantom,
    Side,
    TumourSpec,
    make_head,
    simulate,
)
from model.synthetic.stripped import brain_mask
from model.synthetic.tissues import Tissue

COARSE_MM = 3.0
SPEC = TumourSpec(side=Side.LEFT, core_radius_mm=18, rim_mm=5)


@pytest.fixture(scope="module")
def head() -> HeadPhantom:
    return make_head(3, tumour=SPEC, spacing_mm=COARSE_MM)


def _centre_lps_mm(mask: np.ndarray, phantom: HeadPhantom) -> np.ndarray:
    index_kji = np.argwhere(mask).mean(axis=0)
    return (phantom.affine_lps_mm @ [*index_kji[::-1], 1])[:3]


def test_same_seed_same_head(head: HeadPhantom) -> None:
    again = make_head(3, tumour=SPEC, spacing_mm=COARSE_MM)
    for name in ("tissues_kji", "minor_kji", "share_kji", "texture_kji", "tumour_kji"):
        np.testing.assert_array_equal(getattr(again, name), getattr(head, name))


def test_another_seed_another_head(head: HeadPhantom) -> None:
    other = make_head(4, tumour=SPEC, spacing_mm=COARSE_MM)
    assert np.mean(other.tissues_kji != head.tissues_kji) > 0.02


def test_every_tissue_is_there(head: HeadPhantom) -> None:
    present = {Tissue(code) for code in np.unique(head.tissues_kji)}
    # The lens and the wall of the eye are thinner than these voxels.
    assert set(Tissue) - present <= {Tissue.LENS, Tissue.DURA, Tissue.CHOROID}


def test_brain_is_of_human_size(head: HeadPhantom) -> None:
    mask = brain_mask(head)
    extent_kji = (np.ptp(np.argwhere(mask), axis=0) + 1) * COARSE_MM
    assert 115 < extent_kji[0] < 150
    assert 150 < extent_kji[1] < 185
    assert 120 < extent_kji[2] < 150
    assert 1.1e6 < mask.sum() * COARSE_MM**3 < 1.6e6


def test_shares_are_shares(head: HeadPhantom) -> None:
    assert head.share_kji.min() >= 0.5
    assert head.share_kji.max() <= 1


def test_arrays_cannot_be_changed(head: HeadPhantom) -> None:
    with pytest.raises(ValueError, match="read-only"):
        head.tumour_kji[0, 0, 0] = 1


@pytest.mark.parametrize(("side", "sign"), [(Side.LEFT, 1), (Side.RIGHT, -1)])
def test_tumour_lies_on_its_side(side: Side, sign: int) -> None:
    phantom = make_head(5, tumour=TumourSpec(side=side), spacing_mm=4)
    core = np.isin(phantom.tumour_kji, (Label.NCR, Label.ET))
    centre = _centre_lps_mm(core, phantom)
    np.testing.assert_allclose(centre, phantom.tumour.centre_lps_mm, atol=10)
    assert np.sign(centre[0]) == sign


def test_larger_asked_larger_made(head: HeadPhantom) -> None:
    small = make_head(3, tumour=TumourSpec(core_radius_mm=9, rim_mm=3), spacing_mm=COARSE_MM)

    def core_mm3(phantom: HeadPhantom) -> float:
        return np.isin(phantom.tumour_kji, (Label.NCR, Label.ET)).sum() * COARSE_MM**3

    assert core_mm3(small) < 0.4 * core_mm3(head)
    ball = 4 / 3 * np.pi * SPEC.core_radius_mm**3
    assert 0.5 * ball < core_mm3(head) < 1.8 * ball


def test_rim_wraps_the_necrosis(head: HeadPhantom) -> None:
    necrosis = head.tumour_kji == Label.NCR
    assert necrosis.any()
    outside = np.zeros_like(necrosis)
    for axis in range(3):
        for step in (-1, 1):
            outside |= np.roll(necrosis, step, axis) & ~necrosis
    touching = head.tumour_kji[outside]
    assert np.mean(touching == Label.ET) > 0.9


def test_oedema_spares_ventricles_and_stays_in_the_brain(head: HeadPhantom) -> None:
    assert brain_mask(head)[head.tumour_kji > 0].mean() > 0.99
    np.testing.assert_array_equal(head.tumour_kji == Label.ED, head.tissues_kji == Tissue.OEDEMA)


def test_healthy_head_has_no_tumour() -> None:
    phantom = make_head(3, healthy=True, spacing_mm=4)
    assert phantom.tumour is None
    assert not phantom.tumour_kji.any()


def test_voxel_size_hardly_changes_the_tumour(head: HeadPhantom) -> None:
    finer = make_head(3, tumour=SPEC, spacing_mm=2.0)
    for label in (Label.NCR, Label.ED, Label.ET):
        fine = (finer.tumour_kji == label).sum() * 2.0**3
        coarse = (head.tumour_kji == label).sum() * COARSE_MM**3
        assert coarse == pytest.approx(fine, rel=0.25)


def test_pictures_show_the_tumour(head: HeadPhantom) -> None:
    t1c = simulate(head, PROTOCOLS[Sequence.T1C])
    flair = simulate(head, PROTOCOLS[Sequence.FLAIR])
    white = np.median(t1c[head.tissues_kji == Tissue.WHITE_MATTER])
    assert white == pytest.approx(1, rel=0.05)
    assert np.median(t1c[head.tumour_kji == Label.ET]) > 1.3
    assert np.median(t1c[head.tumour_kji == Label.NCR]) < 0.95
    assert np.median(flair[head.tumour_kji == Label.ED]) > 1.3


@pytest.mark.parametrize(
    "arguments",
    [{"core_radius_mm": 0}, {"core_radius_mm": 90}, {"oedema_mm": -1}, {"irregularity": 9}],
)
def test_impossible_tumours_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        TumourSpec(**arguments)


@pytest.mark.parametrize("arguments", [{"spacing_mm": 0.1}, {"spacing_mm": 9}, {"size": 2}])
def test_impossible_heads_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        make_head(1, **arguments)
