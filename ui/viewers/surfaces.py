"""Smooth surfaces of labelled voxels, in patient coordinates. Safe to run in any thread."""

import math

import numpy as np
import scipy
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import (
    vtkAppendPolyData,
    vtkFlyingEdges3D,
    vtkPolyDataNormals,
    vtkReverseSense,
    vtkWindowedSincPolyDataFilter,
)

from desktop_app.domain.geometry import Geometry
from ui.viewers.vtk_arrays import to_numpy, to_vtk_array, to_vtk_image

# Taubin's low-pass filter smooths the voxel steps and keeps the volume; values by eye at 1 mm.
_LABEL_ITERATIONS = 25
_LABEL_PASS_BAND = 0.04
_LEAST_SMOOTHED_VOXELS = 40
_BRAIN_ITERATIONS = 15
_BRAIN_PASS_BAND = 0.05
_BRAIN_STEP_MM = 2.5
# Slices thicker than this many times the in-plane spacing are interpolated before contouring.
_MOST_ANISOTROPY = 1.4


def label_surface(
    labels_kji: NDArray[np.uint8], geometry: Geometry, value: int
) -> vtkPolyData | None:
    """Return the closed surface of one label; ``None`` where no voxel has it.

    Parameters
    ----------
    labels_kji, geometry
        Labels and their grid; any orientation and spacing.
    value
        The label.
    """
    places = scipy.ndimage.find_objects((labels_kji == value).view(np.int8))
    if not places or places[0] is None:
        return None
    box = places[0]
    # A rim of zeros closes the surface, also where the label touches the edge of the image
    mask = np.pad(labels_kji[box] == value, 1)
    first_kji = np.array([one.start for one in box], dtype=np.float64) - 1
    small = _small_parts(mask)
    joined = vtkAppendPolyData()
    for part, iterations in ((mask & ~small, _LABEL_ITERATIONS), (small, 0)):
        if part.any():
            joined.AddInputData(_part_surface(part, geometry, first_kji, iterations))
    joined.Update()
    surface = vtkPolyData()
    surface.ShallowCopy(joined.GetOutput())
    return surface


def _small_parts(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark connected parts so small that smoothing would shrink them to nothing."""
    parts, _ = scipy.ndimage.label(mask)
    sizes = np.bincount(parts.ravel())
    is_small = sizes < _LEAST_SMOOTHED_VOXELS
    is_small[0] = False
    small: NDArray[np.bool_] = is_small[parts]
    return small


def _part_surface(
    mask: NDArray[np.bool_],
    geometry: Geometry,
    first_kji: NDArray[np.float64],
    iterations: int,
) -> vtkPolyData:
    field = mask.astype(np.float32)
    factors = _upsampling(geometry.spacing_mm)
    if max(factors) > 1:
        counts = [(n - 1) * f + 1 for n, f in zip(field.shape, factors, strict=True)]
        zooms = [c / n for c, n in zip(counts, field.shape, strict=True)]
        field = scipy.ndimage.zoom(field, zooms, order=1)
    return _contour(
        field,
        geometry,
        first_kji,
        1 / np.array(factors),
        iterations=iterations,
        pass_band=_LABEL_PASS_BAND,
    )


def brain_surface(brain_kji: NDArray[np.bool_], geometry: Geometry) -> vtkPolyData | None:
    """Return the outline of the brain, coarse enough to draw fast; ``None`` if there is none.

    Parameters
    ----------
    brain_kji, geometry
        Mask and its grid.
    """
    factors = [max(1, round(_BRAIN_STEP_MM / spacing)) for spacing in geometry.spacing_mm]
    padding = [(f, f + -n % f) for n, f in zip(brain_kji.shape, factors, strict=True)]
    mask = np.pad(brain_kji.astype(np.float32), padding)
    blocks = [size for n, f in zip(mask.shape, factors, strict=True) for size in (n // f, f)]
    coarse = mask.reshape(blocks).mean(axis=(1, 3, 5))
    if coarse.max() <= 0.5:
        return None
    first_kji = np.array([(f - 1) / 2 - f for f in factors])
    steps = np.array(factors, dtype=np.float64)
    return _contour(
        coarse, geometry, first_kji, steps, iterations=_BRAIN_ITERATIONS, pass_band=_BRAIN_PASS_BAND
    )


def _upsampling(spacing_mm: tuple[float, float, float]) -> tuple[int, ...]:
    finest = min(spacing_mm)
    return tuple(
        math.ceil(spacing / finest / _MOST_ANISOTROPY) if spacing > finest * _MOST_ANISOTROPY else 1
        for spacing in spacing_mm
    )


def _contour(
    field: NDArray[np.float32],
    geometry: Geometry,
    first_kji: NDArray[np.float64],
    step_kji: NDArray[np.float64],
    *,
    iterations: int,
    pass_band: float,
) -> vtkPolyData:
    """Contour a field of 0 to 1 at one half, smooth it in millimetres, move it to the patient.

    `first_kji` is the voxel index of the field's first sample, `step_kji` voxels per sample.
    """
    image = to_vtk_image(field)
    image.SetSpacing(*(np.array(geometry.spacing_mm) * step_kji)[::-1].tolist())
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    mesh = vtkPolyData()
    mesh.ShallowCopy(contour.GetOutput())
    if iterations:
        mesh = _smoothed(mesh, iterations, pass_band)
    _move_to_patient(mesh, geometry, geometry.to_patient_mm(first_kji))
    return _with_normals(mesh, mirrored=float(np.linalg.det(geometry.direction_lps)) < 0)


def _smoothed(mesh: vtkPolyData, iterations: int, pass_band: float) -> vtkPolyData:
    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputData(mesh)
    smooth.SetNumberOfIterations(iterations)
    smooth.SetPassBand(pass_band)
    smooth.NormalizeCoordinatesOn()
    smooth.FeatureEdgeSmoothingOff()
    smooth.BoundarySmoothingOff()
    smooth.NonManifoldSmoothingOn()
    smooth.Update()
    result = vtkPolyData()
    result.ShallowCopy(smooth.GetOutput())
    return result


def _move_to_patient(
    mesh: vtkPolyData, geometry: Geometry, origin_lps_mm: NDArray[np.float64]
) -> None:
    grid_mm = to_numpy(mesh.GetPoints().GetData()).astype(np.float64)
    lps_mm = (grid_mm @ geometry.direction_lps.T + origin_lps_mm).astype(np.float32)
    points = vtkPoints()
    points.SetData(to_vtk_array(lps_mm, copy=True))
    mesh.SetPoints(points)


def _with_normals(mesh: vtkPolyData, *, mirrored: bool) -> vtkPolyData:
    """Add normals that point outwards; a mirrored grid turns triangles inside out."""
    normals = vtkPolyDataNormals()
    normals.SplittingOff()
    normals.ConsistencyOff()
    if mirrored:
        reverse = vtkReverseSense()
        reverse.SetInputData(mesh)
        normals.SetInputConnection(reverse.GetOutputPort())
    else:
        normals.SetInputData(mesh)
    normals.Update()
    result = vtkPolyData()
    result.ShallowCopy(normals.GetOutput())
    return result
