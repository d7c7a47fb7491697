"""Changes to the whole tumour that a person asks for: smoother, without specks."""

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.imaging.morphology import Mask, dilated
from model.cropping import occupied_box

Labels = NDArray[np.uint8]

_SMOOTHING_MM = 1.0
_REACH_SIGMAS = 3.0
SMALLEST_SMOOTHED_MM3 = 500.0
"""Of a smaller lesion, a ball of 10 mm, smoothing would take a large share: 39 % of one of 6 mm."""

# Of what surrounds a voxel, before it changes.
_MAJORITY = 0.5
# Spacings are written with some digits only: one voxel of 1 mm is 1 mm away.
_ROUNDED_MM = 1e-3


def without_specks(
    labels_kji: Labels, smallest_voxels: int, spared: Collection[int] = ()
) -> tuple[Labels, int]:
    """Take away every part of the tumour with fewer voxels; parts touch by faces.

    The largest part stays, however small: an only lesion is never taken for a speck.

    Parameters
    ----------
    spared
        Values that keep the parts they lie in.

    Returns
    -------
    tuple
        What is left, and how many parts went.
    """
    box = occupied_box(labels_kji != 0)
    if box is None:
        return labels_kji, 0
    near = labels_kji[box]
    parts, _ = ndimage.label(near != 0)
    sizes = np.bincount(parts.ravel())
    goes = sizes < smallest_voxels
    goes[0] = False
    goes[int(sizes[1:].argmax()) + 1] = False
    for value in spared:
        goes[parts[near == value]] = False
    kept = labels_kji.copy()
    kept[box][goes[parts]] = 0
    return kept, int(goes.sum())


def smoothed(labels_kji: Labels, values: tuple[int, ...], spacing_mm: tuple[float, ...]) -> Labels:
    """Give each voxel the value that most of its surroundings have, so that borders get even.

    A Gaussian of 1 mm weighs the surroundings of each value, background too; slices thicker than
    that are smoothed within themselves only. A voxel changes where one other value has more than
    half of all the weight: a thin rim between two regions, neither of which has that much, stays.
    So do connected parts of the tumour below `SMALLEST_SMOOTHED_MM3`.

    Parameters
    ----------
    values
        All values but the background's.
    spacing_mm
        Along k, j and i.
    """
    sigma = [_SMOOTHING_MM / mm if mm < 2 * _SMOOTHING_MM else 0.0 for mm in spacing_mm]
    # As far as the Gaussian reaches: at the side of the box the tumour would be mirrored.
    margins = [math.ceil(_REACH_SIGMAS * one) + 1 for one in sigma]
    box = occupied_box(labels_kji != 0, margins)
    if box is None:
        return labels_kji
    near = labels_kji[box]
    changed = labels_kji.copy()
    for value in (0, *values):
        weight = ndimage.gaussian_filter(
            (near == value).astype(np.float32), sigma, truncate=_REACH_SIGMAS
        )
        changed[box][weight > _MAJORITY] = value
    small = _small_parts(near, SMALLEST_SMOOTHED_MM3 / float(np.prod(spacing_mm)))
    changed[box][small] = near[small]
    return changed


def widened(
    labels_kji: Labels,
    part_kji: Mask,
    value: int,
    by_mm: float,
    spacing_mm: tuple[float, float, float],
    *,
    changeable: NDArray[np.bool_],
) -> Labels:
    """Give everything within a distance of a part its value, where that may be changed.

    Parameters
    ----------
    changeable
        (256,) which values may be painted over.
    """
    box = occupied_box(part_kji, [math.ceil(by_mm / mm) + 1 for mm in spacing_mm])
    changed = labels_kji.copy()
    if box is not None:
        near = changed[box]
        near[dilated(part_kji[box], by_mm + _ROUNDED_MM, spacing_mm) & changeable[near]] = value
    return changed


def narrowed(
    labels_kji: Labels,
    part_kji: Mask,
    by_mm: float,
    spacing_mm: tuple[float, float, float],
    untouched: Collection[int] = (),
) -> Labels:
    """Take from a part what lies within a distance of its border; the end of the grid is none.

    It becomes what lies nearest outside the part: another region, or none.

    Parameters
    ----------
    untouched
        Values that gain nothing: beside them the part stays.
    """
    box = occupied_box(part_kji, (1, 1, 1))
    changed = labels_kji.copy()
    if box is None or part_kji[box].all():
        return changed
    depth_mm, nearest = ndimage.distance_transform_edt(
        part_kji[box], sampling=spacing_mm, return_indices=True
    )
    beside = labels_kji[box][tuple(nearest)]
    lost = part_kji[box] & (depth_mm <= by_mm + _ROUNDED_MM) & ~np.isin(beside, list(untouched))
    changed[box][lost] = beside[lost]
    return changed


def _small_parts(labels_kji: Labels, voxels: float) -> NDArray[np.bool_]:
    # Corners count: a voxel that touches the tumour by one is its ragged border, no lesion.
    parts, _ = ndimage.label(labels_kji != 0, structure=np.ones((3, 3, 3)))
    is_small = np.bincount(parts.ravel()) < voxels
    is_small[0] = False
    small: NDArray[np.bool_] = is_small[parts]
    return small
