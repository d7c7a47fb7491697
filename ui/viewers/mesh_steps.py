"""Steps that surfaces share: smoothing, and triangles given as arrays."""

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals, vtkWindowedSincPolyDataFilter

from desktop_app.domain.geometry import Geometry
from ui.viewers.vtk_arrays import to_numpy, to_vtk_array


def points_of(mesh: vtkPolyData) -> NDArray[np.float32]:
    """Return a copy of its points, (n, 3)."""
    points: NDArray[np.float32] = to_numpy(mesh.GetPoints().GetData()).astype(np.float32)
    return points


def triangles_of(mesh: vtkPolyData) -> NDArray[np.int64]:
    """Return a copy of the points' numbers, (triangles, 3)."""
    corners = to_numpy(mesh.GetPolys().GetConnectivityArray())
    triangles: NDArray[np.int64] = corners.reshape(-1, 3).astype(np.int64)
    return triangles


def smoothed_points(mesh: vtkPolyData, iterations: int, pass_band: float) -> NDArray[np.float32]:
    """Return the points without voxel steps, (n, 3).

    Taubin's low-pass filter, which keeps the volume; lines where three regions meet are smoothed
    with the rest.
    """
    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputData(mesh)
    smooth.SetNumberOfIterations(iterations)
    smooth.SetPassBand(pass_band)
    smooth.NormalizeCoordinatesOn()
    smooth.FeatureEdgeSmoothingOff()
    smooth.BoundarySmoothingOff()
    smooth.NonManifoldSmoothingOn()
    smooth.Update()
    return points_of(smooth.GetOutput())


def to_patient(
    points_mm: NDArray[np.float32],
    triangles: NDArray[np.int64],
    geometry: Geometry,
    origin_lps_mm: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Move points in millimetres along i, j, k; a mirrored grid turns triangles inside out."""
    lps_mm = (points_mm @ geometry.direction_lps.T + origin_lps_mm).astype(np.float32)
    is_mirrored = float(np.linalg.det(geometry.direction_lps)) < 0
    return lps_mm, triangles[:, ::-1] if is_mirrored else triangles


def mesh_of(points: NDArray[np.float32], triangles: NDArray[np.int64]) -> vtkPolyData:
    """Return triangles with normals to the side from which they run anticlockwise."""
    mesh = vtkPolyData()
    mesh.SetPoints(_vtk_points(points))
    mesh.SetPolys(_vtk_cells(triangles))
    normals = vtkPolyDataNormals()
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.SetInputData(mesh)
    normals.Update()
    result = vtkPolyData()
    result.ShallowCopy(normals.GetOutput())
    return result


def part_of(mesh: vtkPolyData, triangles: NDArray[np.int64]) -> vtkPolyData:
    """Return some of a mesh's triangles; points and normals are shared with it."""
    part = vtkPolyData()
    part.SetPoints(mesh.GetPoints())
    part.GetPointData().SetNormals(mesh.GetPointData().GetNormals())
    part.SetPolys(_vtk_cells(triangles))
    return part


def _vtk_points(points: NDArray[np.float32]) -> vtkPoints:
    result = vtkPoints()
    result.SetData(to_vtk_array(np.ascontiguousarray(points), copy=True))
    return result


def _vtk_cells(triangles: NDArray[np.int64]) -> vtkCellArray:
    cells = vtkCellArray()
    cells.SetData(3, to_vtk_array(triangles.reshape(-1), copy=True))
    return cells
