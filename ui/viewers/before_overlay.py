"""How labels were before they were corrected: a thin dashed line around each region."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ui.viewers.overlay import premultiplied

# No region has these colours, and of two there is always one that the image does not hide.
_DASH, _GAP = (np.uint32(premultiplied(rgb, 1.0)) for rgb in ((255, 255, 255), (0, 0, 0)))
_NOTHING = np.uint32(0)
_DASH_LINES = 4


@dataclass(frozen=True, slots=True)
class BeforeOverlay:
    """Paints the borders of labels, dashed in white and black.

    Parameters
    ----------
    opacity
        Whether anything is painted at all: at 0 nothing is.
    """

    opacity: float = 1.0

    def paint(self, labels: NDArray[np.uint8], line_pixels: int) -> NDArray[np.uint32]:
        """Colour a (rows, columns) cut as premultiplied ARGB32; lines half as wide as others."""
        rows, columns = np.ogrid[: labels.shape[0], : labels.shape[1]]
        is_dash = (rows + columns) // (_DASH_LINES * line_pixels) % 2 == 0
        is_line = np.zeros(labels.shape, np.bool_)
        # On one side only: regions that touch share a line
        for step in range(1, (line_pixels + 1) // 2 + 1):
            is_line[:-step] |= labels[step:] != labels[:-step]
            is_line[:, :-step] |= labels[:, step:] != labels[:, :-step]
        return np.where(is_line, np.where(is_dash, _DASH, _GAP), _NOTHING)
