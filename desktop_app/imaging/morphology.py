"""Shapes in masks, fast enough for whole heads."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


def largest_part(mask: Mask) -> Mask:
    """Return the largest face-connected part; an empty mask stays empty."""
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest: Mask = labels == int(sizes.argmax())
    return largest


def filled(mask: Mask) -> Mask:
    """Return the mask with every cavity filled that no path leads out of."""
    # By labelling: scipy's binary_fill_holes gives the same in twenty times the time.
    padded = np.pad(mask, 1)
    labels, _ = ndimage.label(~padded)
    outside = labels == labels[0, 0, 0]
    closed: Mask = ~outside[1:-1, 1:-1, 1:-1]
    return closed


def dilated(mask: Mask, radius: float, spacing_kji: tuple[float, float, float]) -> Mask:
    """Return everything within a distance of the mask, in the unit of the spacing."""
    if not mask.any():
        return mask
    grown: Mask = ndimage.distance_transform_edt(~mask, sampling=spacing_kji) <= radius
    return grown


def eroded(mask: Mask, radius: float, spacing_kji: tuple[float, float, float]) -> Mask:
    """Return what lies deeper than a distance; the edge of the array is not a surface."""
    if mask.all():
        return mask
    shrunk: Mask = ndimage.distance_transform_edt(mask, sampling=spacing_kji) > radius
    return shrunk
