"""The two perpendicular diameters of a lesion within one slice, in millimetres.

What is measured follows the response assessment criteria of neuro-oncology, RANO 2.0 (Wen et al.
2023, doi 10.1200/JCO.23.01059) and RANO-HGG, on which it builds (Wen et al. 2010, doi
10.1200/JCO.2009.26.3541): the longest diameter that a lesion has in one slice, and the longest one
perpendicular to it in the same slice. They leave open, and here it was decided:

- **Both lines run inside the lesion**, though neither publication says so in these words: they
  want no cyst and no cavity measured with it, so neither is the brain that a line would cross
  between two arms of a bent lesion. The lines need not cross each other.
- **What the lesion encloses within the slice counts**, so that a rim is measured across its
  necrosis. Lines also run through what the caller names besides (`through_kji`), since a rim with
  a gap of one voxel is still a rim; they begin and end at the lesion itself. Whether something
  enclosed is necrosis or, which is not to be measured, a cyst or cavity, no mask can tell.
- **Perpendicular is exact** in millimetres: ends lie on the outline (see `lesion_outline`), not at
  centres of voxels, so that no tolerance in the angle is needed.
- Lesions that touch only in another slice are two in this one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

from desktop_app.imaging.lesion_outline import (
    Mask,
    Points,
    border_points,
    filled_in_slices,
    lesions_in_slices,
    may_stay_inside,
    outline_edges,
    stays_inside,
)

_EQUAL_MM = 1e-6
_POINTS_AT_ONCE = 512
_LINES_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class InPlaneDiameters:
    """Two perpendicular lines in one slice.

    Parameters
    ----------
    slice_index
        Counted from 0 along the axis that was asked for.
    long_mm, short_mm
        Their lengths; `short_mm` is not greater.
    long_ends_kji, short_ends_kji
        (2, 3) voxel indices of their ends; fractions, since ends lie between voxels.
    goes_on
        Whether the lesion goes on in a neighbouring slice.
    """

    slice_index: int
    long_mm: float
    short_mm: float
    long_ends_kji: Points
    short_ends_kji: Points
    goes_on: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    length_mm: float
    ends: Points


class _Part(NamedTuple):
    """A lesion in one slice; row and column count from the corner of a frame of one voxel."""

    number: int
    corner: tuple[int, int]
    lesion: Mask
    inside: Mask


def longest_diameters(
    lesion_kji: Mask,
    spacing_mm: tuple[float, float, float],
    *,
    axis: int = 0,
    through_kji: Mask | None = None,
) -> InPlaneDiameters | None:
    """Find the longest diameter of all lesions in all slices, and the longest perpendicular to it.

    Among equally long ones in a slice, the one with the longer perpendicular counts.

    Parameters
    ----------
    lesion_kji
        (k, j, i) where the lesions are.
    spacing_mm
        Distance between voxel centres along k, j and i.
    axis
        The axis of the array that leads from slice to slice.
    through_kji
        What lines may run through besides; they neither begin nor end in it.

    Returns
    -------
    InPlaneDiameters or None
        ``None`` where no voxel is marked.
    """
    box = _box(lesion_kji)
    if box is None:
        return None
    lesion = np.moveaxis(lesion_kji[box], axis, 0)
    through = None if through_kji is None else np.moveaxis(through_kji[box], axis, 0)
    lesion = filled_in_slices(lesion)
    inside = lesion if through is None else filled_in_slices(lesion | through)
    in_plane_mm = np.delete(np.asarray(spacing_mm, np.float64), axis)
    found = _longest_of(_parts(lesion, inside, in_plane_mm), in_plane_mm)
    if found is None:
        return None
    part, long, short = found
    start = np.array([one.start for one in box], np.float64)

    def to_kji(ends: Points) -> Points:
        within = np.insert(ends + part.corner, axis, part.number, axis=1)
        points: Points = within + start
        return points

    return InPlaneDiameters(
        slice_index=part.number + box[axis].start,
        long_mm=long.length_mm,
        short_mm=short.length_mm,
        long_ends_kji=to_kji(long.ends),
        short_ends_kji=to_kji(short.ends),
        goes_on=_goes_on(part, lesion),
    )


def _box(mask: Mask) -> tuple[slice, slice, slice] | None:
    """Return the smallest box around what is marked."""
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        marked = np.flatnonzero(mask.any(axis=others))
        if not marked.size:
            return None
        box.append(slice(int(marked[0]), int(marked[-1]) + 1))
        if axis == 0:  # the other two are then cheap
            mask = mask[box[0]]
    return box[0], box[1], box[2]


def _parts(lesion: Mask, inside: Mask, spacing_mm: Points) -> Iterator[tuple[float, _Part]]:
    """Return lesions in slices, each with how long it can be at most, that one falling."""
    numbers = lesions_in_slices(inside)
    boxes = enumerate(ndimage.find_objects(numbers), start=1)
    sizes = [
        (float(np.hypot(*(spacing_mm * [one.stop - one.start for one in box[1:]]))), number, box)
        for number, box in boxes
    ]
    for most_mm, number, box in sorted(sizes, key=lambda one: (-one[0], one[1])):
        here = numbers[box][0] == number
        yield (
            most_mm,
            _Part(
                box[0].start,
                (box[1].start - 1, box[2].start - 1),
                np.pad(lesion[box][0] & here, 1),
                np.pad(here, 1),
            ),
        )


def _longest_of(
    parts: Iterator[tuple[float, _Part]], spacing_mm: Points
) -> tuple[_Part, _Line, _Line] | None:
    found: tuple[_Part, list[_Line]] | None = None
    longest_mm = 0.0
    for most_mm, part in parts:
        if most_mm < longest_mm + _EQUAL_MM:
            break
        if part.lesion.any() and (lines := _longest(part, spacing_mm, longest_mm)):
            found = part, lines
            longest_mm = lines[0].length_mm
    if found is None:
        return None
    part, lines = found
    pairs = [(line, _longest_across(part, line, spacing_mm)) for line in lines]
    # Across, ends may lie between corners of the outline, so it can be the longer one by a little.
    one, other = max(pairs, key=lambda pair: pair[1].length_mm)
    if other.length_mm > one.length_mm:
        one, other = other, one
    return part, one, other


def _longest(part: _Part, spacing_mm: Points, beyond_mm: float) -> list[_Line]:
    """Return the longest lines inside, all that are equally long; none if none is longer."""
    points = border_points(part.lesion)
    hull = points[ConvexHull(points * spacing_mm).vertices]
    farthest_mm = np.sqrt(_squares(points, hull, spacing_mm).max(axis=1))
    if farthest_mm.max() < beyond_mm + _EQUAL_MM:
        return []
    # Most lesions are longest between corners of their hull; else those tell how long at least.
    lines = _longest_inside(hull, part.inside, spacing_mm, beyond_mm)
    if lines:
        beyond_mm = lines[0].length_mm
    points = points[farthest_mm > beyond_mm + _EQUAL_MM]
    return _longest_inside(points, part.inside, spacing_mm, beyond_mm) or lines


def _squares(ones: Points, others: Points, spacing_mm: Points) -> Points:
    """Return (n, m) the squares of the distances, in mm²."""
    rows_mm, columns_mm = (
        np.subtract.outer(ones[:, axis], others[:, axis]) * spacing_mm[axis] for axis in (0, 1)
    )
    squares: Points = rows_mm * rows_mm + columns_mm * columns_mm
    return squares


def _longest_inside(
    points: Points, inside: Mask, spacing_mm: Points, beyond_mm: float
) -> list[_Line]:
    """Return the longest lines inside between two of the points; none if none is longer."""
    pieces = []
    for first in range(0, len(points), _POINTS_AT_ONCE):
        some, rest = points[first : first + _POINTS_AT_ONCE], points[first:]
        squares = np.triu(_squares(some, rest, spacing_mm), 1)
        one, other = np.nonzero(squares > (beyond_mm + _EQUAL_MM) ** 2)
        starts, ends = some[one], rest[other]
        may = may_stay_inside(starts, ends, inside)
        pieces.append((starts[may], ends[may], np.sqrt(squares[one[may], other[may]])))
    if not pieces:
        return []
    starts, ends, lengths_mm = (np.concatenate(piece) for piece in zip(*pieces, strict=True))
    return _longest_staying(starts, ends, lengths_mm, inside)


def _longest_staying(starts: Points, ends: Points, lengths_mm: Points, inside: Mask) -> list[_Line]:
    """Return the longest of these lines that stays inside, and those equally long."""
    order = np.argsort(-lengths_mm, kind="stable")
    for begin in range(0, len(order), _LINES_AT_ONCE):
        some = order[begin : begin + _LINES_AT_ONCE]
        stay = some[stays_inside(starts[some], ends[some], inside)]
        if stay.size:
            stay = stay[lengths_mm[stay] > lengths_mm[stay[0]] - _EQUAL_MM]
            return [_Line(float(lengths_mm[n]), np.array([starts[n], ends[n]])) for n in stay]
    return []


def _longest_across(part: _Part, long: _Line, spacing_mm: Points) -> _Line:
    """Return the longest line inside that is perpendicular to another.

    The length of such a line changes evenly between those through a corner of the outline, so
    the longest leads through one.
    """
    direction = (long.ends[1] - long.ends[0]) * spacing_mm / long.length_mm
    across = np.array([-direction[1], direction[0]])
    points = border_points(part.lesion)
    edges = outline_edges(part.lesion) * spacing_mm
    along_mm: Points = points * spacing_mm @ direction
    first_mm, second_mm = edges[:, 0] @ direction, edges[:, 1] @ direction
    lowest, highest = np.minimum(first_mm, second_mm), np.maximum(first_mm, second_mm)
    is_met = (lowest <= along_mm[:, None] + _EQUAL_MM) & (along_mm[:, None] <= highest + _EQUAL_MM)
    is_met &= highest - lowest > _EQUAL_MM
    point, edge = np.nonzero(is_met)
    share = (along_mm[point] - first_mm[edge]) / (second_mm - first_mm)[edge]
    share = np.clip(share, 0.0, 1.0)[:, None]
    met_mm = (1 - share) * edges[edge, 0] + share * edges[edge, 1]
    lengths_mm = (met_mm - points[point] * spacing_mm) @ across
    starts, ends = points[point], points[point] + lengths_mm[:, None] * across / spacing_mm
    may = may_stay_inside(starts, ends, part.inside)
    return _longest_staying(starts[may], ends[may], np.abs(lengths_mm[may]), part.inside)[0]


def _goes_on(part: _Part, lesion: Mask) -> bool:
    rows, columns = (
        slice(first + 1, first + size - 1)
        for first, size in zip(part.corner, part.lesion.shape, strict=True)
    )
    here = part.lesion[1:-1, 1:-1]
    return any(
        bool((lesion[k, rows, columns] & here).any())
        for k in (part.number - 1, part.number + 1)
        if 0 <= k < len(lesion)
    )
