"""Where labels meet: one mesh for all of them, so that no two surfaces lie in one place.

Safe to run in any thread.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkSurfaceNets3D

from desktop_app.domain.geometry import Geometry
from ui.viewers.crumbs import without_crumbs
from ui.viewers.mesh_steps import (
    mesh_of,
    part_of,
    points_of,
    smoothed_points,
    to_patient,
    triangles_of,
)
from ui.viewers.vtk_arrays import to_numpy, to_vtk_image

OUTSIDE = 0
"""What `Interface.outer` is where a label ends and no other begins."""

# Values by eye at 1 mm.
_ITERATIONS = 25
_PASS_BAND = 0.04
_LEAST_SMOOTHED_VOXELS = 40
# Slices thicker than this many times the in-plane spacing are interpolated.
_MOST_ANISOTROPY = 1.4


@dataclass(frozen=True, slots=True, eq=False)
class Interface:
    """The surface between two labels.

    Parameters
    ----------
    inner, outer
        Label values; `outer` may be `OUTSIDE`.
    mesh
        Triangles that face from `inner` to `outer`, smooth with all the surface of `inner`.
    """

    inner: int
    outer: int
    mesh: vtkPolyData


def label_interfaces(
    labels_kji: NDArray[np.uint8], geometry: Geometry, values: Sequence[int]
) -> tuple[Interface, ...]:
    """Return the surfaces between labels, and between them and the rest; crumbs have none.

    Parameters
    ----------
    labels_kji, geometry
        Labels and their grid; any orientation and spacing.
    values
        The labels that count, the innermost first.

    Returns
    -------
    tuple of Interface
        Those of the innermost label first; empty where no voxel has such a label.
    """
    rank_of = np.zeros(256, np.uint8)
    rank_of[list(values)] = np.arange(1, len(values) + 1)
    places = scipy.ndimage.find_objects((rank_of[labels_kji] > 0).view(np.int8))
    if not places:
        return ()
    box = places[0]
    # A rim of zeros closes the surfaces, also where a label touches the edge of the image
    ranks = np.pad(rank_of[labels_kji[box]], 1)
    ranks = without_crumbs(ranks, float(np.prod(geometry.spacing_mm)))
    first_kji = np.array([one.start for one in box], dtype=np.float64) - 1
    count = len(values)
    points_mm, triangles, sides = _nets(_with_small_apart(ranks, count), geometry, 2 * count)
    sides = np.where(sides > count, sides - count, sides)
    # Small parts rank behind all others; what they enclose must be inside again
    is_turned = (sides[:, 1] != OUTSIDE) & (sides[:, 0] > sides[:, 1])
    triangles[is_turned] = triangles[is_turned, ::-1]
    sides[is_turned] = sides[is_turned, ::-1]
    points, triangles = to_patient(
        points_mm, triangles, geometry, geometry.to_patient_mm(first_kji)
    )
    return tuple(
        Interface(values[rank - 1], values[other - 1] if other else OUTSIDE, mesh)
        for rank in range(1, count + 1)
        for other, mesh in _surfaces_of(rank, points, triangles, sides)
    )


def _with_small_apart(ranks: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Add `count` to the ranks of parts so small that smoothing would shrink them to nothing."""
    result = ranks.copy()
    for rank in range(1, count + 1):
        parts, _ = scipy.ndimage.label(ranks == rank)
        is_small = np.bincount(parts.ravel()) < _LEAST_SMOOTHED_VOXELS
        is_small[0] = False
        result[is_small[parts]] += count
    return result


def _nets(
    ranks: NDArray[np.uint8], geometry: Geometry, highest: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Return points in millimetres from the first voxel, triangles, and the ranks at their sides.

    Triangles face from the first of their two ranks, the lower one, to the second; nothing, 0,
    counts as the highest.
    """
    factors = _upsampling(geometry.spacing_mm)
    image = to_vtk_image(_upsampled(ranks, factors))
    image.SetSpacing(*(np.array(geometry.spacing_mm) / factors)[::-1].tolist())
    nets = vtkSurfaceNets3D()
    nets.SetInputData(image)
    for rank in range(1, highest + 1):
        nets.SetLabel(rank - 1, rank)
    nets.SetBackgroundLabel(0)
    nets.SmoothingOff()
    nets.SetOutputMeshTypeToTriangles()
    nets.Update()
    mesh = nets.GetOutput()
    triangles = triangles_of(mesh)
    sides = to_numpy(mesh.GetCellData().GetArray("BoundaryLabels")).astype(np.int64)
    points = smoothed_points(mesh, _ITERATIONS, _PASS_BAND)
    of_small = np.unique(triangles[(sides > highest // 2).any(axis=1)])
    points[of_small] = points_of(mesh)[of_small]
    return points, triangles, sides


def _surfaces_of(
    rank: int,
    points: NDArray[np.float32],
    triangles: NDArray[np.int64],
    sides: NDArray[np.int64],
) -> Iterator[tuple[int, vtkPolyData]]:
    """Yield the surface towards each higher rank, and towards nothing."""
    is_inner, is_outer = sides[:, 0] == rank, sides[:, 1] == rank
    if not is_inner.any():
        return
    whole = np.concatenate([triangles[is_inner], triangles[is_outer, ::-1]])
    used, renumbered = np.unique(whole, return_inverse=True)
    renumbered = renumbered.reshape(-1, 3)
    mesh = mesh_of(points[used], renumbered)
    others = sides[is_inner, 1]
    for other in np.unique(others):
        yield int(other), part_of(mesh, renumbered[: len(others)][others == other])


def _upsampling(spacing_mm: tuple[float, float, float]) -> tuple[int, ...]:
    finest = min(spacing_mm)
    return tuple(
        math.ceil(spacing / finest / _MOST_ANISOTROPY) if spacing > finest * _MOST_ANISOTROPY else 1
        for spacing in spacing_mm
    )


def _upsampled(ranks: NDArray[np.uint8], factors: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return at each finer sample the rank that linear interpolation gives most weight."""
    if max(factors) == 1:
        return ranks
    counts = [(n - 1) * f + 1 for n, f in zip(ranks.shape, factors, strict=True)]
    zooms = [c / n for c, n in zip(counts, ranks.shape, strict=True)]
    present = np.unique(ranks)
    weights = [
        scipy.ndimage.zoom((ranks == rank).astype(np.float32), zooms, order=1) for rank in present
    ]
    finer: NDArray[np.uint8] = present[np.argmax(weights, axis=0)]
    return finer
