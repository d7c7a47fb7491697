"""From images of a head to what a network sees of it, and from its answer to a mask."""

from collections.abc import Callable, Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging.grids import isotropic_geometry
from desktop_app.imaging.morphology import filled, largest_part
from desktop_app.imaging.resample import resample
from model.messages import BRAIN_SPACING_MM

# Logits are depths in mm near the surface; what is further off tells nothing about where it runs.
_SURE_MM = 4.0
_Logits = NDArray[np.float32]
_Mask = NDArray[np.bool_]


def brain_mask_by_network(
    images: Mapping[Sequence, Volume],
    find: Callable[[NDArray[np.float32]], _Logits],
    *,
    of: Collection[Sequence] | None = None,
    check: Check = go_on,
) -> _Mask:
    """Find the brain in the images of one head.

    Parameters
    ----------
    images
        One image or several, registered, on one grid with axes near LPS; exact 0 where an image
        has no data.
    find
        The network: raw intensities (n, k, j, i) on a grid of `BRAIN_SPACING_MM` to logits of
        the same shape.
    of
        Which images to show it; all by default.
    check
        Called between the steps; raises to stop.

    Returns
    -------
    ndarray
        (k, j, i) mask on the images' grid; empty if the network sees no brain.
    """
    shown = [volume for sequence, volume in images.items() if of is None or sequence in of]
    grid = shown[0].geometry
    coarse = isotropic_geometry(grid, BRAIN_SPACING_MM)
    small = np.stack(
        [resample(one, coarse, antialias=True).array_kji.astype(np.float32) for one in shown]
    )
    check()
    logits = find(small)
    check()
    return _on_grid(_mean(logits, small != 0), coarse, grid)


def _mean(logits_nkji: _Logits, present_nkji: _Mask) -> _Logits:
    """Return the mean over the images that have data at a voxel; outside all, no brain."""
    limited = np.clip(logits_nkji, -_SURE_MM, _SURE_MM)
    count = present_nkji.sum(axis=0)
    total = np.where(present_nkji, limited, 0).sum(axis=0)
    mean = np.where(count > 0, total / np.maximum(count, 1), -_SURE_MM)
    return mean.astype(np.float32)


def _on_grid(depth_kji: _Logits, coarse: Geometry, grid: Geometry) -> _Mask:
    """Return the mask with the surface where the depth, interpolated, is zero."""
    brain = filled(largest_part(depth_kji > 0))
    # What lies beside the brain must not come back where the grid is finer.
    depth_kji = np.where(brain, np.maximum(depth_kji, 0.05), np.minimum(depth_kji, 0))
    fine = resample(Volume(depth_kji.astype(np.float32), coarse), grid, outside=-_SURE_MM)
    return largest_part(fine.array_kji > 0)
