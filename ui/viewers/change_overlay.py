"""A map of change as coloured pixels, hatched for those who do not tell the colours apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.change_marks import CHANGE_MARKS, hatching
from ui.viewers.overlay import borders, premultiplied


@dataclass(frozen=True, slots=True)
class ChangeOverlay:
    """Paints a map of change: areas faint, their lines and outlines solid.

    Parameters
    ----------
    opacity
        Whether anything is painted at all: at 0 nothing is.
    """

    opacity: float = 1.0

    def paint(self, labels: NDArray[np.uint8], line_pixels: int) -> NDArray[np.uint32]:
        """Colour a (rows, columns) cut through values of `Difference`; outlines lie inside.

        Returns
        -------
        ndarray
            (rows, columns) premultiplied ARGB32.
        """
        fills, lines = np.zeros((2, 256), np.uint32)
        for mark in CHANGE_MARKS:
            fills[mark.difference] = premultiplied(mark.rgb, mark.fill_opacity)
            lines[mark.difference] = premultiplied(mark.rgb, 1.0)
        is_line = borders(labels, line_pixels)
        rows, columns = labels.shape
        for mark in CHANGE_MARKS:
            is_line |= hatching((rows, columns), mark.hatch, line_pixels) & (
                labels == mark.difference
            )
        return np.where(is_line, lines[labels], fills[labels])
