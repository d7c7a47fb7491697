"""Take the brain out of a whole head: a classical method that needs no training data."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging.brain_surface import inflate, voxelise
from desktop_app.imaging.grids import isotropic_geometry
from desktop_app.imaging.icosphere import icosphere
from desktop_app.imaging.morphology import dilated, eroded, filled, largest_part
from desktop_app.imaging.resample import resample

_COARSE_MM = 2.0
_SUBDIVISIONS = 4
_THRESHOLD = 0.5
# From the top of the head to below the cerebellum in adults.
_HEAD_HEIGHT_MM = 175.0


def brain_mask(
    images: Mapping[Sequence, Volume], *, check: Callable[[], None] | None = None
) -> NDArray[np.bool_]:
    """Find the brain in the images of one head.

    Parameters
    ----------
    images
        One image or several of different contrast, registered, on one grid with axes near LPS.
    check
        Called often; raises to stop.

    Returns
    -------
    ndarray
        (k, j, i) mask on the images' grid.
    """
    look = check or _never
    grid = next(iter(images.values())).geometry
    coarse = isotropic_geometry(grid, _COARSE_MM)
    small = {
        sequence: resample(volume, coarse, antialias=True).array_kji.astype(np.float32)
        for sequence, volume in images.items()
    }
    look()
    head = head_mask(small)
    centre, radius = _centre_and_radius(head)
    image = combined(small, centre, radius)
    inner = _ball(image.shape, centre, 0.5 * radius)
    levels = (0.05, float(np.median(image[inner])), float(np.percentile(image[head], 98)))
    mesh = icosphere(_SUBDIVISIONS)
    start = centre + mesh.points * radius / 2
    points = inflate(image, start, mesh, _COARSE_MM, levels, _THRESHOLD, look)
    brain = voxelise(points, mesh, image.shape) & head
    return _on_grid(brain, coarse, grid)


def _never() -> None:
    """Stand in for a check nobody asked for."""


def _on_grid(coarse_mask: NDArray[np.bool_], coarse: Geometry, grid: Geometry) -> NDArray[np.bool_]:
    """Bring a mask to the fine grid with a smooth outline."""
    soft = ndimage.gaussian_filter(coarse_mask.astype(np.float32), 0.7)
    inside: NDArray[np.bool_] = resample(Volume(soft, coarse), grid).array_kji > 0.5
    return inside


def head_mask(images: Mapping[Sequence, NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Return the head, filled, from its first tissue to its core."""
    votes = [image > 0.12 * np.percentile(image, 98) for image in images.values()]
    tissue = np.mean(votes, axis=0) >= 0.5
    opened = ndimage.binary_opening(tissue, iterations=2)
    body = largest_part(opened if opened.any() else tissue)
    spacing = (1.0, 1.0, 1.0)
    return filled(eroded(dilated(body, 4, spacing), 4, spacing)) | body


def _centre_and_radius(head: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Return the middle of the cranium in voxels, and the radius of a ball of its size."""
    areas = head.sum(axis=(1, 2))
    rows = np.flatnonzero(areas > 0.1 * areas.max())
    top = int(rows[-1])
    bottom = max(int(rows[0]), top - int(_HEAD_HEIGHT_MM / _COARSE_MM))
    cranium = np.zeros_like(head)
    cranium[bottom : top + 1] = head[bottom : top + 1]
    # Below the middle of the cranium face and neck pull the centre forward.
    upper = cranium.copy()
    upper[: (bottom + top) // 2] = False
    centre = np.argwhere(upper if upper.any() else cranium).mean(axis=0)
    centre[0] = top - 0.5 * min(top - bottom, _HEAD_HEIGHT_MM / _COARSE_MM)
    radius = (3 * cranium.sum() / (4 * np.pi)) ** (1 / 3)
    return centre, float(radius)


def _ball(shape: tuple[int, ...], centre: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    distance = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True))
    inside: NDArray[np.bool_] = distance <= radius**2
    return inside


def combined(
    images: Mapping[Sequence, NDArray[np.float32]],
    centre: NDArray[np.float64],
    radius: float,
) -> NDArray[np.float32]:
    """Average the sequences, each relative to the brain's middle: only bone and air stay dark."""
    result = np.zeros(next(iter(images.values())).shape, dtype=np.float32)
    for image in images.values():
        inner = _ball(image.shape, centre, 0.5 * radius)
        level = float(np.median(image[inner]))
        result += np.clip(image / max(level, 1e-6), 0, 2)
    return result / len(images)
