"""The step of a stack: missing slices are filled in by one limit, whatever their pattern."""

import numpy as np
import pytest

from desktop_app.io.dicom.geometry import SliceStack, UnusableStack, stack_slices, whole_steps
from tests.slice_headers import slice_header

STEP_MM = 5.0


def stacked(*places: float) -> SliceStack:
    return stack_slices([slice_header(place * STEP_MM) for place in places])


def without(*missing: int, count: int = 24) -> list[float]:
    return [float(n) for n in range(count) if n not in missing]


def test_every_third_missing_is_refused() -> None:
    with pytest.raises(UnusableStack, match=r"^8 of 24 slices missing: too many to bridge$"):
        stacked(*without(*range(1, 24, 3)))


def test_single_gaps_of_more_than_the_share_are_refused() -> None:
    with pytest.raises(UnusableStack, match="5 of 24 slices missing"):
        stacked(*without(2, 6, 11, 15, 20))


def test_odd_gaps_are_filled_on_the_step_of_the_others() -> None:
    stack = stacked(*without(3, 12, 13))
    assert stack.geometry.shape_kji[0] == 24
    assert stack.geometry.spacing_mm[0] == pytest.approx(STEP_MM)
    assert stack.problems == ("3 slices missing; filled in between the neighbouring slices.",)


def test_every_second_missing_takes_the_wider_step() -> None:
    stack = stacked(*range(0, 24, 2))
    assert (stack.geometry.shape_kji[0], stack.problems) == (12, ())
    assert stack.geometry.spacing_mm[0] == pytest.approx(2 * STEP_MM)


def test_odd_slices_between_those_of_a_wider_step_do_not_refine_it() -> None:
    stack = stacked(*sorted([*range(0, 24, 2), 5, 17]))
    assert stack.geometry.shape_kji[0] == 12
    assert stack.geometry.spacing_mm[0] == pytest.approx(2 * STEP_MM)
    assert "every 10.00 mm" in stack.problems[0]


def test_two_blocks_with_a_seam_keep_their_step() -> None:
    stack = stacked(*range(10), *(9.4 + n for n in range(10)))
    assert stack.geometry.spacing_mm[0] == pytest.approx(STEP_MM)
    assert "not evenly spaced" in stack.problems[0]


def test_rounding_of_every_step_does_not_add_up() -> None:
    places_mm = np.round(np.arange(100) * 1.2345, 1)
    for first_mm in (0.0, -37.5, 80.0):
        found = whole_steps(first_mm + np.delete(places_mm, 40), 1.2)
        assert found is not None
        step_mm, whole = found
        assert step_mm == pytest.approx(1.2345, abs=1e-3)
        assert whole[-1] == 99


def test_any_place_is_not_a_multiple_of_a_fine_step() -> None:
    assert whole_steps(np.array([0.0, 0.3, 0.74, 1.2, 1.33]), 0.3) is None


def test_a_stack_longer_than_any_head_is_refused() -> None:
    with pytest.raises(UnusableStack, match=r"^an image of .*×605 mm is larger than any of a head"):
        stacked(*range(121))
