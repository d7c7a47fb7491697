"""Volumes as SimpleITK images and back: the only place that knows both conventions."""

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume

# The machine is shared with the viewer and, in a batch, with other studies.
THREADS = 2


def to_image(volume: Volume) -> sitk.Image:
    """Return a float32 SimpleITK image that lies where the volume lies."""
    image = sitk.GetImageFromArray(np.asarray(volume.array_kji, dtype=np.float32))
    set_grid(image, volume.geometry)
    return image


def set_grid(image: sitk.Image, geometry: Geometry) -> None:
    """Give an image the origin, spacing and direction of a geometry (both are LPS, mm)."""
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetDirection(geometry.direction_lps.ravel().tolist())


def size_ijk(geometry: Geometry) -> tuple[int, int, int]:
    """Return the number of voxels in SimpleITK's order."""
    nk, nj, ni = geometry.shape_kji
    return ni, nj, nk


def isotropic_geometry(geometry: Geometry, spacing_mm: float) -> Geometry:
    """Return a grid of cubic voxels with the same axes that covers the same box.

    Parameters
    ----------
    geometry
        The grid to cover, voxel edges included.
    spacing_mm
        Edge of the new voxels.
    """
    old_spacing = np.array(geometry.spacing_mm)
    old_shape = np.array(geometry.shape_kji)
    shape = np.maximum(1, np.round(old_shape * old_spacing / spacing_mm).astype(int))
    centre_kji = (old_shape - 1) / 2
    centre_mm = geometry.to_patient_mm(centre_kji)
    affine = np.eye(4)
    affine[:3, :3] = geometry.direction_lps * spacing_mm
    affine[:3, 3] = centre_mm - affine[:3, :3] @ ((shape[::-1] - 1) / 2)
    nk, nj, ni = (int(n) for n in shape)
    return Geometry((nk, nj, ni), affine, geometry.frame_of_reference_uid)


def index_map(source: Geometry, target: Geometry) -> NDArray[np.float64]:
    """Return the 4 × 4 matrix from (i, j, k, 1) of `target` to (i, j, k, 1) of `source`."""
    return np.linalg.inv(source.affine_lps_mm) @ target.affine_lps_mm
