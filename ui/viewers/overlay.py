"""Labels as coloured pixels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.segmentation import LabelDefinition

DEFAULT_OPACITY = 0.45
# A line as faint as a fill is lost on the image; it is drawn this much stronger.
_OUTLINE_GAIN = 2.0


class Overlay(Protocol):
    """What turns a cut through labels into coloured pixels; equal ones paint the same."""

    @property
    def opacity(self) -> float:
        """How strong they cover the image; nothing is painted at 0."""

    def paint(self, labels: NDArray[np.uint8], line_pixels: int) -> NDArray[np.uint32]:
        """Colour a (rows, columns) cut as premultiplied ARGB32; lines are `line_pixels` wide."""


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """How labels are painted.

    Parameters
    ----------
    definitions
        Values and their colours; a value without definition stays invisible.
    hidden
        Values that are not painted.
    opacity
        0 to 1.
    outline
        Paint the borders only.
    """

    definitions: tuple[LabelDefinition, ...] = ()
    hidden: frozenset[int] = frozenset()
    opacity: float = DEFAULT_OPACITY
    outline: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity is 0 to 1, not {self.opacity}")

    def showing(self, value: int, visible: bool) -> "OverlayStyle":
        """Return the style with one value shown or hidden."""
        hidden = self.hidden - {value} if visible else self.hidden | {value}
        return replace(self, hidden=hidden)

    def colour_table(self) -> NDArray[np.uint32]:
        """Return (256,) premultiplied 0xAARRGGBB per label value."""
        alpha = min(1.0, self.opacity * (_OUTLINE_GAIN if self.outline else 1.0))
        table = np.zeros(256, np.uint32)
        for definition in self.definitions:
            if definition.value not in self.hidden:
                table[definition.value] = premultiplied(definition.rgb, alpha)
        return table

    def paint(self, labels: NDArray[np.uint8], line_pixels: int) -> NDArray[np.uint32]:
        """Colour a (rows, columns) cut; outlines lie inside their region.

        Returns
        -------
        ndarray
            (rows, columns) premultiplied ARGB32.
        """
        if self.outline:
            labels = np.where(borders(labels, line_pixels), labels, np.uint8(0))
        return self.colour_table()[labels]


def label_names(definitions: Iterable[LabelDefinition]) -> dict[int, str]:
    """Return the name of each label value."""
    return {definition.value: definition.name for definition in definitions}


def premultiplied(rgb: Sequence[int], alpha: float) -> int:
    """Return a colour, 0 to 255, as 0xAARRGGBB."""
    a, r, g, b = (round(channel * alpha) for channel in (255, *rgb))
    return a << 24 | r << 16 | g << 8 | b


def borders(labels: NDArray[np.uint8], line_pixels: int) -> NDArray[np.bool_]:
    """Mark pixels at most `line_pixels` from a pixel of another value."""
    border = np.zeros(labels.shape, np.bool_)
    for step in range(1, line_pixels + 1):
        differs = labels[step:] != labels[:-step]
        border[step:] |= differs
        border[:-step] |= differs
        differs = labels[:, step:] != labels[:, :-step]
        border[:, step:] |= differs
        border[:, :-step] |= differs
    return border
