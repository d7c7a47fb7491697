"""What counts as similarly bright, when labels are drawn by hand on one image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.volume import Volume
from desktop_app.imaging.morphology import Mask

Greys = NDArray[np.number]

# Deviations around the median that count as similar. Noise is nearly normal in tissue, so this
# holds 99 % of one tissue; of an outline, which some of another tissue always gets into, 95 %.
_SIMILAR, _SIMILAR_ENCLOSED = 2.5, 2.0
# A tissue in an image without noise still varies by some hundredths of the image's range.
_LEAST_SHARE = 0.03
# Median absolute deviation to standard deviation, of normal values.
_MAD_TO_DEVIATION = 1.4826
_EVERY = 4


@dataclass(frozen=True, slots=True)
class Brightness:
    """Grey values that are alike.

    Parameters
    ----------
    low, high
        Of the image, both included.
    """

    low: float
    high: float

    def holds(self, values: Greys) -> Mask:
        """Mark the values that are alike."""
        alike: Mask = (values >= self.low) & (values <= self.high)
        return alike


def grey_range(image: Volume) -> float:
    """Return the difference between the 1st and 99th percentile of what is not background."""
    sample = image.array_kji[::_EVERY, ::_EVERY, ::_EVERY]
    present = sample[sample != sample.min()]
    if not present.size:
        return 0.0
    low, high = np.percentile(present, (1, 99))
    return float(high - low)


def alike(values: Greys, image_range: float, *, enclosed: bool = False) -> Brightness:
    """Return what is about as bright as most of some voxels.

    Parameters
    ----------
    values
        Of the voxels, at least one.
    image_range
        See `grey_range`.
    enclosed
        Whether they are all that an outline encloses, not just where a stroke began.
    """
    middle = float(np.median(values))
    deviation = _MAD_TO_DEVIATION * float(np.median(np.abs(values - middle)))
    width = (_SIMILAR_ENCLOSED if enclosed else _SIMILAR) * deviation
    width = max(width, _LEAST_SHARE * image_range)
    return Brightness(middle - width, middle + width)
