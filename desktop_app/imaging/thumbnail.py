"""A small picture of the middle of a head, as a radiologist holds it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.volume import Volume
from desktop_app.imaging.stripped import background_value

_SIZE_PX = 112
_MARGIN_MM = 6.0
# Darker than this share of the bright end is air.
_AIR = 0.12
_WINDOW_PERCENT = (1.0, 99.3)
# White at most so many times as far from black as the median: fat does not darken the brain.
_HEADROOM = 2.6
# From the skin down to the middle of an adult's brain; images that show the neck reach lower.
_MIDDLE_BELOW_TOP_MM = 80.0
_LOOK_VOXELS = 64
_MOST_POINTS = 20_000


def axial_thumbnail(volume: Volume) -> NDArray[np.uint8]:
    """Return the axial slice through the middle of the head.

    Cut along the patient's own axes whatever the plane of the series: the patient's right is on
    the left, the face on top, and a millimetre is as long across as down.

    Returns
    -------
    ndarray
        (112, 112) grey values.
    """
    box_lps = _head_box_lps_mm(volume)
    centre = box_lps.mean(axis=0)
    centre[2] = max(centre[2], box_lps[1, 2] - _MIDDLE_BELOW_TOP_MM)
    field_mm = float((box_lps[1] - box_lps[0])[:2].max()) + 2 * _MARGIN_MM
    offsets = ((np.arange(_SIZE_PX) + 0.5) / _SIZE_PX - 0.5) * field_mm
    points = np.empty((_SIZE_PX, _SIZE_PX, 3))
    points[..., 0] = centre[0] + offsets[np.newaxis, :]
    points[..., 1] = centre[1] + offsets[:, np.newaxis]
    points[..., 2] = centre[2]
    index = np.moveaxis(volume.geometry.to_index_kji(points), -1, 0)
    outside = background_value(volume)
    values = ndimage.map_coordinates(
        volume.array_kji, index, order=1, output=np.float32, cval=outside
    )
    low, high = _window(values)
    grey: NDArray[np.uint8] = np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(
        np.uint8
    )
    return grey


def _head_box_lps_mm(volume: Volume) -> NDArray[np.float64]:
    """(2, 3) least and greatest L, P, S of what is not air; of the grid where all is air."""
    steps = [max(1, n // _LOOK_VOXELS) for n in volume.array_kji.shape]
    look = volume.array_kji[:: steps[0], :: steps[1], :: steps[2]]
    head = ndimage.binary_opening(look > _AIR * float(np.percentile(look, 98)))
    index = np.argwhere(head) * steps
    if not len(index):
        index = np.array([(0, 0, 0), volume.array_kji.shape])
    index = index[:: max(1, len(index) // _MOST_POINTS)]
    # The last percent on each side is ears, nose, and what the coil leaves of the neck.
    points = volume.geometry.to_patient_mm(index.astype(np.float64))
    box = np.asarray(np.percentile(points, (1, 99), axis=0))
    box[1, 2] = points[:, 2].max()
    return box


def _window(values: NDArray[np.float32]) -> tuple[float, float]:
    tissue = values[values > _AIR * float(np.percentile(values, 99))]
    if not tissue.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(tissue, _WINDOW_PERCENT))
    low = min(0.0, low)
    high = min(high, low + _HEADROOM * (float(np.median(tissue)) - low))
    return low, max(high, low + 1e-6)
