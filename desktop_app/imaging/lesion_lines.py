"""The longest straight line that stays inside a lesion in its slice, and the longest across it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from desktop_app.imaging.lesion_outline import (
    Mask,
    Points,
    border_points,
    may_stay_inside,
    outline_edges,
    stays_inside,
)

Check = Callable[[], object]
"""Called again and again in long work, to raise where it is to stop."""

EQUAL_MM = 1e-6
"""Lengths that differ by less are equal."""

_POINTS_AT_ONCE = 512
_LINES_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A straight line: its length, and (2, 2) row and column of its ends."""

    length_mm: float
    ends: Points


def longest_lines(
    lesion_ji: Mask, inside_ji: Mask, spacing_mm: Points, beyond_mm: float, check: Check
) -> list[Line]:
    """Return the longest lines from border to border, all that are equally long.

    Parameters
    ----------
    lesion_ji
        (j, i) what lines begin and end at; like `inside_ji`, it must not reach its array's edge.
    inside_ji
        (j, i) what they stay inside, the lesion included.
    spacing_mm
        (2,) distance between voxel centres along j and i.
    beyond_mm
        Lines that are no longer do not count.

    Returns
    -------
    list of Line
        Empty if none is longer.
    """
    points = border_points(lesion_ji)
    hull = points[ConvexHull(points * spacing_mm).vertices]
    farthest_mm = np.sqrt(_squares(points, hull, spacing_mm).max(axis=1))
    if farthest_mm.max() < beyond_mm + EQUAL_MM:
        return []
    # Most lesions are longest between corners of their hull; else those tell how long at least.
    lines = _longest_inside(hull, inside_ji, spacing_mm, beyond_mm, check)
    if lines:
        beyond_mm = lines[0].length_mm
    points = points[farthest_mm > beyond_mm + EQUAL_MM]
    return _longest_inside(points, inside_ji, spacing_mm, beyond_mm, check) or lines


def perpendicular_lines(
    lesion_ji: Mask, inside_ji: Mask, lines: Sequence[Line], spacing_mm: Points, check: Check
) -> tuple[Line, Line]:
    """Return of equally long lines the one with the longest across, and that one.

    Parameters as of `longest_lines`.
    """
    pairs = []
    for line in lines:
        check()
        pairs.append((line, _longest_across(lesion_ji, inside_ji, line, spacing_mm, check)))
    # Across, ends may lie between corners of the outline, so it can be the longer one by a little.
    one, other = max(pairs, key=lambda pair: pair[1].length_mm)
    return (other, one) if other.length_mm > one.length_mm else (one, other)


def _squares(ones: Points, others: Points, spacing_mm: Points) -> Points:
    """Return (n, m) the squares of the distances, in mm²."""
    rows_mm, columns_mm = (
        np.subtract.outer(ones[:, axis], others[:, axis]) * spacing_mm[axis] for axis in (0, 1)
    )
    squares: Points = rows_mm * rows_mm + columns_mm * columns_mm
    return squares


def _longest_inside(
    points: Points, inside: Mask, spacing_mm: Points, beyond_mm: float, check: Check
) -> list[Line]:
    """Return the longest lines inside between two of the points; none if none is longer."""
    pieces = []
    for first in range(0, len(points), _POINTS_AT_ONCE):
        check()
        some, rest = points[first : first + _POINTS_AT_ONCE], points[first:]
        squares = np.triu(_squares(some, rest, spacing_mm), 1)
        one, other = np.nonzero(squares > (beyond_mm + EQUAL_MM) ** 2)
        starts, ends = some[one], rest[other]
        may = may_stay_inside(starts, ends, inside)
        pieces.append((starts[may], ends[may], np.sqrt(squares[one[may], other[may]])))
    if not pieces:
        return []
    starts, ends, lengths_mm = (np.concatenate(piece) for piece in zip(*pieces, strict=True))
    return _longest_staying(starts, ends, lengths_mm, inside, check)


def _longest_staying(
    starts: Points, ends: Points, lengths_mm: Points, inside: Mask, check: Check
) -> list[Line]:
    """Return the longest of these lines that stays inside, and those equally long."""
    order = np.argsort(-lengths_mm, kind="stable")
    for begin in range(0, len(order), _LINES_AT_ONCE):
        check()
        some = order[begin : begin + _LINES_AT_ONCE]
        stay = some[stays_inside(starts[some], ends[some], inside)]
        if stay.size:
            stay = stay[lengths_mm[stay] > lengths_mm[stay[0]] - EQUAL_MM]
            return [Line(float(lengths_mm[n]), np.array([starts[n], ends[n]])) for n in stay]
    return []


def _longest_across(
    lesion_ji: Mask, inside_ji: Mask, long: Line, spacing_mm: Points, check: Check
) -> Line:
    """Return the longest line inside that is perpendicular to another.

    The length of such a line changes evenly between those through a corner of the outline, so
    the longest leads through one.
    """
    direction = (long.ends[1] - long.ends[0]) * spacing_mm / long.length_mm
    across = np.array([-direction[1], direction[0]])
    points = border_points(lesion_ji)
    edges = outline_edges(lesion_ji) * spacing_mm
    along_mm: Points = points * spacing_mm @ direction
    first_mm, second_mm = edges[:, 0] @ direction, edges[:, 1] @ direction
    lowest, highest = np.minimum(first_mm, second_mm), np.maximum(first_mm, second_mm)
    is_met = (lowest <= along_mm[:, None] + EQUAL_MM) & (along_mm[:, None] <= highest + EQUAL_MM)
    is_met &= highest - lowest > EQUAL_MM
    point, edge = np.nonzero(is_met)
    share = (along_mm[point] - first_mm[edge]) / (second_mm - first_mm)[edge]
    share = np.clip(share, 0.0, 1.0)[:, None]
    met_mm = (1 - share) * edges[edge, 0] + share * edges[edge, 1]
    lengths_mm = (met_mm - points[point] * spacing_mm) @ across
    starts, ends = points[point], points[point] + lengths_mm[:, None] * across / spacing_mm
    may = may_stay_inside(starts, ends, inside_ji)
    lengths_mm = np.abs(lengths_mm[may])
    return _longest_staying(starts[may], ends[may], lengths_mm, inside_ji, check)[0]
