"""Smoothing, specks and filling between slices."""

import numpy as np
import pytest

from desktop_app.imaging.label_changes import filled_between, smoothed, without_specks

MM = (1.0, 1.0, 1.0)


def ball(shape, centre, radius):
    offsets = np.indices(shape).T - np.array(centre)
    return (np.linalg.norm(offsets, axis=-1) <= radius).T


def test_specks_go_with_all_their_regions_and_the_rest_stays():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[2:8, 2:8, 2:8] = 2
    labels[4:6, 4:6, 4:6] = 3
    labels[15, 15, 15:18] = (3, 2, 2)
    kept = without_specks(labels, 4)
    assert not kept[15].any()
    assert np.array_equal(kept[:10], labels[:10])
    assert np.array_equal(without_specks(labels, 3), labels)
    assert not without_specks(np.zeros_like(labels), 9).any()


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


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_third_slice_of_a_ball_gives_the_ball(axis):
    shape = (30, 30, 30)
    whole = ball(shape, (15, 15, 15), 10)
    sparse = np.zeros(shape, np.uint8)
    np.moveaxis(sparse, axis, 0)[::3] = np.moveaxis(whole, axis, 0)[::3] * np.uint8(3)
    filled = filled_between(sparse, 3, axis, MM)
    overlap = ((filled == 3) & whole).sum() * 2 / ((filled == 3).sum() + whole.sum())
    assert overlap > 0.95


def test_filling_between_leaves_other_regions_and_marked_slices_alone():
    labels = np.zeros((5, 10, 10), np.uint8)
    labels[[0, 4], 2:8, 2:8] = 3
    labels[2, 4, 4] = 1
    filled = filled_between(labels, 3, 0, MM)
    assert filled[2, 4, 4] == 1
    assert (filled[[1, 2, 3], 3:7, 3:7] > 0).all()
    assert np.array_equal(filled[[0, 4]], labels[[0, 4]])
    assert np.array_equal(filled_between(labels, 2, 0, MM), labels)
