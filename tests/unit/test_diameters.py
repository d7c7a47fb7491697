"""The two diameters of a lesion: known shapes, and every other one by trying all lines."""

import time
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.imaging import lesion_lines
from desktop_app.imaging.diameters import InPlaneDiameters, longest_diameters
from desktop_app.imaging.lesion_lines import longest_lines
from desktop_app.imaging.lesion_outline import Points, border_points, may_stay_inside

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]

ISOTROPIC = (1.0, 1.0, 1.0)
# A diameter ends within half a voxel of where the shape does, at either end.
ONE_VOXEL = 1.0


def measured(mask_kji: Mask, spacing_mm: Spacing = ISOTROPIC, **options: Any) -> InPlaneDiameters:
    found = longest_diameters(mask_kji, spacing_mm, **options)
    assert found is not None
    for length_mm, ends in (
        (found.long_mm, found.long_ends_kji),
        (found.short_mm, found.short_ends_kji),
    ):
        assert np.linalg.norm((ends[1] - ends[0]) * spacing_mm) == pytest.approx(length_mm)
    long_mm, short_mm = (
        (ends[1] - ends[0]) * spacing_mm for ends in (found.long_ends_kji, found.short_ends_kji)
    )
    assert long_mm @ short_mm == pytest.approx(0, abs=1e-6)
    assert found.short_mm <= found.long_mm
    return found


def ellipsoid(
    shape_kji: tuple[int, int, int],
    spacing_mm: Spacing,
    radii_mm: tuple[float, float, float],
    degrees: float = 0.0,
) -> Mask:
    """An ellipsoid in the middle of the grid, turned within its slices."""
    axes = [
        (np.arange(size) - (size - 1) / 2) * mm
        for size, mm in zip(shape_kji, spacing_mm, strict=True)
    ]
    k, j, i = np.ix_(*axes)
    angle = np.deg2rad(degrees)
    turned = (
        k,
        j * np.cos(angle) + i * np.sin(angle),
        -j * np.sin(angle) + i * np.cos(angle),
    )
    parts = [(x / radius) ** 2 for x, radius in zip(turned, radii_mm, strict=True)]
    return np.asarray(sum(parts) <= 1)


def test_nothing_marked_has_no_diameters() -> None:
    assert longest_diameters(np.zeros((3, 4, 5), bool), ISOTROPIC) is None


def test_a_voxel_is_as_long_and_wide_as_it_is() -> None:
    mask = np.zeros((3, 5, 5), bool)
    mask[1, 2, 3] = True
    found = measured(mask, (5.0, 0.7, 0.9))
    assert (found.long_mm, found.short_mm) == pytest.approx((0.9, 0.7))
    assert found.slice_index == 1
    assert not found.goes_on
    assert found.long_ends_kji.mean(axis=0) == pytest.approx([1, 2, 3])


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 128])
@pytest.mark.parametrize("spacing_mm", [ISOTROPIC, (5.5, 0.5, 0.9), (3.0, 0.9, 0.45)])
def test_an_ellipsoid_has_the_axes_of_its_middle_slice(spacing_mm: Spacing, degrees: float) -> None:
    shape = tuple(int(50 / mm) + 3 for mm in spacing_mm)
    mask = ellipsoid((shape[0], shape[1], shape[2]), spacing_mm, (24.0, 19.2, 11.3), degrees)
    found = measured(mask, spacing_mm)
    within = ONE_VOXEL * max(spacing_mm[1:])
    assert found.long_mm == pytest.approx(38.4, abs=within)
    # Near its ends an ellipse hardly narrows: a slanted longest diameter has a shorter other one.
    assert found.short_mm == pytest.approx(22.6, abs=1.5 * within)
    assert abs(found.slice_index - shape[0] // 2) <= 4.0 / spacing_mm[0] + 0.5
    assert found.goes_on
    start, end = found.long_ends_kji[:, 1:] * spacing_mm[1:]
    angle = np.degrees(np.arctan2(*(end - start)[::-1]))
    assert abs((angle - degrees + 90) % 180 - 90) < 10


def test_slices_may_run_along_any_axis() -> None:
    mask = ellipsoid((31, 31, 31), ISOTROPIC, (14.0, 9.0, 5.0), 20)
    along_k = measured(mask, (1.0, 0.8, 0.9))
    for axis in (1, 2):
        spacing = [0.8, 0.9]
        spacing.insert(axis, 1.0)
        moved = measured(
            np.moveaxis(mask, 0, axis), (spacing[0], spacing[1], spacing[2]), axis=axis
        )
        assert moved.long_mm == pytest.approx(along_k.long_mm)
        assert moved.short_mm == pytest.approx(along_k.short_mm)
        assert moved.slice_index == along_k.slice_index
        assert moved.long_ends_kji[:, axis] == pytest.approx([along_k.slice_index] * 2)


def test_the_longest_of_several_lesions_counts() -> None:
    mask = np.zeros((9, 40, 40), bool)
    mask[2, 3:9, 3:9] = True  # larger, and shorter
    mask[6, 20:22, 20:32] = True
    found = measured(mask)
    assert (found.slice_index, found.goes_on) == (6, False)
    assert found.long_mm == pytest.approx(np.hypot(12, 1))
    mask[2, 9:35, 35:] = True  # apart from the other in the same slice
    assert measured(mask).long_mm == pytest.approx(np.hypot(26, 4))


def test_of_equally_long_slices_the_wider_counts_in_whatever_order() -> None:
    mask = np.zeros((2, 5, 9), bool)
    mask[:, 2] = True
    mask[0, 1, 4] = mask[0, 3, 1] = True
    mask[1, 1:4, 3:6] = True
    narrow, wide = (measured(mask[one : one + 1]) for one in (0, 1))
    assert narrow.long_mm == wide.long_mm
    assert narrow.short_mm < wide.short_mm
    for stored in (mask, mask[::-1]):
        assert measured(stored).short_mm == wide.short_mm


def test_a_rim_is_measured_across_what_it_encloses() -> None:
    disc = ellipsoid((1, 41, 41), ISOTROPIC, (1.0, 15.0, 12.0))
    hole = ellipsoid((1, 41, 41), ISOTROPIC, (1.0, 13.0, 10.0))
    rim = measured(disc & ~hole)
    whole = measured(disc)
    assert (rim.long_mm, rim.short_mm) == pytest.approx((whole.long_mm, whole.short_mm))


def test_a_rim_with_a_gap_is_measured_across_its_necrosis_alone() -> None:
    disc = ellipsoid((1, 41, 41), ISOTROPIC, (1.0, 15.0, 15.0))
    necrosis = ellipsoid((1, 41, 41), ISOTROPIC, (1.0, 12.0, 12.0))
    necrosis[0, 20, 20:] = disc[0, 20, 20:]
    rim = disc & ~necrosis
    open_rim = measured(rim)
    assert open_rim.long_mm < 22
    across = measured(rim, through_kji=necrosis)
    assert across.long_mm == pytest.approx(measured(disc).long_mm, abs=0.1)
    assert across.short_mm == pytest.approx(30, abs=1)


def test_lines_begin_and_end_at_the_lesion_itself() -> None:
    lesion = np.zeros((1, 12, 40), bool)
    lesion[0, 2:10, 5:15] = True
    core = np.zeros_like(lesion)
    core[0, 2:10, 15:38] = True
    found = measured(lesion, through_kji=core)
    assert found.long_mm == pytest.approx(measured(lesion).long_mm)


def test_a_bent_lesion_is_not_measured_across_the_brain_between_its_arms() -> None:
    mask = np.zeros((1, 30, 30), bool)
    mask[0, 3:27, 3:6] = mask[0, 3:6, 3:27] = mask[0, 24:27, 3:27] = True  # open to the right
    found = measured(mask)
    assert found.long_mm == pytest.approx(24.1, abs=0.2)
    assert found.short_mm < 25


def test_a_slanting_line_of_voxels_is_as_long_as_it_is() -> None:
    mask = np.zeros((1, 30, 30), bool)
    columns = np.arange(25)
    mask[0, 2 + columns // 3, 2 + columns] = True
    assert measured(mask).long_mm == pytest.approx(np.hypot(8, 25), abs=0.7)


def test_a_large_result_takes_no_time() -> None:
    mask = ellipsoid((155, 240, 240), ISOTROPIC, (40.0, 45.0, 30.0), 30)
    mask[60:90, 110:130, 105:135] = False
    before = time.process_time()
    measured(mask)
    assert time.process_time() - before < 0.3


def lobed(lobes: int, radius: int, degrees: float = 0.0) -> Mask:
    """A slice with a flower, whose gaps reach four fifths of the way to its middle."""
    j, i = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    angle = np.arctan2(j, i) + np.radians(degrees)
    mask: Mask = np.hypot(j, i) < radius * (0.6 + 0.4 * np.sin(lobes * angle))
    return mask[None]


@pytest.mark.parametrize(("lobes", "radius"), [(7, 75), (37, 75)])
def test_few_lines_of_a_lobed_lesion_are_tried(
    lobes: int, radius: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = lobed(lobes, radius)
    looks = 0

    def counted(starts: Points, ends: Points, inside_ji: Mask) -> Mask:
        nonlocal looks
        looks += len(starts)
        return may_stay_inside(starts, ends, inside_ji)

    monkeypatch.setattr(lesion_lines, "may_stay_inside", counted)
    measured(mask)
    points = len(border_points(np.pad(mask[0], 1)))
    assert 1000 < looks < 0.1 * points * (points - 1) / 2


# Everything below finds the same by other means, slowly.


def outline_corners(mask_ji: Mask) -> list[tuple[Fraction, Fraction]]:
    half = Fraction(1, 2)
    rows, columns = mask_ji.shape
    marked = {(j, i) for j in range(rows) for i in range(columns) if mask_ji[j, i]}
    corners = []
    for j, i in marked:
        for dj, di in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            if (j + dj, i + di) not in marked:
                corners.append((j + half * dj, i + half * di))
    return corners


def has_chord_property(
    start: tuple[Fraction, Fraction], end: tuple[Fraction, Fraction], mask_ji: Mask
) -> bool:
    """Whether the open squares of side 2 around the marked voxels cover the line."""
    spans = []
    for voxel in np.argwhere(mask_ji):
        low, high = Fraction(-1), Fraction(2)
        for p, q, centre in zip(start, end, voxel, strict=True):
            if p == q:
                if abs(p - int(centre)) >= 1:
                    low, high = Fraction(1), Fraction(0)
                continue
            ts = sorted(((int(centre) - 1 - p) / (q - p), (int(centre) + 1 - p) / (q - p)))
            low, high = max(low, ts[0]), min(high, ts[1])
        if low < high:
            spans.append((low, high))
    reached = Fraction(0)
    while True:
        further = [high for low, high in spans if low < reached < high]
        if not further:
            return False
        reached = max(further)
        if reached > 1:
            return True


def filled(mask_ji: Mask) -> Mask:
    """Whatever cannot be reached from outside in steps across faces."""
    padded = np.pad(mask_ji, 1)
    outside = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        j, i = waiting.pop()
        for at in ((j + 1, i), (j - 1, i), (j, i + 1), (j, i - 1)):
            is_there = 0 <= at[0] < padded.shape[0] and 0 <= at[1] < padded.shape[1]
            if is_there and at not in outside and not padded[at]:
                outside.add(at)
                waiting.append(at)
    result = np.ones_like(padded)
    for at in outside:
        result[at] = False
    return result[1:-1, 1:-1]


def longest_by_trying(mask_kji: Mask, spacing_mm: Spacing) -> float:
    longest = 0.0
    for mask_ji in mask_kji:
        closed = filled(mask_ji)
        for start, end in combinations(outline_corners(closed), 2):
            down, across = (
                float(q - p) * mm for p, q, mm in zip(start, end, spacing_mm[1:], strict=True)
            )
            length = float(np.hypot(down, across))
            if length > longest and has_chord_property(start, end, closed):
                longest = length
    return longest


def is_enclosed(points: NDArray[np.float64], mask_ji: Mask) -> Mask:
    """Whether points lie within the outline, by the four voxels around each; edges count."""
    cell = np.floor(points).astype(int)
    place = points - cell
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    marked = np.stack([mask_ji[cell[:, 0] + dj, cell[:, 1] + di] for dj, di in corners], axis=-1)
    near = np.stack([np.abs(place - corner).sum(axis=-1) <= 0.5 for corner in corners], axis=-1)
    strictly = np.stack(
        [np.abs(place - corner).sum(axis=-1) < 0.5 - 1e-9 for corner in corners], axis=-1
    )
    count = marked.sum(axis=-1)
    is_pair = (count == 2) & (marked[:, 0] != marked[:, 3])
    towards = np.where(
        marked[:, 0] == marked[:, 1],
        np.where(marked[:, 0], 1 - place[:, 0], place[:, 0]),
        np.where(marked[:, 0], 1 - place[:, 1], place[:, 1]),
    )
    by_corner = np.where(
        count == 1, (marked & near).any(axis=-1), ~(~marked & strictly).any(axis=-1)
    )
    return np.where(count == 0, False, np.where(is_pair, towards >= 0.5, by_corner))


def lesion_of(found: InPlaneDiameters, mask_kji: Mask) -> Mask:
    """The filled lesion, in the slice and alone, that the longest diameter was found in."""
    closed = filled(mask_kji[found.slice_index])
    parts, _ = ndimage.label(closed, np.ones((3, 3)))
    end = found.long_ends_kji[0, 1:]
    beside = {tuple(np.floor(end).astype(int)), tuple(np.ceil(end).astype(int))}
    (number,) = {
        int(parts[at])
        for at in beside
        if all(0 <= n < size for n, size in zip(at, parts.shape, strict=True)) and parts[at]
    }
    return np.asarray(parts == number)


def longest_across_by_sampling(
    found: InPlaneDiameters, lesion_ji: Mask, spacing_mm: Spacing, step_mm: float
) -> float:
    """Walk from every corner of the outline both ways, as far as no gap is met."""
    frame = 12
    padded = np.pad(lesion_ji, frame)
    spacing = np.array(spacing_mm[1:])
    long = (found.long_ends_kji[1] - found.long_ends_kji[0])[1:] * spacing
    across = np.array([-long[1], long[0]]) / np.linalg.norm(long)
    steps = np.arange(0, (frame - 2) * min(spacing_mm), step_mm)
    longest = 0.0
    for corner in np.array(outline_corners(padded), np.float64):
        for way in (1, -1):
            points = corner + way * steps[:, None] * across / spacing
            # Nothing but a gap is this far from all voxels, and a gap is not missed between steps.
            near = ndimage.map_coordinates(padded.astype(float), points.T, order=1) > 0.02
            stays = np.logical_and.accumulate(near)
            enclosed = np.flatnonzero(stays & is_enclosed(points, padded))
            longest = max(longest, float(steps[enclosed].max(initial=0.0)))
    return longest


small_masks = hypothesis_numpy.arrays(
    bool,
    st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 6)),
    elements=st.booleans(),
)
spacings = st.tuples(*[st.sampled_from([0.5, 0.7, 1.0, 1.3])] * 3)


@given(small_masks, spacings)
@settings(max_examples=40, deadline=None)
def test_no_line_inside_is_longer(mask_kji: Mask, spacing_mm: Spacing) -> None:
    if not mask_kji.any():
        return
    found = measured(mask_kji, spacing_mm)
    expected = longest_by_trying(mask_kji, spacing_mm)
    # One across that ends between corners of the outline can be longer by a little.
    assert found.long_mm == pytest.approx(expected) or (
        expected < found.long_mm < expected + max(spacing_mm) / 2
    )


@pytest.mark.parametrize(("lobes", "degrees"), [(2, 20), (3, 0), (5, 10), (7, 0)])
def test_no_line_inside_a_lobed_lesion_is_longer(lobes: int, degrees: float) -> None:
    mask = lobed(lobes, 6, degrees)
    spacing_mm = (1.0, 0.7, 1.3)
    found = longest_lines(np.pad(mask[0], 1), np.pad(mask[0], 1), np.array(spacing_mm[1:]), 0, int)
    assert found[0].length_mm == pytest.approx(longest_by_trying(mask, spacing_mm))


@given(small_masks, spacings)
@settings(max_examples=40, deadline=None)
def test_no_line_across_is_longer(mask_kji: Mask, spacing_mm: Spacing) -> None:
    if not mask_kji.any():
        return
    found = measured(mask_kji, spacing_mm)
    lesion_ji = lesion_of(found, mask_kji)
    start, end = found.short_ends_kji[:, 1:]
    assert has_chord_property(
        (Fraction(start[0]), Fraction(start[1])), (Fraction(end[0]), Fraction(end[1])), lesion_ji
    )
    around = 1e-6 * np.array([(j, i) for j in (-1, 0, 1) for i in (-1, 0, 1)])
    for tip in (start, end):
        assert is_enclosed(tip + 1 + around, np.pad(lesion_ji, 1)).any()
    step_mm = 1 / 128
    sampled = longest_across_by_sampling(found, lesion_ji, spacing_mm, step_mm)
    assert found.short_mm >= sampled - 2 * step_mm
