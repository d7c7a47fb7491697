"""How a map of change is painted, on the screen and on paper: colours, and lines for who sees none.

Colours from the Okabe-Ito palette (2008), none of them that of a region; what is new and what is
gone are told apart by the slope of their hatching as well.
"""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.follow_up import Difference

_SPARSE = 5


class Hatch(Enum):
    """Lines over an area."""

    NONE = auto()
    RISING = auto()
    FALLING = auto()
    CROSSED = auto()


@dataclass(frozen=True, slots=True)
class ChangeMark:
    """How one value of a map of change is painted.

    Parameters
    ----------
    title
        What it is called in a legend.
    rgb
        0 to 255.
    fill_opacity
        Of its area, 0 to 1; lines and outline are solid.
    """

    difference: Difference
    title: str
    rgb: tuple[int, int, int]
    hatch: Hatch
    fill_opacity: float


CHANGE_MARKS = (
    ChangeMark(Difference.NEW, "New", (230, 159, 0), Hatch.RISING, 0.25),
    ChangeMark(Difference.GONE, "Gone", (86, 180, 233), Hatch.FALLING, 0.25),
    ChangeMark(Difference.SAME, "In both", (225, 225, 225), Hatch.NONE, 0.0),
    ChangeMark(Difference.UNSEEN, "No earlier image", (204, 121, 167), Hatch.CROSSED, 0.1),
)


def hatching(shape: tuple[int, int], hatch: Hatch, line_pixels: int) -> NDArray[np.bool_]:
    """Return where the lines of a hatching run over a picture.

    Parameters
    ----------
    shape
        Rows, which lead downwards, and columns.
    line_pixels
        Width of a line along a row; every fifth line's width has one.
    """
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    period = _SPARSE * line_pixels
    lines = np.zeros(shape, np.bool_)
    if hatch in (Hatch.RISING, Hatch.CROSSED):
        lines |= (columns + rows) % period < line_pixels
    if hatch in (Hatch.FALLING, Hatch.CROSSED):
        lines |= (columns - rows) % period < line_pixels
    return lines
