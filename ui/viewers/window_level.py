"""Grey values: which intensities are black and white."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_SAMPLES = 100_000
_PERCENTILES = (1.0, 99.0)
# Air around an unstripped head is noise, not zero; it lies well below the bright tissues.
_AIR_FRACTION = 0.08
# White, as multiples of how far the median lies above black: enhancement stays distinct in flat
# images, and a few very bright vessels do not darken the rest.
_HEADROOM = (2.0, 3.5)
_FULL_DRAG_PIXELS = 400.0


@dataclass(frozen=True, slots=True)
class Window:
    """Window centre (level) and width in the image's intensities; the width is positive."""

    center: float
    width: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.center) and np.isfinite(self.width) and self.width > 0):
            raise ValueError(f"no window: centre {self.center}, width {self.width}")

    def dragged(self, dx: float, dy: float) -> "Window":
        """Return the window after a drag: right widens, up brightens.

        The step follows the width, so that the feel is the same for every range of intensities.
        """
        width = self.width * float(np.exp(dx / _FULL_DRAG_PIXELS * 2))
        return replace(self, center=self.center + dy / _FULL_DRAG_PIXELS * self.width, width=width)

    def changed_like(self, before: "Window", after: "Window") -> "Window":
        """Return this window changed as another image's was, as much in its own range."""
        shift = (after.center - before.center) / before.width
        width = self.width * after.width / before.width
        return Window(self.center + shift * self.width, width)

    def to_grey(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Map intensities to 0–255; what is no number is black."""
        low = self.center - self.width / 2
        grey = values.astype(np.float32)  # a copy, changed in place below
        grey -= np.float32(low)
        grey *= np.float32(255.0 / self.width)
        np.nan_to_num(grey, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
        np.clip(grey, 0.0, 255.0, out=grey)
        return np.rint(grey, out=grey).astype(np.uint8)


def auto_window(array: NDArray[Any]) -> tuple[float, float]:
    """Return a window (centre, width) that shows the tissues well.

    Robust percentiles of the voxels that are neither zero nor air; the median of the tissues is
    between a third and a half of the way to white.

    Parameters
    ----------
    array
        Intensities of any shape.
    """
    flat = np.asarray(array).reshape(-1)
    # An odd stride, so as not to walk along one column of the grid
    values = flat[:: max(1, flat.size // _MOST_SAMPLES) | 1].astype(np.float64)
    values = values[np.isfinite(values) & (values != 0)]
    if values.size == 0:
        return 0.5, 1.0
    bright = float(np.percentile(values, _PERCENTILES[1]))
    if values.min() >= 0:
        tissue = values[values > _AIR_FRACTION * bright]
        values = tissue if tissue.size else values
    low, middle, high = (
        float(value) for value in np.percentile(values, (_PERCENTILES[0], 50.0, _PERCENTILES[1]))
    )
    if high <= low:
        return low, max(abs(low), 1.0)
    if middle > low:
        least, most = (low + factor * (middle - low) for factor in _HEADROOM)
        high = min(max(high, least), most)
    return (low + high) / 2, high - low
