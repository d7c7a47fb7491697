"""Masks of a slice as closed polygons along the edges of pixels: the same area, exactly."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

# A corner between pixels, x along columns and y along rows; corner (0, 0) is the outer corner of
# pixel (0, 0).
_Corner = tuple[int, int]
_Loop = list[_Corner]


def polygons(mask_ji: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Outline a mask.

    Parameters
    ----------
    mask_ji
        (j, i) pixels that belong to the region.

    Returns
    -------
    list of ndarray
        One closed polygon per piece of the region (pixels that share a side): (n, 2) corners as
        (j, i) in units of pixels, pixel centres at whole numbers; the last corner is not the
        first again. A hole is joined to the outline by a channel without width, the keyhole of
        DICOM PS3.3 C.8.8.6.3. Polygons do not overlap and their areas add up to the number of
        pixels.
    """
    outlines, holes = _loops(mask_ji)
    for hole in sorted(holes, key=min):
        _join(outlines, hole)
    return [np.array(_without_straight(loop), dtype=np.float64)[:, ::-1] - 0.5 for loop in outlines]


def _loops(mask_ji: NDArray[np.bool_]) -> tuple[list[_Loop], list[_Loop]]:
    """Walk all borders with the region on the right; returns outlines and holes."""
    onward = _border_steps(np.pad(mask_ji, 1))
    outlines: list[_Loop] = []
    holes: list[_Loop] = []
    # A walk starts at its smallest corner, which no other walk that is still to come touches.
    for start in sorted(onward):
        if start not in onward:
            continue
        loop: _Loop = []
        corner, direction = start, (0, 0)
        while not loop or corner != start:
            loop.append(corner)
            direction = _take(onward, corner, direction)
            corner = (corner[0] + direction[0], corner[1] + direction[1])
        (outlines if _doubled_area(loop) > 0 else holes).append(loop)
    return outlines, holes


def _border_steps(padded_ji: NDArray[np.bool_]) -> dict[_Corner, list[_Corner]]:
    """Return, per corner, the unit steps (x, y) along the border, the region on their right."""
    steps: dict[_Corner, list[_Corner]] = defaultdict(list)
    inside = padded_ji[1:-1, 1:-1]
    for (dj, di), offset, step in (
        ((-1, 0), (0, 0), (1, 0)),  # above is outside: along the upper side, to the right
        ((0, 1), (1, 0), (0, 1)),  # right is outside: down
        ((1, 0), (1, 1), (-1, 0)),  # below is outside: to the left
        ((0, -1), (0, 1), (0, -1)),  # left is outside: up
    ):
        neighbour = padded_ji[
            1 + dj : padded_ji.shape[0] - 1 + dj, 1 + di : padded_ji.shape[1] - 1 + di
        ]
        for j, i in np.argwhere(inside & ~neighbour).tolist():
            steps[i + offset[0], j + offset[1]].append(step)
    return steps


def _take(steps: dict[_Corner, list[_Corner]], corner: _Corner, came: _Corner) -> _Corner:
    """Use up the next step; where two pixels touch by a corner, turn towards the own pixel."""
    choices = steps[corner]
    right_turn = (-came[1], came[0])
    step = right_turn if right_turn in choices else choices[0]
    choices.remove(step)
    if not choices:
        del steps[corner]
    return step


def _doubled_area(loop: _Loop) -> int:
    """Return twice the signed area: positive with the inside on the right, y pointing down."""
    x, y = np.array(loop).T
    return int(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def _join(outlines: list[_Loop], hole: _Loop) -> None:
    """Cut a channel from a hole's leftmost corner straight left to the border it meets first.

    Every border that crosses the corner's line has a corner on it, as steps are one pixel long.
    """
    start = hole.index(min(hole))
    x, y = hole[start]
    met: tuple[int, int, int] | None = None
    for number, outline in enumerate(outlines):
        for place, (other_x, other_y) in enumerate(outline):
            if other_y == y and other_x < x and (met is None or other_x > met[0]):
                met = (other_x, number, place)
    if met is None:
        raise ValueError("a hole lies in no outline")
    _, number, place = met
    outline = outlines[number]
    around = [*hole[start:], *hole[: start + 1]]
    outlines[number] = [*outline[: place + 1], *around, *outline[place:]]


def _without_straight(loop: _Loop) -> _Loop:
    """Leave out corners between two steps in the same direction."""
    befores, afters = [loop[-1], *loop[:-1]], [*loop[1:], loop[0]]
    return [
        corner
        for before, corner, after in zip(befores, loop, afters, strict=True)
        if _heading(before, corner) != _heading(corner, after)
    ]


def _heading(start: _Corner, end: _Corner) -> tuple[bool, bool, bool]:
    """Tell apart the four directions of a step along an axis, however long."""
    return end[0] > start[0], end[1] > start[1], end[1] < start[1]
