"""The same voxels with their axes in another order: nothing is interpolated."""

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry


def turned(
    array_kji: NDArray[np.uint8], geometry: Geometry, directions_lps: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], Geometry]:
    """Reorder and flip axes until they run along others as nearly as may be.

    Programs differ in the order in which they write the axes of one image.

    Parameters
    ----------
    directions_lps
        3 × 3; columns are the unit vectors that the i, j and k axes are to run along.

    Returns
    -------
    tuple
        The voxels and their grid, which puts each of them where it was.
    """
    likeness = directions_lps.T @ geometry.direction_lps
    order = max(
        permutations(range(3)),
        key=lambda own: sum(abs(likeness[axis, one]) for axis, one in enumerate(own)),
    )
    signs = np.where(likeness[range(3), order] < 0, -1, 1)
    shape_ijk = geometry.shape_kji[::-1]
    affine = geometry.affine_lps_mm.copy()
    affine[:3, :3] = geometry.affine_lps_mm[:3, order] * signs
    for one, sign in zip(order, signs, strict=True):
        if sign < 0:
            affine[:3, 3] += geometry.affine_lps_mm[:3, one] * (shape_ijk[one] - 1)
    steps = tuple(slice(None, None, int(sign)) for sign in signs)
    turned_kji = array_kji.T.transpose(order)[steps].T
    k, j, i = turned_kji.shape
    return turned_kji, Geometry((k, j, i), affine, geometry.frame_of_reference_uid)
