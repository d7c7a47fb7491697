"""A region filled between the slices that it was drawn in, shape by shape."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.imaging.morphology import Mask

_WITH_CORNERS = np.ones((3, 3), np.bool_)
# Shapes that leave out one slice belong together even if they are smaller than slices are thick.
_ALWAYS_NEAR = 2
# Farther apart, what lies between two drawn slices is guessed, not interpolated.
_FARTHEST_MM = 20.0


@dataclass(frozen=True, eq=False)
class _Shape:
    """One connected area of a slice."""

    level: int
    mask_yx: Mask
    within_mm: tuple[float, float]

    @cached_property
    def depth_mm(self) -> NDArray[np.float64]:
        """How deep inside a pixel lies; outside it is negative."""
        inside, outside = (
            ndimage.distance_transform_edt(mask, sampling=self.within_mm)
            for mask in (self.mask_yx, ~self.mask_yx)
        )
        depth: NDArray[np.float64] = inside - outside
        return depth

    @cached_property
    def centre_yx(self) -> NDArray[np.float64]:
        """(2,) the mean row and column."""
        centre: NDArray[np.float64] = np.argwhere(self.mask_yx).mean(axis=0)
        return centre

    @cached_property
    def width_mm(self) -> float:
        """Diameter of the circle of the same area."""
        area_mm2 = self.mask_yx.sum() * self.within_mm[0] * self.within_mm[1]
        return float(2 * np.sqrt(area_mm2 / np.pi))

    def away_mm(self, other: "_Shape") -> float:
        """Return how far another shape lies aside; 0 or less where one lies over the other."""
        return float(-self.depth_mm[other.mask_yx].max())


def filled_between(
    drawn: Mapping[int, Mask],
    fresh: Collection[int],
    apart_mm: float,
    within_mm: tuple[float, float],
) -> dict[int, Mask]:
    """Return what lies between shapes that were drawn in some slices of a stack.

    Shape-based interpolation (Raya and Udupa 1990, doi 10.1109/42.52980): the signed distance to
    the border, linear from one drawn slice to the next, of shapes moved along the line between
    their centres.

    Shapes are joined that follow each other, no farther apart than they are wide on average nor
    than 20 mm (or with one slice between them), and aside of each other by no more than that
    distance.

    Parameters
    ----------
    drawn
        (row, column) masks of one shape by slice.
    fresh
        Slices that were drawn in since the last filling; between two others nothing is filled.
    apart_mm, within_mm
        From slice to slice, and from row to row and column to column.

    Returns
    -------
    dict
        Masks of the slices in between.
    """
    box = _box_around(drawn.values())
    if box is None:
        return {}
    filled: dict[int, Mask] = {}
    for first, last in _joined(_shapes(drawn, box, within_mm), apart_mm):
        if not {first.level, last.level} & set(fresh):
            continue
        for level in range(first.level + 1, last.level):
            share = (level - first.level) / (last.level - first.level)
            whole = filled.setdefault(level, np.zeros_like(drawn[first.level]))
            whole[box] |= _between(first, last, share)
    return filled


def _shapes(
    drawn: Mapping[int, Mask], box: tuple[slice, ...], within_mm: tuple[float, float]
) -> dict[int, list[_Shape]]:
    """Return the shapes of each slice, from the lowest slice."""
    shapes = {}
    for level in sorted(drawn):
        parts, count = ndimage.label(drawn[level][box], _WITH_CORNERS)
        shapes[level] = [_Shape(level, parts == one, within_mm) for one in range(1, count + 1)]
    return shapes


def _joined(shapes: Mapping[int, list[_Shape]], apart_mm: float) -> Iterator[tuple[_Shape, _Shape]]:
    """Yield which shapes follow each other: all that one lies over, else the nearest."""
    levels = list(shapes)
    for index, level in enumerate(levels):
        for first in shapes[level]:
            for following in levels[index + 1 :]:
                distances = {
                    last: first.away_mm(last)
                    for last in shapes[following]
                    if _is_near(first, last, apart_mm)
                }
                if distances:
                    over = [last for last, mm in distances.items() if mm < 0]
                    nearest = min(distances, key=lambda one: distances[one])
                    yield from ((first, last) for last in over or [nearest])
                    break


def _is_near(first: _Shape, last: _Shape, apart_mm: float) -> bool:
    slices = last.level - first.level
    gap_mm = slices * apart_mm
    near_mm = min((first.width_mm + last.width_mm) / 2, _FARTHEST_MM)
    if slices > _ALWAYS_NEAR and gap_mm > near_mm:
        return False
    return first.away_mm(last) <= gap_mm


def _between(first: _Shape, last: _Shape, share: float) -> Mask:
    way = last.centre_yx - first.centre_yx
    depth = (1 - share) * _moved(first, share * way) + share * _moved(last, (share - 1) * way)
    inside: Mask = depth > 0
    return inside


def _moved(shape: _Shape, by_yx: NDArray[np.float64]) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = ndimage.shift(shape.depth_mm, by_yx, order=1, mode="nearest")
    return moved


def _box_around(masks: Collection[Mask]) -> tuple[slice, ...] | None:
    """Return a box with room for all that is marked, wherever it may move on its way."""
    masks = list(masks)
    if not masks or not (marked := np.logical_or.reduce(masks)).any():
        return None
    (tight,) = ndimage.find_objects(marked.astype(np.uint8))
    return tuple(
        slice(max(0, 2 * one.start - one.stop), min(size, 2 * one.stop - one.start))
        for one, size in zip(tight, marked.shape, strict=True)
    )
