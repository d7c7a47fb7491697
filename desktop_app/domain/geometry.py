"""Where voxels lie in the patient: one convention, LPS, millimetres, arrays in k, j, i order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ORTHOGONALITY_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """The grid of a volume.

    Parameters
    ----------
    shape_kji
        Number of voxels along k (slices), j (rows) and i (columns).
    affine_lps_mm
        4 × 4; maps the homogeneous voxel index ``(i, j, k, 1)`` to patient coordinates
        ``(L, P, S, 1)`` in millimetres (DICOM PS3.3 C.7.6.2.1.1). Columns need not be axis-aligned
        but must be orthogonal.
    frame_of_reference_uid
        DICOM frame of reference; empty where the source has none (NIfTI).

    Raises
    ------
    ValueError
        If the shape is not three positive numbers, or the affine is not finite, invertible and
        orthogonal.
    """

    shape_kji: tuple[int, int, int]
    affine_lps_mm: NDArray[np.float64]
    frame_of_reference_uid: str = ""

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape_kji)
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(f"shape_kji must be three positive numbers, not {self.shape_kji}")
        affine = np.array(self.affine_lps_mm, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError("affine_lps_mm must be a finite 4 × 4 matrix")
        if not np.allclose(affine[3], (0, 0, 0, 1)):
            raise ValueError("the last row of affine_lps_mm must be 0, 0, 0, 1")
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        if lengths.min() <= 0:
            raise ValueError("affine_lps_mm has an axis of no length")
        axes = affine[:3, :3] / lengths
        if np.abs(axes.T @ axes - np.eye(3)).max() > _ORTHOGONALITY_TOLERANCE:
            raise ValueError("the axes of affine_lps_mm are not orthogonal")
        affine.setflags(write=False)
        object.__setattr__(self, "shape_kji", shape)
        object.__setattr__(self, "affine_lps_mm", affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along k, j and i, in millimetres."""
        di, dj, dk = np.linalg.norm(self.affine_lps_mm[:3, :3], axis=0)
        return float(dk), float(dj), float(di)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in cubic millimetres."""
        return float(abs(np.linalg.det(self.affine_lps_mm[:3, :3])))

    @property
    def direction_lps(self) -> NDArray[np.float64]:
        """3 × 3; columns are the unit vectors of the i, j and k axes in LPS."""
        rotation = self.affine_lps_mm[:3, :3]
        directions: NDArray[np.float64] = rotation / np.linalg.norm(rotation, axis=0)
        return directions

    @property
    def origin_lps_mm(self) -> tuple[float, float, float]:
        """Patient coordinates of the centre of voxel (0, 0, 0)."""
        left, posterior, superior = self.affine_lps_mm[:3, 3]
        return float(left), float(posterior), float(superior)

    def to_patient_mm(self, index_kji: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map voxel indices to patient coordinates.

        Parameters
        ----------
        index_kji
            (..., 3) voxel indices, fractions allowed.

        Returns
        -------
        ndarray
            (..., 3) L, P, S in millimetres.
        """
        index_ijk = np.asarray(index_kji, dtype=np.float64)[..., ::-1]
        points: NDArray[np.float64] = (
            index_ijk @ self.affine_lps_mm[:3, :3].T + self.affine_lps_mm[:3, 3]
        )
        return points

    def to_index_kji(self, point_lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map patient coordinates to (fractional) voxel indices, the inverse of `to_patient_mm`."""
        inverse = np.linalg.inv(self.affine_lps_mm)
        points = np.asarray(point_lps_mm, dtype=np.float64)
        index_ijk: NDArray[np.float64] = points @ inverse[:3, :3].T + inverse[:3, 3]
        return index_ijk[..., ::-1]

    def cropped(self, box_kji: tuple[slice, slice, slice]) -> "Geometry":
        """Return the grid of a box of voxels; each slice with a start and a stop."""
        starts = np.array([one.start for one in box_kji], np.float64)
        affine = self.affine_lps_mm.copy()
        affine[:3, 3] = self.to_patient_mm(starts)
        k, j, i = (one.stop - one.start for one in box_kji)
        return Geometry((k, j, i), affine, self.frame_of_reference_uid)

    def matches(self, other: "Geometry", tolerance_mm: float = 0.01) -> bool:
        """Whether both grids put every corner in the same place, within the tolerance."""
        if self.shape_kji != other.shape_kji:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape_kji])).reshape(3, -1).T
        distance = self.to_patient_mm(corners) - other.to_patient_mm(corners)
        return bool(np.linalg.norm(distance, axis=-1).max() <= tolerance_mm)
