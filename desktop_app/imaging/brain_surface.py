"""A sphere inflated until it meets the skull, then drawn in to the skull's inner side.

After the deformable surface of Smith 2002 (doi 10.1002/hbm.10062), whose constants it uses, on an
image in which all sequences speak together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.stopping import Check
from desktop_app.imaging.icosphere import SphereMesh
from desktop_app.imaging.morphology import filled

_Points = NDArray[np.float64]

_ITERATIONS = 300
# Smith 2002, section 2: radii of curvature in mm that smoothing allows at full and at no strength.
_R_MIN_MM, _R_MAX_MM = 3.33, 10.0
# How far inwards each point looks for the darkest and the brightest value, in mm.
_LOOK_FOR_DARK_MM, _LOOK_FOR_BRIGHT_MM = 20.0, 10.0
_STEP_SHARE = 0.05
# How far the drawing-in may move a point, and what it takes for bone.
_DRAW_IN_MM, _DRAW_OUT_MM = 18.0, 2.0
_BONE_LEVEL = 0.5
_PREFER_OUTER_PER_MM = 0.012
# Share of the way from bone to brain; below the half, so that dim tumour at the edge stays in.
_RISE = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class HeadImage:
    """What the surface moves in.

    Parameters
    ----------
    values_kji
        Intensities relative to the brain's middle on cubic voxels: brain near 1, bone and air near
        0.
    head_kji
        The head, filled; outside of it darkness means air, not bone.
    spacing_mm
        Edge of a voxel.
    brain_level, bright_level
        Typical brain, and the brightest value to believe.
    """

    values_kji: NDArray[np.float32]
    head_kji: NDArray[np.bool_]
    spacing_mm: float
    brain_level: float
    bright_level: float

    def profiles(self, points: _Points, normals: _Points, depth_mm: _Points) -> NDArray[np.float32]:
        """Return (n, depths) values along each inward normal; air and beyond count as bright."""
        steps = depth_mm / self.spacing_mm
        where = points[:, None, :] - normals[:, None, :] * steps[None, :, None]
        tissue = np.where(self.head_kji, self.values_kji, np.float32(1))
        values: NDArray[np.float32] = ndimage.map_coordinates(
            tissue, where.reshape(-1, 3).T, order=1, mode="constant", cval=1.0
        )
        return values.reshape(len(points), -1)


def inflate(
    image: HeadImage,
    start_voxels: _Points,
    mesh: SphereMesh,
    threshold: float,
    check: Check,
) -> _Points:
    """Move the points of a small closed surface outwards until they meet the skull.

    Parameters
    ----------
    start_voxels
        (n, 3) k, j, i of the mesh's points at the start, inside the brain.
    threshold
        0 (large) to 1 (small outline): share of the local brightness that counts as skull.

    Returns
    -------
    ndarray
        (n, 3) k, j, i of the points at the end.
    """
    points = start_voxels.copy()
    spacing_mm = image.spacing_mm
    steps = np.arange(1, int(_LOOK_FOR_DARK_MM / spacing_mm) + 1)[None, :, None]
    bright_count = int(_LOOK_FOR_BRIGHT_MM / spacing_mm)
    steepness = 6 / (1 / _R_MIN_MM - 1 / _R_MAX_MM)
    middle = (1 / _R_MIN_MM + 1 / _R_MAX_MM) / 2
    limit = np.array(image.values_kji.shape) - 1
    for iteration in range(_ITERATIONS):
        if iteration % 50 == 0:
            check()
        normals = point_normals(points, mesh)
        near = points[mesh.neighbours]
        spread = near.mean(axis=1) - points
        edge = float(np.linalg.norm(near[:, 0] - points, axis=1).mean())
        along = (spread * normals).sum(axis=1)
        tangential = spread - along[:, None] * normals
        curvature = 2 * np.abs(along) / (edge**2 * spacing_mm)
        smoothing = (1 + np.tanh(steepness * (curvature - middle))) / 2

        look = points[:, None, :] - normals[:, None, :] * steps
        k, j, i = np.clip(np.rint(look), 0, limit).astype(np.intp).transpose(2, 0, 1)
        values = image.values_kji[k, j, i]
        darkest = np.clip(values.min(axis=1), 0, image.brain_level)
        brightest = np.clip(
            values[:, :bright_count].max(axis=1), image.brain_level, image.bright_level
        )
        force = 2 * (darkest - threshold * brightest) / brightest
        push = smoothing * along + _STEP_SHARE * force * edge
        points = np.clip(points + 0.5 * tangential + push[:, None] * normals, 0, limit)
    return points


def draw_in(image: HeadImage, points: _Points, mesh: SphereMesh) -> _Points:
    """Move an outline that lies in skull or scalp in to where the brain begins.

    Along each normal the darkest stretch is bone; the brain begins where the values have risen
    towards the brain's own. Neighbours outvote single points that took a dark sulcus for bone.
    """
    normals = point_normals(points, mesh)
    depth_mm = np.arange(-_DRAW_OUT_MM, _DRAW_IN_MM + 10.0, 1.0)
    values = image.profiles(points, normals, depth_mm)
    numbers = np.arange(len(depth_mm))
    searched = int(_DRAW_IN_MM + _DRAW_OUT_MM)
    bone = np.argmin(values[:, :searched] + _PREFER_OUTER_PER_MM * numbers[:searched], axis=1)
    darkest = values[np.arange(len(points)), bone]
    beyond = numbers[None] - bone[:, None]
    brain = np.where((beyond > 0) & (beyond <= 10), values, 0).max(axis=1)
    enough = darkest + _RISE * (np.minimum(brain, 1.0) - darkest)
    risen = (beyond >= 0) & (values >= enough[:, None])
    first = np.where(risen, numbers[None], len(depth_mm) - 1).min(axis=1)
    move_mm = np.clip(depth_mm[first] - 0.5, 0, _DRAW_IN_MM)
    is_bone = (darkest < _BONE_LEVEL) & (brain > darkest + 0.2)
    move_mm = _agreed(np.where(is_bone, move_mm, np.nan), mesh)
    return points - normals * (move_mm / image.spacing_mm)[:, None]


def _agreed(values: _Points, mesh: SphereMesh) -> _Points:
    """Smooth values over a mesh, medians first; where there are none nearby, 0."""
    ring = np.concatenate([np.arange(len(values))[:, None], mesh.neighbours], axis=1)
    two_rings = ring[ring].reshape(len(values), -1)
    for _ in range(2):
        around = np.ma.masked_invalid(values[two_rings])
        values = np.ma.median(around, axis=1).filled(np.nan)  # type: ignore[no-untyped-call]
    values = np.nan_to_num(values)
    for _ in range(2):
        values = values[ring].mean(axis=1)
    return values


def evidence(image: HeadImage, points: _Points, mesh: SphereMesh) -> float:
    """Return how well an outline follows the inner side of the skull: brain within, bone without.

    An outline in the scalp has air without, one inside the brain has brain; neither is bone.
    """
    outside_mm, inside_mm = np.arange(-6.0, 0.0), np.arange(2.0, 9.0, 2.0)
    normals = point_normals(points, mesh)
    values = np.minimum(image.profiles(points, normals, np.concatenate([outside_mm, inside_mm])), 1)
    count = len(outside_mm)
    return float((values[:, count:].mean(axis=1) - values[:, :count].min(axis=1)).mean())


def point_normals(points: _Points, mesh: SphereMesh) -> _Points:
    """Return (n, 3) outward unit normals of a surface's points."""
    a, b, c = points[mesh.triangles.T]
    faces = np.cross(b - a, c - a)
    owners = mesh.triangles.ravel()
    columns = [np.bincount(owners, np.repeat(faces[:, axis], 3), len(points)) for axis in range(3)]
    normals = np.stack(columns, axis=1)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    unit: _Points = normals / np.maximum(lengths, 1e-9)
    return unit


def voxelise(
    points: _Points, mesh: SphereMesh, shape_kji: tuple[int, int, int]
) -> NDArray[np.bool_]:
    """Return the voxels inside a closed surface."""
    corners = points[mesh.triangles]
    # Points close enough on every triangle that the shell has no hole.
    longest = float(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max())
    count = max(2, int(np.ceil(longest / 0.5)))
    u, v = np.meshgrid(np.linspace(0, 1, count), np.linspace(0, 1, count))
    used = u + v <= 1 + 1e-9
    weights = np.stack([1 - u[used] - v[used], u[used], v[used]], axis=1)
    samples = np.einsum("wc,tcx->twx", weights, corners).reshape(-1, 3)
    k, j, i = np.clip(np.rint(samples), 0, np.array(shape_kji) - 1).astype(np.intp).T
    shell = np.zeros(shape_kji, dtype=np.bool_)
    shell[k, j, i] = True
    return filled(shell)
