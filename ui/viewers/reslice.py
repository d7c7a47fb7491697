"""Oblique cuts through a volume at any resolution, on the CPU."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkImagingCore import vtkImageReslice

from desktop_app.domain.geometry import Geometry
from ui.viewers.vtk_arrays import to_numpy, to_vtk_image, to_vtk_matrix


class ResliceSource:
    """Voxels ready to be cut; made once per volume and shared by the views.

    Parameters
    ----------
    array_kji
        Voxel values; shared, not copied, where possible.
    geometry
        Their grid.
    is_labels
        Labels are cut nearest-neighbour and are 0 outside, images are interpolated and as dark as
        their darkest voxel outside.
    """

    def __init__(self, array_kji: NDArray[Any], geometry: Geometry, *, is_labels: bool) -> None:
        if array_kji.shape != geometry.shape_kji:
            raise ValueError(f"array is {array_kji.shape}, its grid {geometry.shape_kji}")
        self.array_kji = array_kji
        self.geometry = geometry
        self.is_labels = is_labels
        self.image = to_vtk_image(array_kji)
        # The wrapper of the scalars holds the memory they share with numpy
        self._scalars = self.image.GetPointData().GetScalars()
        self.outside = 0.0 if is_labels else _darkest(array_kji)
        self.from_patient = np.linalg.inv(geometry.affine_lps_mm)

    def changed(self) -> None:
        """Let the cuts know that the array has changed in place."""
        self._scalars.Modified()
        self.image.Modified()

    def value_at(self, point_lps_mm: NDArray[np.float64]) -> float | None:
        """Return the value of the voxel that holds a point, ``None`` outside the grid."""
        index = np.rint(self.geometry.to_index_kji(point_lps_mm)).astype(int)
        if (index < 0).any() or (index >= self.geometry.shape_kji).any():
            return None
        k, j, i = index
        return float(self.array_kji[k, j, i])


class Reslicer:
    """Cuts one source; keeps the filter between frames."""

    def __init__(self, source: ResliceSource) -> None:
        self._source = source
        self._filter = vtkImageReslice()
        self._filter.SetInputData(source.image)
        self._filter.SetOutputDimensionality(2)
        self._filter.SetOutputSpacing(1.0, 1.0, 1.0)
        self._filter.SetOutputOrigin(0.0, 0.0, 0.0)
        self._filter.SetBackgroundLevel(source.outside)
        if source.is_labels:
            self._filter.SetInterpolationModeToNearestNeighbor()
        else:
            self._filter.SetInterpolationModeToLinear()

    def cut(self, pixel_to_patient: NDArray[np.float64], width: int, height: int) -> NDArray[Any]:
        """Sample a plane.

        Parameters
        ----------
        pixel_to_patient
            4 × 4; maps ``(column, row, 0, 1)`` of the cut to patient coordinates.
        width, height
            Size of the cut.

        Returns
        -------
        ndarray
            (height, width), row 0 on top.
        """
        # Rounding keeps grids that match exactly on VTK's fast path for axis-aligned cuts
        matrix = np.round(self._source.from_patient @ pixel_to_patient, 9)
        self._filter.SetResliceAxes(to_vtk_matrix(matrix))
        self._filter.SetOutputExtent(0, width - 1, 0, height - 1, 0, 0)
        self._filter.Update()
        scalars = self._filter.GetOutput().GetPointData().GetScalars()
        return to_numpy(scalars).reshape(height, width).copy()


def _darkest(array: NDArray[Any]) -> float:
    """Return the least number; ten times faster than asking VTK for its scalars' range."""
    least = float(array.min())
    if np.isfinite(least):
        return least
    numbers = array[np.isfinite(array)]
    return float(numbers.min()) if numbers.size else 0.0
