"""A sphere inflated until it meets the inner side of the skull.

After the deformable surface of Smith 2002 (doi 10.1002/hbm.10062), whose constants it uses, on an
image in which all sequences speak together.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.imaging.icosphere import SphereMesh

_Points = NDArray[np.float64]

_ITERATIONS = 500
# Smith 2002, section 2: radii of curvature in mm that smoothing allows at full and at no strength.
_R_MIN_MM, _R_MAX_MM = 3.33, 10.0
# How far inwards each point looks for the darkest and the brightest value, in mm.
_LOOK_FOR_DARK_MM, _LOOK_FOR_BRIGHT_MM = 20.0, 10.0
_STEP_SHARE = 0.05


def inflate(
    image_kji: NDArray[np.float32],
    start_voxels: _Points,
    mesh: SphereMesh,
    spacing_mm: float,
    levels: tuple[float, float, float],
    threshold: float,
    check: Callable[[], None],
) -> _Points:
    """Move the points of a small closed surface outwards until they meet the skull.

    Parameters
    ----------
    image_kji
        Intensities on cubic voxels.
    start_voxels
        (n, 3) k, j, i of the mesh's points at the start, inside the brain.
    spacing_mm
        Edge of a voxel.
    levels
        Intensities of air, of typical brain, and the brightest to believe.
    threshold
        0 (large) to 1 (small outline): share of the local brightness that counts as skull.

    Returns
    -------
    ndarray
        (n, 3) k, j, i of the points at the end.
    """
    dark_level, brain_level, _ = levels
    points = start_voxels.copy()
    dark_steps = np.arange(1, int(_LOOK_FOR_DARK_MM / spacing_mm) + 1)
    bright_count = int(_LOOK_FOR_BRIGHT_MM / spacing_mm)
    steepness = 6 / (1 / _R_MIN_MM - 1 / _R_MAX_MM)
    middle = (1 / _R_MIN_MM + 1 / _R_MAX_MM) / 2
    limit = np.array(image_kji.shape) - 1
    for iteration in range(_ITERATIONS):
        if iteration % 50 == 0:
            check()
        normals = point_normals(points, mesh)
        spread = points[mesh.neighbours].mean(axis=1) - points
        edge = np.linalg.norm(points[mesh.neighbours[:, 0]] - points, axis=1).mean()
        along = (spread * normals).sum(axis=1)
        tangential = spread - along[:, None] * normals
        curvature = 2 * np.abs(along) / (edge**2 * spacing_mm)
        smoothing = (1 + np.tanh(steepness * (curvature - middle))) / 2

        look = points[:, None, :] - normals[:, None, :] * dark_steps[None, :, None]
        index = np.clip(np.rint(look), 0, limit).astype(np.intp)
        values = image_kji[index[..., 0], index[..., 1], index[..., 2]]
        darkest = np.clip(values.min(axis=1), dark_level, brain_level)
        brightest = np.clip(values[:, :bright_count].max(axis=1), brain_level, levels[2])
        skull = dark_level + threshold * (brightest - dark_level)
        force = 2 * (darkest - skull) / np.maximum(brightest - dark_level, 1e-6)
        points = (
            points
            + 0.5 * tangential
            + (smoothing * along + _STEP_SHARE * force * edge)[:, None] * normals
        )
        points = np.clip(points, 0, limit)
    return points


def point_normals(points: _Points, mesh: SphereMesh) -> _Points:
    """Return (n, 3) outward unit normals of a surface's points."""
    a, b, c = (points[mesh.triangles[:, n]] for n in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.stack(
        [
            np.bincount(mesh.triangles.ravel(), np.repeat(faces[:, n], 3), len(points))
            for n in range(3)
        ],
        axis=1,
    )
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    # The mesh is right-handed in x, y, z; any order of axes keeps inside and outside apart once
    # the normals are turned away from the middle.
    normals /= np.maximum(length, 1e-9)
    outward = np.sign((normals * (points - points.mean(axis=0))).sum())
    result: _Points = normals * (outward or 1.0)
    return result


def voxelise(
    points: _Points, mesh: SphereMesh, shape_kji: tuple[int, int, int]
) -> NDArray[np.bool_]:
    """Return the voxels inside a closed surface."""
    shell = np.zeros(shape_kji, dtype=bool)
    corners = points[mesh.triangles]
    # Points close enough on every triangle that the shell has no hole.
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max()
    count = max(2, int(np.ceil(longest / 0.5)))
    u, v = np.meshgrid(np.linspace(0, 1, count), np.linspace(0, 1, count))
    inside = u + v <= 1 + 1e-9
    weights = np.stack([1 - u[inside] - v[inside], u[inside], v[inside]], axis=1)
    samples = np.einsum("wc,tcx->twx", weights, corners).reshape(-1, 3)
    index = np.clip(np.rint(samples), 0, np.array(shape_kji) - 1).astype(np.intp)
    shell[tuple(index.T)] = True
    padded = np.pad(shell, 1)
    labels, _ = ndimage.label(~padded)
    solid: NDArray[np.bool_] = (labels != labels[0, 0, 0])[1:-1, 1:-1, 1:-1]
    return solid
