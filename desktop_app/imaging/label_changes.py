"""Changes to a whole region that a person asks for: smoother, without specks, filled between."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.imaging.morphology import Mask

Labels = NDArray[np.uint8]

_SMOOTHING_MM = 1.0


def without_specks(labels_kji: Labels, smallest_voxels: int) -> Labels:
    """Take away every part of the tumour with fewer voxels; parts touch by faces."""
    box = _tumour_box(labels_kji)
    if box is None:
        return labels_kji
    parts, _ = ndimage.label(labels_kji[box] != 0)
    sizes = np.bincount(parts.ravel())
    sizes[0] = smallest_voxels
    kept = labels_kji.copy()
    kept[box][sizes[parts] < smallest_voxels] = 0
    return kept


def smoothed(labels_kji: Labels, values: tuple[int, ...], spacing_mm: tuple[float, ...]) -> Labels:
    """Give each voxel the value most of its surroundings have, so that ragged borders get even.

    A Gaussian of 1 mm weighs the surroundings of each value, background too; slices thicker than
    that are smoothed within themselves only.

    Parameters
    ----------
    values
        All values but the background's, which wins ties.
    spacing_mm
        Along k, j and i.
    """
    box = _tumour_box(labels_kji, margin=3)
    if box is None:
        return labels_kji
    sigma = [_SMOOTHING_MM / mm if mm < 2 * _SMOOTHING_MM else 0.0 for mm in spacing_mm]
    near = labels_kji[box]
    weights = np.stack(
        [
            ndimage.gaussian_filter((near == value).astype(np.float32), sigma, truncate=3.0)
            for value in (0, *values)
        ]
    )
    changed = labels_kji.copy()
    changed[box] = np.array((0, *values), np.uint8)[weights.argmax(axis=0)]
    return changed


def filled_between(
    labels_kji: Labels, value: int, axis: int, spacing_mm: tuple[float, ...]
) -> Labels:
    """Fill a region in the slices between those in which it is marked.

    Shape-based interpolation (Raya and Udupa 1990, doi 10.1109/42.52980): the signed distance to
    the border, linear from one marked slice to the next. Voxels of other regions stay.

    Parameters
    ----------
    axis
        Axis (0 = k, 1 = j, 2 = i) through the slices.
    spacing_mm
        Along k, j and i.
    """
    stack = np.moveaxis(labels_kji, axis, 0)
    within_mm = [mm for one, mm in enumerate(spacing_mm) if one != axis]
    marked = np.flatnonzero((stack == value).any(axis=(1, 2)))
    changed = labels_kji.copy()
    filled = np.moveaxis(changed, axis, 0)
    for below, above in pairwise(marked.tolist()):
        if above - below < 2:
            continue
        first, last = (_depth_mm(stack[one] == value, within_mm) for one in (below, above))
        for level in range(below + 1, above):
            share = (level - below) / (above - below)
            inside = (1 - share) * first + share * last > 0
            filled[level][inside & (filled[level] == 0)] = value
    return changed


def _depth_mm(mask_yx: Mask, spacing_mm: list[float]) -> NDArray[np.float64]:
    """Return how deep inside a mask a pixel lies; outside it is negative."""
    inside = ndimage.distance_transform_edt(mask_yx, sampling=spacing_mm)
    outside = ndimage.distance_transform_edt(~mask_yx, sampling=spacing_mm)
    depth: NDArray[np.float64] = inside - outside
    return depth


def _tumour_box(labels_kji: Labels, margin: int = 0) -> tuple[slice, ...] | None:
    """Return the box that holds all that is marked; `None` where nothing is."""
    boxes = ndimage.find_objects((labels_kji != 0).view(np.uint8))
    if not boxes:
        return None
    return tuple(
        slice(max(0, one.start - margin), min(size, one.stop + margin))
        for one, size in zip(boxes[0], labels_kji.shape, strict=True)
    )
