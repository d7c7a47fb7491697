"""Take the brain out of a whole head: a classical method that needs no training data."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging.brain_surface import HeadImage, draw_in, evidence, inflate, voxelise
from desktop_app.imaging.grids import isotropic_geometry
from desktop_app.imaging.icosphere import icosphere
from desktop_app.imaging.morphology import dilated, eroded, filled, largest_part
from desktop_app.imaging.resample import resample

_COARSE_MM = 2.0
_SUBDIVISIONS = 3
# Tried from the middle one, in the direction that follows the skull better.
_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_FIRST_THRESHOLD = 3
# From the top of the head to below the cerebellum in adults.
_HEAD_HEIGHT_MM = 175.0
_Array = NDArray[np.float32]
_Mask = NDArray[np.bool_]


def brain_mask(images: Mapping[Sequence, Volume], *, check: Check = go_on) -> _Mask:
    """Find the brain in the images of one head.

    Parameters
    ----------
    images
        One image or several of different contrast, registered, on one grid with axes near LPS;
        exact 0 where an image has no data.
    check
        Called often; raises to stop.

    Returns
    -------
    ndarray
        (k, j, i) mask on the images' grid: the brain with the fluid around it, rather too much
        than too little.
    """
    grid = next(iter(images.values())).geometry
    coarse = isotropic_geometry(grid, _COARSE_MM)
    small = [
        resample(volume, coarse, antialias=True).array_kji.astype(np.float32)
        for volume in images.values()
    ]
    check()
    head = head_mask(small)
    centre, radius = _centre_and_radius(head)
    image = _head_image(small, head, centre, radius)
    mesh = icosphere(_SUBDIVISIONS)
    start = centre + mesh.points * radius / 2

    def outline(threshold: float) -> tuple[float, NDArray[np.float64]]:
        points = draw_in(image, inflate(image, start, mesh, threshold, check), mesh)
        return evidence(image, points, mesh), points

    points = _best_outline(outline)
    brain = voxelise(points, mesh, coarse.shape_kji) & head
    return _on_grid(brain, coarse, grid)


def _best_outline(
    outline: Callable[[float], tuple[float, NDArray[np.float64]]],
) -> NDArray[np.float64]:
    """Climb from the middle threshold to the one whose outline follows the skull best."""
    found = {_FIRST_THRESHOLD: outline(_THRESHOLDS[_FIRST_THRESHOLD])}
    for step in (-1, 1):
        number = _FIRST_THRESHOLD
        while 0 <= number + step < len(_THRESHOLDS):
            number += step
            found[number] = outline(_THRESHOLDS[number])
            if found[number][0] < found[number - step][0]:
                break
        if number - step != _FIRST_THRESHOLD:
            break
    return max(found.values(), key=lambda one: one[0])[1]


def head_mask(images: list[_Array]) -> _Mask:
    """Return the head, filled, from the skin inwards."""
    votes = [image > 0.12 * np.percentile(image, 98) for image in images]
    tissue = np.mean(votes, axis=0) >= 0.5
    opened = ndimage.binary_opening(tissue, iterations=2)
    body = largest_part(opened if opened.any() else tissue)
    spacing = (1.0, 1.0, 1.0)
    closed: _Mask = eroded(dilated(body, 4, spacing), 4, spacing) | body
    return filled(closed)


def _centre_and_radius(head: _Mask) -> tuple[NDArray[np.float64], float]:
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
    centre: NDArray[np.float64] = np.argwhere(upper).mean(axis=0)
    centre[0] = (top + bottom) / 2
    radius = (3 * cranium.sum() / (4 * np.pi)) ** (1 / 3)
    return centre, float(radius)


def _head_image(
    images: list[_Array], head: _Mask, centre: NDArray[np.float64], radius: float
) -> HeadImage:
    """Join the sequences into one image in which only bone and air are dark.

    The geometric mean of the sequences, each relative to the brain's middle. Fluid and tumour, dark
    in some and bright in others, end between bone and brain; bone is dark in all.
    """
    inner = _ball(head.shape, centre, 0.5 * radius) & head
    logs = np.zeros(head.shape, dtype=np.float32)
    count = np.zeros(head.shape, dtype=np.float32)
    for image in images:
        present = image != 0
        level = float(np.median(image[inner & present])) if (inner & present).any() else 1.0
        relative = np.clip(image / max(level, 1e-6), 0.05, 2.0)
        logs += np.where(present, np.log(relative), 0)
        count += present
    values = np.where(count > 0, np.exp(logs / np.maximum(count, 1)), np.float32(0.05))
    return HeadImage(
        values_kji=values.astype(np.float32),
        head_kji=ndimage.binary_erosion(head),
        spacing_mm=_COARSE_MM,
        brain_level=float(np.median(values[inner])),
        bright_level=float(np.percentile(values[head], 98)),
    )


def _ball(shape: tuple[int, ...], centre: NDArray[np.float64], radius: float) -> _Mask:
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    squared = [(axis - middle) ** 2 for axis, middle in zip(axes, centre, strict=True)]
    inside: _Mask = squared[0] + squared[1] + squared[2] <= radius**2
    return inside


def _on_grid(coarse_mask: _Mask, coarse: Geometry, grid: Geometry) -> _Mask:
    """Bring a mask to the fine grid with a smooth outline."""
    soft = ndimage.gaussian_filter(coarse_mask.astype(np.float32), 0.7)
    inside: _Mask = resample(Volume(soft, coarse), grid).array_kji > 0.5
    return inside
