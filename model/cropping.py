"""The part of an image that holds the brain; free of torch."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from model.errors import UnusableImage

_Scalar = TypeVar("_Scalar", bound=np.generic)
Box = tuple[slice, slice, slice]


def brain_box(image_ckji: NDArray[np.float32]) -> Box:
    """Return the smallest box with every voxel that is not zero in all channels.

    Parameters
    ----------
    image_ckji
        (channel, k, j, i), exactly zero outside the brain.

    Returns
    -------
    tuple of slice
        Along k, j and i.

    Raises
    ------
    UnusableImage
        If the image is zero throughout.
    """
    inside_kji = np.zeros(image_ckji.shape[1:], dtype=np.bool_)
    for channel in image_ckji:
        inside_kji |= channel != 0
    box = occupied_box(inside_kji)
    if box is None:
        raise UnusableImage("every sequence is zero throughout: there is no brain in the image")
    return box


def occupied_box(mask_kji: NDArray[np.bool_], margins: Sequence[int] = (0, 0, 0)) -> Box | None:
    """Return the smallest box with every true voxel; ``None`` where there is none.

    Parameters
    ----------
    margins
        Voxels to add on both sides along k, j and i, as far as the grid reaches.
    """
    part = mask_kji
    slices = []
    for axis, (count, margin) in enumerate(zip(mask_kji.shape, margins, strict=True)):
        others = tuple(a for a in range(3) if a != axis)
        occupied = np.flatnonzero(part.any(axis=others))
        if occupied.size == 0:
            return None
        first, stop = int(occupied[0]), int(occupied[-1]) + 1
        slices.append(slice(max(first - margin, 0), min(stop + margin, count)))
        if axis == 0:  # the other two are then cheap
            part = part[first:stop]
    k, j, i = slices
    return k, j, i


def place_in(part: NDArray[_Scalar], box: Box, shape_kji: tuple[int, int, int]) -> NDArray[_Scalar]:
    """Return an array of zeros of `shape_kji` (leading axes kept) with `part` in its box."""
    whole = np.zeros((*part.shape[:-3], *shape_kji), dtype=part.dtype)
    whole[(..., *box)] = part
    return whole
