"""Acquisitions that one series stores together are never mixed, and packages never torn apart."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from desktop_app.io.dicom import repeats as dicom_repeats
from desktop_app.io.dicom.geometry import UnusableStack, stack_slices
from desktop_app.io.dicom.repeats import separate_repeats
from desktop_app.io.dicom.slices import SliceHeader
from desktop_app.io.dicom.split import split_series
from tests.slice_headers import slice_header

COUNT = 24
STEP_MM = 5.0


@pytest.fixture(autouse=True)
def _no_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_repeats, "same_pixels", lambda _one, _other: False)


def stack(
    acquisition: str = "1",
    *,
    count: int = COUNT,
    shift_mm: float = 0.0,
    step_mm: float = STEP_MM,
    first: int = 1,
    **values: Any,
) -> list[SliceHeader]:
    return [
        slice_header(n * step_mm + shift_mm, first + n, acquisition=acquisition, **values)
        for n in range(count)
    ]


def sources(group: Iterable[SliceHeader]) -> set[str]:
    return {header.repeat_keys[1] for header in group}


def test_aborted_acquisition_is_not_mixed_with_its_repeat() -> None:
    groups, notes = separate_repeats([*stack("1", count=10), *stack("2", first=101)])
    assert [(len(group), sources(group)) for group in groups] == [(24, {"2"}), (10, {"1"})]
    assert notes == ["Separated into 2 images of the same place."]


def test_gap_of_one_acquisition_stays_its_own() -> None:
    first = stack("1")
    del first[6]
    groups, _ = separate_repeats([*first, *stack("2", first=101)])
    assert [(len(group), sources(group)) for group in groups] == [(24, {"2"}), (23, {"1"})]
    assert "1 slice missing" in stack_slices(groups[1]).problems[0]


def test_two_aborted_acquisitions_and_a_whole_one() -> None:
    second = [slice_header(n * STEP_MM, 50 + n, acquisition="2") for n in range(14, 20)]
    groups, _ = separate_repeats([*stack("1", count=10), *second, *stack("3", first=101)])
    assert [(len(group), sources(group)) for group in groups] == [
        (24, {"3"}),
        (10, {"1"}),
        (6, {"2"}),
    ]


def test_unequal_acquisitions_that_nothing_tells_apart_are_refused() -> None:
    groups, _ = separate_repeats([*stack("1", count=10), *stack("1", first=101)])
    assert len(groups) == 1
    with pytest.raises(UnusableStack, match="same place, and the headers do not tell"):
        stack_slices(groups[0])


def test_equal_acquisitions_without_a_value_of_their_own_go_by_number() -> None:
    groups, notes = separate_repeats([*stack("1"), *stack("1", first=101)])
    numbers = [sorted(header.instance_number for header in group) for group in groups]
    assert numbers == [list(range(1, 25)), list(range(101, 125))]
    assert notes == ["Separated into 2 images of the same place, by the slices' numbers alone."]


def test_time_of_each_slice_does_not_make_images_of_one_slice() -> None:
    whole = [slice_header(n * STEP_MM, n + 1, time=f"12{n:02d}00") for n in range(COUNT)]
    groups, _ = separate_repeats([*whole, slice_header(50.0, 25, time="130000")])
    assert [len(group) for group in groups] == [24, 1]
    assert groups[1][0].instance_number == 25


@pytest.mark.parametrize("odd_place", [0, 10, 23])
def test_odd_duplicate_is_the_one_whose_number_is_out_of_line(odd_place: int) -> None:
    """The one that was taken first is not always the one that belongs to the others."""
    whole = [slice_header(n * STEP_MM, n + 4) for n in range(COUNT)]
    groups, _ = separate_repeats([slice_header(odd_place * STEP_MM, 1), *whole])
    assert sorted(header.instance_number for header in groups[0]) == list(range(4, 28))


@pytest.mark.parametrize("shift_mm", [0.15, 1.0, 5 / 3, 2.0, 2.45, 2.5])
def test_shifted_acquisition_is_not_woven_in(shift_mm: float) -> None:
    slices = [
        *stack("1", thickness_mm=STEP_MM),
        *stack("2", shift_mm=shift_mm, thickness_mm=STEP_MM),
    ]
    groups, notes = separate_repeats(slices)
    assert [sources(group) for group in groups] == [{"1"}, {"2"}]
    assert [stack_slices(group).geometry.shape_kji[0] for group in groups] == [24, 24]
    assert notes == ["Separated into 2 stacks that lie between one another."]


def test_shifted_and_aborted_acquisition_is_not_woven_in() -> None:
    groups, _ = separate_repeats(
        [*stack("1", count=10, thickness_mm=4.0), *stack("2", shift_mm=2.5, thickness_mm=4.0)]
    )
    assert [sources(group) for group in groups] == [{"2"}, {"1"}]


def test_shifted_third_acquisition_beside_two_in_one_place() -> None:
    slices = [slice_ for n in "12" for slice_ in stack(n, thickness_mm=STEP_MM)]
    groups, _ = separate_repeats([*slices, *stack("3", shift_mm=2.0, thickness_mm=STEP_MM)])
    assert [sources(group) for group in groups] == [{"1"}, {"2"}, {"3"}]


PACKAGES = [
    pytest.param({"thickness_mm": 2.5}, id="as thick as their distance"),
    pytest.param({"thickness_mm": 2.0, "distance_mm": 2.5}, id="a gap between"),
    pytest.param({"thickness_mm": 2.0, "distance_mm": 0.5}, id="the gap given for the distance"),
    pytest.param({"thickness_mm": 5.0, "distance_mm": 2.5}, id="slices that overlap"),
    pytest.param({"thickness_mm": 2.5, "distance_mm": 5.0}, id="distance within a package"),
]


@pytest.mark.parametrize("said", PACKAGES)
@pytest.mark.parametrize("by_number", [True, False], ids=["by number", "by time"])
def test_packages_stay_one_volume(said: dict[str, float], by_number: bool) -> None:
    odd = stack("1", count=13, time="120000", **said)
    even = stack("2" if by_number else "1", count=12, shift_mm=2.5, time="120500", first=14, **said)
    groups, notes = separate_repeats([*odd, *even])
    assert (len(groups), notes) == (1, [])
    assert stack_slices(groups[0]).geometry.spacing_mm[0] == pytest.approx(2.5)


def test_package_that_lacks_a_slice_stays_one_volume() -> None:
    slices = [
        *stack("1", count=12, thickness_mm=2.5),
        *stack("2", count=12, shift_mm=2.5, thickness_mm=2.5),
    ]
    del slices[5]
    groups, _ = separate_repeats(slices)
    assert len(groups) == 1
    assert stack_slices(groups[0]).problems == (
        "1 slice missing; filled in between the neighbouring slices.",
    )


def test_repeated_packages_are_two_volumes_and_not_four() -> None:
    slices = [
        header
        for package in range(4)
        for header in stack(
            str(package + 1),
            count=12,
            shift_mm=2.5 * (package % 2),
            first=1 + 12 * package,
            thickness_mm=2.5,
        )
    ]
    groups, _ = separate_repeats(slices)
    assert [sources(group) for group in groups] == [{"1", "2"}, {"3", "4"}]


def test_slices_read_several_at_a_time_stay_one_volume() -> None:
    """Four slices of one excitation share a time, wide apart from one another."""
    slices = [
        slice_header(n * 2.5, n + 1, time=f"12000{n % 6}", thickness_mm=2.5) for n in range(24)
    ]
    assert [len(group) for group in separate_repeats(slices)[0]] == [24]


def test_slabs_that_follow_one_another_stay_one_volume() -> None:
    slices = [
        *stack("1", count=12, thickness_mm=STEP_MM),
        *stack("2", count=12, shift_mm=12 * STEP_MM, thickness_mm=STEP_MM),
    ]
    assert [len(group) for group in separate_repeats(slices)[0]] == [24]


def test_even_interleaving_of_slices_of_unknown_thickness_is_told() -> None:
    groups, notes = separate_repeats([*stack("1"), *stack("2", shift_mm=2.5)])
    assert len(groups) == 1
    assert notes == [
        "2 stacks that lie between one another taken as one image: the headers do not say how "
        "thick the slices are."
    ]


def test_rounding_does_not_make_two_places_of_one() -> None:
    slices = [*stack("1"), *stack("2", shift_mm=0.03, first=101)]
    slices = [*slices, *stack("3", shift_mm=0.06, first=201)]
    groups, _ = separate_repeats(slices)
    assert [sources(group) for group in groups] == [{"1"}, {"2"}, {"3"}]


def test_frames_and_files_of_one_series_are_two_images() -> None:
    frames = [
        replace(header, frame=header.instance_number, repeat_keys=header.repeat_keys[:5])
        for header in stack("1", count=10)
    ]
    parts = split_series([*frames, *stack("1", first=101)])
    assert [len(part.slices) for part in parts] == [24, 10]
    assert "multi-frame" in parts[0].problems[0]


def test_slices_without_axes_are_left_to_the_stack_to_refuse() -> None:
    flat = [replace(header, orientation=np.zeros(6)) for header in stack()]
    groups, notes = separate_repeats(flat)
    assert ([len(group) for group in groups], notes) == ([24], [])
    with pytest.raises(UnusableStack, match="how the slices are turned"):
        stack_slices(groups[0])


def test_slice_without_a_place_is_left_to_the_largest_stack() -> None:
    lost = slice_header(None, 99, acquisition="3")
    groups, _ = separate_repeats([lost, *stack("1", count=10), *stack("2", first=101)])
    assert [len(group) for group in groups] == [25, 10]
    assert lost in groups[0]
