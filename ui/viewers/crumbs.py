"""Fragments too thin to be shapes of their own, given to the region they cling to.

A broken layer one voxel thick between two regions would cover both with specks in the surface
view. For that view alone: slices and volumes keep every voxel as it was labelled.
"""

import numpy as np
import scipy
from numpy.typing import NDArray

# By eye: rows and flakes of voxels, but no focus that a reader would look for.
_LARGEST_MM3 = 150.0


def without_crumbs(ranks_kji: NDArray[np.uint8], voxel_mm3: float) -> NDArray[np.uint8]:
    """Return labels without fragments that are small, nowhere three voxels thick and not alone.

    Parameters
    ----------
    ranks_kji
        Labels 1, 2, ...; 0 is background.
    voxel_mm3
        Volume of a voxel.

    Returns
    -------
    ndarray
        Each such fragment has the label that most of its neighbours have; one that touches only
        background is kept.
    """
    crumbs = _numbered_crumbs(ranks_kji, voxel_mm3)
    count = int(crumbs.max())
    if count == 0:
        return ranks_kji
    highest = int(ranks_kji.max())
    votes = np.zeros((count + 1, highest + 1), np.int64)
    rest = np.where(crumbs > 0, np.uint8(0), ranks_kji)
    for axis in range(3):
        for crumb, neighbour in _neighbours(crumbs, rest, axis):
            touches = (crumb > 0) & (neighbour > 0)
            pairs = crumb[touches].astype(np.int64) * (highest + 1) + neighbour[touches]
            votes += np.bincount(pairs, minlength=votes.size).reshape(votes.shape)
    elected = votes.argmax(axis=1).astype(np.uint8)[crumbs]
    return np.where(elected > 0, elected, ranks_kji)


def _numbered_crumbs(ranks_kji: NDArray[np.uint8], voxel_mm3: float) -> NDArray[np.int32]:
    """Return 1, 2, ... on each crumb and 0 elsewhere."""
    crumbs = np.zeros(ranks_kji.shape, np.int32)
    first = 0
    for rank in range(1, int(ranks_kji.max(initial=0)) + 1):
        mask = ranks_kji == rank
        parts, count = scipy.ndimage.label(mask)
        is_crumb = np.bincount(parts.ravel(), minlength=count + 1) * voxel_mm3 <= _LARGEST_MM3
        is_crumb[np.unique(parts[scipy.ndimage.binary_erosion(mask)])] = False
        is_crumb[0] = False
        numbers = np.where(is_crumb, np.arange(first, first + count + 1), 0)
        crumbs += numbers[parts].astype(np.int32)
        first += count
    return crumbs


def _neighbours(
    crumbs: NDArray[np.int32], rest: NDArray[np.uint8], axis: int
) -> tuple[tuple[NDArray[np.int32], NDArray[np.uint8]], ...]:
    """Pair each voxel with the next one along an axis, and with the one before."""
    low = (*(slice(None),) * axis, slice(None, -1))
    high = (*(slice(None),) * axis, slice(1, None))
    return (crumbs[low], rest[high]), (crumbs[high], rest[low])
