"""Arrays to VTK and back, without copying where the type allows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkDataArray
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4

# Types that vtkImageReslice interpolates at full speed; others become float32.
_DIRECT_TYPES = frozenset(["u1", "i1", "u2", "i2", "f4"])


def to_vtk_image(array_kji: NDArray[Any]) -> vtkImageData:
    """Wrap a (k, j, i) array as an image in index space (spacing 1, origin 0).

    The image shares the array's memory where the type is one VTK resamples directly.
    """
    array = np.ascontiguousarray(array_kji)
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    elif array.dtype.str.lstrip("<|=") not in _DIRECT_TYPES:
        array = array.astype(np.float32)
    image = vtkImageData()
    image.SetDimensions(*array.shape[::-1])
    image.GetPointData().SetScalars(to_vtk_array(array.reshape(-1), copy=False))
    return image


def to_vtk_array(array: NDArray[Any], *, copy: bool) -> vtkDataArray:
    """Copy or share an array of one or two dimensions; a shared one is kept alive."""
    result: vtkDataArray = numpy_to_vtk(array, deep=int(copy))  # type: ignore[no-untyped-call]
    return result


def to_numpy(array: vtkDataArray) -> NDArray[Any]:
    """View a VTK array as numpy; the array must outlive the view."""
    view: NDArray[Any] = vtk_to_numpy(array)  # type: ignore[no-untyped-call]
    return view


def to_vtk_matrix(matrix: NDArray[np.float64]) -> vtkMatrix4x4:
    """Copy a 4 × 4 matrix."""
    result = vtkMatrix4x4()
    result.DeepCopy(matrix.ravel().tolist())
    return result
