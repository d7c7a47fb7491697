"""The longest straight line that stays inside a lesion in its slice, and the longest across it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull

from desktop_app.domain.stopping import Check
from desktop_app.imaging.lesion_outline import (
    Mask,
    Points,
    border_points,
    may_stay_inside,
    outline_edges,
    stays_inside,
)

EQUAL_MM = 1e-6
"""Lengths that differ by less are equal."""

_POINTS_AT_ONCE = 512
_LINES_AT_ONCE = 256
# Of the length of a lesion; lines within it of the longest are tried first.
_FIRST_STEP = 1 / 64


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A straight line: its length, and (2, 2) row and column of its ends."""

    length_mm: float
    ends: Points


class _Lines(NamedTuple):
    """Lines: (n, 2) row and column of both ends, and (n,) lengths."""

    starts: Points
    ends: Points
    lengths_mm: Points

    def longest_first(self) -> "_Lines":
        order = np.argsort(-self.lengths_mm, kind="stable")
        return _Lines(self.starts[order], self.ends[order], self.lengths_mm[order])

    def line(self, n: int) -> Line:
        return Line(float(self.lengths_mm[n]), np.array([self.starts[n], self.ends[n]]))


_NO_LINES = _Lines(np.empty((0, 2)), np.empty((0, 2)), np.empty(0))


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
    of_hull_mm = np.sqrt(_squares(hull, hull, spacing_mm).max(axis=1))
    lines = _longest_inside(
        hull, of_hull_mm, inside_ji, spacing_mm, beyond_mm=beyond_mm, check=check
    )
    if lines:
        beyond_mm = lines[0].length_mm
    others = _longest_inside(
        points, farthest_mm, inside_ji, spacing_mm, beyond_mm=beyond_mm, check=check
    )
    return others or lines


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
    points: Points,
    farthest_mm: Points,
    inside: Mask,
    spacing_mm: Points,
    *,
    beyond_mm: float,
    check: Check,
) -> list[Line]:
    """Return the longest lines inside between two of the points; none if none is longer.

    The longest lines are tried first, in ranges of length that grow: most lesions hold a line
    nearly as long as they are, and then nothing need be known of the many that are shorter.

    Parameters
    ----------
    farthest_mm
        (n,) how far the farthest of the points lies from each.
    """
    least_mm = beyond_mm + EQUAL_MM
    most_mm = float(farthest_mm.max()) + EQUAL_MM
    step_mm = _FIRST_STEP * most_mm
    while most_mm > least_mm:
        above_mm = max(most_mm - step_mm, least_mm)
        some = points[farthest_mm > above_mm - EQUAL_MM]
        tried = _lines_between(some, inside, spacing_mm, (above_mm, most_mm), check)
        longest_mm = _longest_staying(tried, inside, check).length_mm
        if longest_mm:
            some = points[farthest_mm > longest_mm - 2 * EQUAL_MM]
            alike_mm = max(longest_mm - EQUAL_MM, least_mm), longest_mm + EQUAL_MM
            return _all_staying(_lines_between(some, inside, spacing_mm, alike_mm, check), inside)
        most_mm, step_mm = above_mm, 2 * step_mm
    return []


def _lines_between(
    points: Points,
    inside: Mask,
    spacing_mm: Points,
    between_mm: tuple[float, float],
    check: Check,
) -> _Lines:
    """Return the lines in a range of length that may stay inside, the longest first."""
    above_mm, most_mm = between_mm
    found = [_NO_LINES]
    for first in range(0, len(points), _POINTS_AT_ONCE):
        check()
        some, rest = points[first : first + _POINTS_AT_ONCE], points[first:]
        squares = np.triu(_squares(some, rest, spacing_mm), 1)
        one, other = np.nonzero((squares > above_mm**2) & (squares <= most_mm**2))
        starts, ends = some[one], rest[other]
        may = may_stay_inside(starts, ends, inside)
        lengths_mm = np.sqrt(squares[one[may], other[may]])
        found.append(_Lines(starts[may], ends[may], lengths_mm))
    return _Lines(*(np.concatenate(part) for part in zip(*found, strict=True))).longest_first()


def _longest_staying(lines: _Lines, inside: Mask, check: Check) -> Line:
    """Return the first of these lines that stays inside; one without length if none does."""
    for begin in range(0, len(lines.lengths_mm), _LINES_AT_ONCE):
        check()
        some = slice(begin, begin + _LINES_AT_ONCE)
        stay = np.flatnonzero(stays_inside(lines.starts[some], lines.ends[some], inside))
        if stay.size:
            return lines.line(begin + int(stay[0]))
    return Line(0.0, np.zeros((2, 2)))


def _all_staying(lines: _Lines, inside: Mask) -> list[Line]:
    stay = np.flatnonzero(stays_inside(lines.starts, lines.ends, inside))
    return [lines.line(n) for n in stay.tolist()]


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
    lines = _Lines(starts[may], ends[may], np.abs(lengths_mm[may])).longest_first()
    return _longest_staying(lines, inside_ji, check)
