"""Put a volume on another grid."""

from dataclasses import replace
from enum import StrEnum

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.imaging.grids import THREADS, index_map, set_grid, size_ijk, to_image
from model.spec import WORK_SPACING_MM

_EXACT_TOLERANCE_VOXELS = 1e-3
# Standard deviation of a Gaussian in units of its full width at half maximum.
_SIGMA_PER_FWHM = 1 / (2 * np.sqrt(2 * np.log(2)))


class Interpolation(StrEnum):
    """How values between voxel centres are found."""

    LINEAR = "linear"
    NEAREST = "nearest"


_SITK_INTERPOLATOR = {
    Interpolation.LINEAR: sitk.sitkLinear,
    Interpolation.NEAREST: sitk.sitkNearestNeighbor,
}


def work_geometry(reference: Geometry) -> Geometry:
    """Return the grid the network works on.

    Parameters
    ----------
    reference
        Grid of the series that will carry the labels.

    Returns
    -------
    Geometry
        1 mm cubes over the same box; the reference's own axes, reordered and flipped so that
        k → S, j → P, i → L as nearly as may be. An axis whose voxels already are 1 mm keeps its
        voxel centres, so a reference that is 1 mm in LPS order comes back as it is.
    """
    axes = reference.direction_lps
    _, source_axis = linear_sum_assignment(-np.abs(axes))
    signs = np.sign(axes[np.arange(3), source_axis])
    old_spacing = np.array(reference.spacing_mm[::-1])[source_axis]
    old_count = np.array(reference.shape_kji[::-1])[source_axis]
    keep = np.abs(old_spacing - WORK_SPACING_MM) <= 1e-3
    count = np.where(keep, old_count, np.ceil(old_count * old_spacing / WORK_SPACING_MM - 1e-3))
    count = np.maximum(1, count.astype(int))
    spacing = np.where(keep, old_spacing, WORK_SPACING_MM)

    centre_mm = reference.to_patient_mm((np.array(reference.shape_kji) - 1) / 2)
    affine = np.eye(4)
    affine[:3, :3] = axes[:, source_axis] * signs * spacing
    affine[:3, 3] = centre_mm - affine[:3, :3] @ ((count - 1) / 2)
    ni, nj, nk = (int(n) for n in count)
    geometry = Geometry((nk, nj, ni), affine, reference.frame_of_reference_uid)
    return reference if geometry.matches(reference) else geometry


def resample(
    volume: Volume,
    geometry: Geometry,
    *,
    interpolation: str = Interpolation.LINEAR,
    outside: float = 0.0,
    antialias: bool = False,
) -> Volume:
    """Put a volume on another grid.

    Where both grids share their voxel centres (same axes, reordered, flipped, cropped or
    extended), values are copied and nothing is interpolated.

    Parameters
    ----------
    volume
        Any numeric or boolean values.
    geometry
        The grid wanted.
    interpolation
        ``"linear"`` or ``"nearest"``.
    outside
        Value where the volume has none.
    antialias
        Smooth first along axes where the new voxels are larger, so that fine detail does not turn
        into noise.

    Returns
    -------
    Volume
        Same type where values are copied or nearest; float32 where interpolated.
    """
    mode = Interpolation(interpolation)
    if volume.geometry.matches(geometry):
        return replace(volume, geometry=geometry)
    mapping = index_map(volume.geometry, geometry)
    copied = _copied(volume.array_kji, mapping, geometry.shape_kji, outside)
    if copied is not None:
        return replace(volume, array_kji=copied, geometry=geometry)
    if antialias and mode is Interpolation.LINEAR:
        volume = _smoothed(volume, mapping)
    array = _interpolated(volume, geometry, mode, outside)
    if mode is Interpolation.NEAREST:
        array = array.astype(volume.array_kji.dtype)
    return replace(volume, array_kji=array, geometry=geometry)


def _interpolated(
    volume: Volume, geometry: Geometry, mode: Interpolation, outside: float
) -> NDArray[np.float32]:
    resampler = sitk.ResampleImageFilter()
    resampler.SetNumberOfThreads(THREADS)
    resampler.SetInterpolator(_SITK_INTERPOLATOR[mode])
    resampler.SetDefaultPixelValue(outside)
    resampler.SetSize(size_ijk(geometry))
    frame = sitk.Image(1, 1, 1, sitk.sitkUInt8)
    set_grid(frame, geometry)
    resampler.SetOutputOrigin(frame.GetOrigin())
    resampler.SetOutputSpacing(frame.GetSpacing())
    resampler.SetOutputDirection(frame.GetDirection())
    reached = _reached(volume, geometry)
    if reached is None:
        return np.full(geometry.shape_kji, outside, np.float32)
    array: NDArray[np.float32] = sitk.GetArrayFromImage(resampler.Execute(to_image(reached)))
    return array


def _reached(volume: Volume, geometry: Geometry) -> Volume | None:
    """Return the part of a volume that lies in a grid, with a voxel to interpolate from."""
    ends = np.array([(0, count - 1) for count in geometry.shape_kji], np.float64)
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    at = volume.geometry.to_index_kji(geometry.to_patient_mm(corners))
    shape = np.array(volume.geometry.shape_kji)
    low = np.clip(np.floor(at.min(axis=0)) - 1, 0, shape).astype(int)
    high = np.clip(np.ceil(at.max(axis=0)) + 2, 0, shape).astype(int)
    if (low >= high).any():
        return None
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return replace(
        volume, array_kji=volume.array_kji[k, j, i], geometry=volume.geometry.cropped((k, j, i))
    )


def shares_voxels(source: Geometry, target: Geometry) -> bool:
    """Whether `resample` from one grid to the other copies values instead of interpolating."""
    return _whole_voxel_map(index_map(source, target), target.shape_kji) is not None


def _whole_voxel_map(
    mapping: NDArray[np.float64], shape_kji: tuple[int, int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return turn and offset if the mapping reorders, flips and shifts whole voxels, else None."""
    turn = np.round(mapping[:3, :3])
    offset = np.round(mapping[:3, 3])
    # Judged at the far corner, where an error in the axes has added up.
    reach = np.array(shape_kji[::-1], dtype=np.float64)
    error = np.abs(mapping[:3, :3] - turn) @ reach + np.abs(mapping[:3, 3] - offset)
    steps = np.abs(turn)
    is_permutation = (steps.sum(axis=0) == 1).all() and (steps.sum(axis=1) == 1).all()
    return (turn, offset) if is_permutation and error.max() <= _EXACT_TOLERANCE_VOXELS else None


def _copied(
    array_kji: NDArray[np.generic],
    mapping: NDArray[np.float64],
    shape_kji: tuple[int, int, int],
    outside: float,
) -> NDArray[np.generic] | None:
    """Copy values where only whole voxels are reordered, flipped and shifted, else ``None``."""
    whole = _whole_voxel_map(mapping, shape_kji)
    if whole is None:
        return None
    turn, offset = whole
    result = np.full(shape_kji, outside, dtype=array_kji.dtype)
    # Row a of `turn`: source axis a runs along target axis `along[a]`, forwards or backwards.
    along = np.argmax(np.abs(turn), axis=1)
    source_slices: list[slice] = [slice(0)] * 3
    target_slices: list[slice] = [slice(0)] * 3
    for axis in range(3):
        target_axis = int(along[axis])
        sign, start = int(turn[axis, target_axis]), int(offset[axis])
        count_source, count_target = array_kji.shape[2 - axis], shape_kji[2 - target_axis]
        target = np.arange(count_target)
        inside = (start + sign * target >= 0) & (start + sign * target < count_source)
        if not inside.any():
            return result
        first, last = int(target[inside][0]), int(target[inside][-1])
        target_slices[2 - target_axis] = slice(first, last + 1)
        ends = sorted((start + sign * first, start + sign * last))
        source_slices[2 - axis] = slice(ends[0], ends[1] + 1)
    part = array_kji[tuple(source_slices)]
    for axis in range(3):
        if turn[axis, along[axis]] < 0:
            part = np.flip(part, axis=2 - axis)
    # Axis order of the target, told in (k, j, i).
    order = [2 - int(np.argmax(np.abs(turn[:, 2 - axis]))) for axis in range(3)]
    result[tuple(target_slices)] = part.transpose(order)
    return result


def _smoothed(volume: Volume, mapping: NDArray[np.float64]) -> Volume:
    """Average along axes that will be sampled more coarsely, to the new voxels' width."""
    # Length of one target step in source voxels, along each source axis.
    step_kji = np.abs(mapping[:3, :3]).max(axis=1)[::-1]
    # Whole blocks first: far quicker than a wide filter, and less is left to interpolate.
    block_kji = np.maximum(1, np.floor(step_kji + 1e-6)).astype(int)
    step_kji = step_kji / block_kji
    volume = _averaged(volume, block_kji)
    sigma = _SIGMA_PER_FWHM * np.sqrt(np.maximum(step_kji**2 - 1, 0))
    if sigma.max() < 0.25:
        return volume
    array = np.asarray(volume.array_kji, dtype=np.float32)
    return replace(
        volume, array_kji=ndimage.gaussian_filter(array, sigma, mode="nearest", truncate=3.0)
    )


def _averaged(volume: Volume, block_kji: NDArray[np.int_]) -> Volume:
    """Average blocks of voxels; a block that the image fills only in part repeats its edge."""
    block = np.minimum(block_kji, volume.array_kji.shape)
    if block.max() == 1:
        return volume
    array: NDArray[np.floating] = np.asarray(volume.array_kji, dtype=np.float32)
    missing = -np.array(array.shape) % block
    array = np.pad(array, [(0, int(n)) for n in missing], mode="edge")
    for axis in range(3):
        if block[axis] > 1:
            strided = np.moveaxis(array, axis, 0)
            parts = [strided[n :: block[axis]] for n in range(block[axis])]
            array = np.moveaxis(sum(parts[1:], start=parts[0]) / len(parts), 0, axis)
    affine = volume.geometry.affine_lps_mm.copy()
    affine[:3, 3] += affine[:3, :3] @ ((block[::-1] - 1) / 2)
    affine[:3, :3] *= block[::-1]
    nk, nj, ni = array.shape
    geometry = Geometry((nk, nj, ni), affine, volume.geometry.frame_of_reference_uid)
    return replace(volume, array_kji=array.astype(np.float32, copy=False), geometry=geometry)
