"""Smoothing, and what is too small."""

import numpy as np
import pytest

from desktop_app.imaging.label_changes import smoothed, without_specks

MM = (1.0, 1.0, 1.0)


def ball(shape, centre, radius):
    offsets = np.indices(shape).T - np.array(centre)
    return (np.linalg.norm(offsets, axis=-1) <= radius).T


def test_specks_go_with_all_their_regions_and_the_rest_stays():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[2:8, 2:8, 2:8] = 2
    labels[4:6, 4:6, 4:6] = 3
    labels[15, 15, 15:18] = (3, 2, 2)
    kept, parts = without_specks(labels, 4)
    assert parts == 1
    assert not kept[15].any()
    assert np.array_equal(kept[:10], labels[:10])
    same, parts = without_specks(labels, 3)
    assert parts == 0
    assert np.array_equal(same, labels)
    assert not without_specks(np.zeros_like(labels), 9)[0].any()


def test_the_largest_part_is_no_speck_however_small():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[2:5, 2, 2] = 3
    labels[10, 10, 10] = 3
    kept, parts = without_specks(labels, 1000)
    assert parts == 1
    assert np.array_equal(np.argwhere(kept)[:, 0], [2, 3, 4])


def test_a_speck_with_what_is_to_be_spared_stays():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[2:5, 2, 2] = 3
    labels[10, 10, 10:12] = (3, 2)
    kept, parts = without_specks(labels, 1000, spared=(2,))
    assert parts == 0
    assert np.array_equal(kept, labels)


def test_smoothing_takes_a_jagged_border_off_and_keeps_the_volume():
    rng = np.random.default_rng(3)
    shape = (32, 32, 32)
    truth = ball(shape, (16, 16, 16), 9)
    border = ball(shape, (16, 16, 16), 10) & ~ball(shape, (16, 16, 16), 8)
    labels = np.where(truth, 2, 0).astype(np.uint8)
    labels[border & (rng.random(shape) < 0.3)] ^= 2
    better = smoothed(labels, (1, 2, 3), MM)
    assert set(np.unique(better)) == {0, 2}
    assert ((better > 0) != truth).sum() < 0.5 * ((labels > 0) != truth).sum()
    assert (better > 0).sum() == pytest.approx(truth.sum(), rel=0.05)


def test_smoothing_does_not_reach_across_thick_slices():
    labels = np.zeros((3, 20, 20), np.uint8)
    labels[1, 5:15, 5:15] = 3
    assert np.array_equal(smoothed(labels, (1, 2, 3), (5.0, 1.0, 1.0))[[0, 2]], labels[[0, 2]])
    empty = np.zeros_like(labels)
    assert smoothed(empty, (1, 2, 3), MM) is empty


@pytest.mark.parametrize("spacing_mm", [1.0, 0.5])
@pytest.mark.parametrize("rim_mm", [1.0, 1.5, 2.0])
def test_smoothing_keeps_a_thin_rim_between_two_regions(spacing_mm, rim_mm):
    size = round(40 / spacing_mm)
    radius_mm = np.linalg.norm(np.indices((size,) * 3) - size / 2, axis=0) * spacing_mm
    labels = np.select([radius_mm < 10, radius_mm < 10 + rim_mm, radius_mm < 18], [1, 3, 2], 0)
    labels = labels.astype(np.uint8)
    better = smoothed(labels, (1, 2, 3), (spacing_mm,) * 3)
    assert (better == 3).sum() > 0.9 * (labels == 3).sum()


@pytest.mark.parametrize("spacing_mm", [(0.2, 0.2, 0.2), (1.0, 0.25, 0.25), (5.0, 0.4, 0.4), MM])
def test_borders_follow_the_tumour_alone_however_fine_the_voxels(spacing_mm):
    """A cube that fills its own box: what surrounds it is background, not its mirror image."""
    side = [max(2, round(16 / mm)) for mm in spacing_mm]
    around = [round(6 / mm) + 2 for mm in spacing_mm]
    labels = np.zeros([one + 2 * more for one, more in zip(side, around, strict=True)], np.uint8)
    labels[tuple(slice(more, more + one) for one, more in zip(side, around, strict=True))] = 2
    once = smoothed(labels, (1, 2, 3), spacing_mm)
    again = smoothed(once, (1, 2, 3), spacing_mm)
    assert not (once[labels == 0]).any()
    assert (again != 0).sum() <= (once != 0).sum() < (labels != 0).sum()
    assert (again != 0).sum() > 0.85 * (labels != 0).sum()


def test_what_touches_the_tumour_by_a_corner_is_its_ragged_border():
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[6:21, 6:21, 6:21] = 2
    labels[21, 21, 21] = 2
    assert not smoothed(labels, (1, 2, 3), MM)[21, 21, 21]


def test_small_lesions_are_left_as_they_are():
    labels = np.zeros((60, 40, 40), np.uint8)
    labels[5:25, 10:30, 10:30] = 2  # its corners are rounded off
    small = ball(labels.shape, (45, 20, 20), 3.2)
    labels[small] = 3
    after = smoothed(labels, (1, 2, 3), MM)
    assert np.array_equal(after[35:], labels[35:])
    assert (after[:35] != labels[:35]).any()
