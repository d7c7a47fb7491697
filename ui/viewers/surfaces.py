"""The brain's outline, in patient coordinates. Safe to run in any thread."""

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

from desktop_app.domain.geometry import Geometry
from ui.viewers.mesh_steps import mesh_of, smoothed_points, to_patient, triangles_of
from ui.viewers.vtk_arrays import to_vtk_image

# Values by eye.
_ITERATIONS = 15
_PASS_BAND = 0.05
_STEP_MM = 2.5


def brain_surface(brain_kji: NDArray[np.bool_], geometry: Geometry) -> vtkPolyData | None:
    """Return the outline of the brain, coarse enough to draw fast; ``None`` if there is none.

    Parameters
    ----------
    brain_kji, geometry
        Mask and its grid.
    """
    factors = [max(1, round(_STEP_MM / spacing)) for spacing in geometry.spacing_mm]
    padding = [(f, f + -n % f) for n, f in zip(brain_kji.shape, factors, strict=True)]
    mask = np.pad(brain_kji.astype(np.float32), padding)
    blocks = [size for n, f in zip(mask.shape, factors, strict=True) for size in (n // f, f)]
    coarse = mask.reshape(blocks).mean(axis=(1, 3, 5))
    if coarse.max() <= 0.5:
        return None
    image = to_vtk_image(coarse)
    image.SetSpacing(*(np.array(geometry.spacing_mm) * factors)[::-1].tolist())
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    mesh = contour.GetOutput()
    points_mm = smoothed_points(mesh, _ITERATIONS, _PASS_BAND)
    first_kji = np.array([(f - 1) / 2 - f for f in factors])
    origin_lps_mm = geometry.to_patient_mm(first_kji)
    return mesh_of(*to_patient(points_mm, triangles_of(mesh), geometry, origin_lps_mm))
