"""Parts of a mask that lie apart from everything in another one on the same grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.cropping import occupied_box

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PartApart:
    """A part whose voxels touch each other over faces, edges or corners.

    Parameters
    ----------
    mask_kji
        The part, on the whole grid.
    away_mm
        From its nearest voxel to the nearest one of the other mask.
    """

    mask_kji: Mask
    away_mm: float


def parts_apart(
    mask_kji: Mask,
    other_kji: Mask,
    spacing_mm: tuple[float, float, float],
    *,
    least_voxels: float,
    least_mm: float,
) -> list[PartApart]:
    """Return the parts of a mask that keep a distance from another one, the largest first.

    Parameters
    ----------
    other_kji
        Where it is empty there is nothing to be apart from, and no part is returned.
    least_voxels
        Smaller parts are left out.
    least_mm
        How far away a part has to be.
    """
    box = occupied_box(mask_kji | other_kji)
    if box is None or not other_kji.any():
        return []
    numbers, _ = ndimage.label(mask_kji[box], ndimage.generate_binary_structure(3, 3))
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    sizes[np.unique(numbers[other_kji[box]])] = 0
    large = [int(one) for one in np.argsort(-sizes, kind="stable") if sizes[one] >= least_voxels]
    if not large:
        return []
    distance_mm = ndimage.distance_transform_edt(~other_kji[box], sampling=spacing_mm)
    found = []
    for number, away_mm in zip(large, ndimage.minimum(distance_mm, numbers, large), strict=True):
        if away_mm >= least_mm:
            part = np.zeros(mask_kji.shape, bool)
            part[box] = numbers == number
            found.append(PartApart(part, float(away_mm)))
    return found
