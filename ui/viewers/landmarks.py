"""Where to look first in a segmentation."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from ui.viewers.planes import nearest_voxel_axes


def point_of_interest(
    labels_kji: NDArray[np.uint8], geometry: Geometry, values: Collection[int]
) -> NDArray[np.float64] | None:
    """Return a point inside the given labels, on the axial slice where their area is largest.

    Parameters
    ----------
    labels_kji, geometry
        Labels and their grid.
    values
        Label values that count.

    Returns
    -------
    ndarray or None
        (3,) patient coordinates in millimetres of the voxel nearest to the slice's centroid;
        ``None`` where no voxel has such a label.
    """
    mask = np.zeros(labels_kji.shape, dtype=np.bool_)
    for value in values:  # numpy's isin takes a hundred times as long
        mask |= labels_kji == value
    if not mask.any():
        return None
    axis = 2 - nearest_voxel_axes(geometry)[2]  # i, j, k order to array axis
    areas = mask.sum(axis=tuple(other for other in range(3) if other != axis))
    number = int(np.argmax(areas))
    in_slice = np.argwhere(np.take(mask, number, axis=axis))
    nearest = in_slice[np.argmin(((in_slice - in_slice.mean(axis=0)) ** 2).sum(axis=1))]
    return geometry.to_patient_mm(np.insert(nearest, axis, number).astype(np.float64))
