"""A region filled between the slices drawn in."""

import numpy as np
import pytest

from desktop_app.imaging.slice_filling import filled_between

MM = (1.0, 1.0)
SIZE = (60, 60)


def square(top, left, height=10, width=10):
    mask = np.zeros(SIZE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def test_every_third_slice_of_a_ball_gives_the_ball():
    offsets = np.indices((30, 60, 60)) - np.array([15, 30, 30]).reshape(3, 1, 1, 1)
    whole = np.linalg.norm(offsets, axis=0) <= 10
    drawn = {level: whole[level] for level in range(0, 30, 3)}
    filled = filled_between(drawn, set(drawn), 1.0, MM)
    given = np.stack([drawn.get(k, filled.get(k, np.zeros(SIZE, bool))) for k in range(30)])
    assert 2 * (given & whole).sum() / (given.sum() + whole.sum()) > 0.95


def test_a_shape_that_moves_is_met_on_its_way():
    filled = filled_between({1: square(10, 10), 10: square(26, 10)}, {1, 10}, 1.0, MM)
    assert [int(filled[level].sum()) for level in range(2, 10)] == pytest.approx([100] * 8, abs=15)
    rows = [np.argwhere(filled[level])[:, 0].mean() for level in range(2, 10)]
    assert np.diff(rows) == pytest.approx([16 / 9] * 7, abs=1)


def test_shapes_far_apart_are_not_joined():
    assert not filled_between({1: square(10, 10), 14: square(10, 10)}, {1, 14}, 1.0, MM)
    assert not filled_between({1: square(10, 10), 5: square(10, 40)}, {1, 5}, 1.0, MM)
    wide = square(5, 5, 45, 45)
    assert not filled_between({1: wide, 22: wide}, {1, 22}, 1.0, MM)
    assert len(filled_between({1: wide, 21: wide}, {1, 21}, 1.0, MM)) == 19
    # Thick slices of a small one: one left out is always filled.
    small = square(10, 10, 4, 4)
    assert list(filled_between({1: small, 3: small}, {1, 3}, 6.0, MM)) == [2]


def test_each_shape_goes_on_with_its_own():
    """Two lesions drawn in slices of their own, in turns."""
    left, right = square(10, 5), square(30, 45)
    drawn = {2: left, 4: right, 6: left, 8: right}
    filled = filled_between(drawn, set(drawn), 1.0, MM)
    assert np.array_equal(filled[3], left)
    assert np.array_equal(filled[5], left | right)
    assert np.array_equal(filled[7], right)


def test_one_that_divides_goes_on_with_both():
    wide = square(10, 10, 10, 40)
    ends = square(10, 10) | square(10, 40)
    filled = filled_between({1: wide, 7: ends}, {1, 7}, 1.0, MM)
    assert filled[6][15, [14, 45]].all()
    assert not filled[6][15, 30]


def test_what_was_filled_is_not_filled_again():
    drawn = {level: square(10, 10) for level in (2, 5, 8)}
    assert set(filled_between(drawn, {8}, 1.0, MM)) == {6, 7}
    assert not filled_between(drawn, set(), 1.0, MM)
    assert not filled_between({}, set(), 1.0, MM)
