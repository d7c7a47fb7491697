"""Windows cover every voxel, and weights trust their middle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.inference.windows import gaussian_weights, plan_windows

shapes = st.tuples(*[st.integers(1, 300)] * 3)


@given(shape=shapes, side=st.sampled_from([None, 64, 96, 128]), overlap=st.floats(0, 0.9))
def test_every_voxel_of_the_image_is_covered(shape, side, overlap):
    plan = plan_windows(shape, side, overlap)
    covered = [np.zeros(n, dtype=int) for n in plan.shape_kji]
    for window in plan.slices():
        for axis, part in enumerate(window[1:]):
            assert 0 <= part.start < part.stop <= plan.shape_kji[axis]
            covered[axis][part] += 1
    for axis, count in enumerate(covered):
        assert count.min() >= 1
        assert 0 <= plan.offset_kji[axis] <= plan.shape_kji[axis] - shape[axis]


@given(shape=shapes)
def test_windows_suit_the_network(shape):
    for side in (None, 64, 128):
        window = plan_windows(shape, side, 0.5).window_kji
        assert all(n % 32 == 0 and n >= 64 for n in window)


def test_a_brain_is_one_window_or_eight():
    assert len(plan_windows((140, 180, 140), None, 0.5).starts_kji) == 1
    plan = plan_windows((140, 180, 140), 128, 0.5)
    assert len(plan.starts_kji) == 8
    assert plan.voxels == 8 * 128**3


def test_neighbours_share_at_least_the_overlap():
    starts = sorted({start[1] for start in plan_windows((64, 300, 64), 128, 0.5).starts_kji})
    assert starts[0] == 0
    assert starts[-1] == 300 - 128
    assert max(np.diff(starts)) <= 64


def test_the_image_lies_in_the_middle_of_its_padding():
    plan = plan_windows((70, 130, 10), None, 0.5)
    assert plan.shape_kji == (96, 160, 64)
    assert plan.offset_kji == (13, 15, 27)


@pytest.mark.parametrize(("side", "overlap"), [(100, 0.5), (32, 0.5), (128, 1.0), (128, -0.1)])
def test_unsuitable_windows_are_refused(side, overlap):
    with pytest.raises(ValueError, match=r"window|overlap"):
        plan_windows((200, 200, 200), side, overlap)


def test_weights_fall_from_the_middle_and_never_vanish():
    weights = gaussian_weights((64, 96, 128)).numpy()
    assert weights.shape == (64, 96, 128)
    assert weights.max() == pytest.approx(1.0)
    assert weights.min() == pytest.approx(1e-3)
    assert np.allclose(weights, weights[::-1, ::-1, ::-1])
    assert np.all(np.diff(weights[32, 48, 64:]) <= 0)
