"""The grid that a stack of slices makes: found from headers alone, before any reader sees a pixel.

Checked here and not left to a library, because readers stack slices with gaps, repeats or a slanted
stack into a wrong volume without saying so.
"""

import math
from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.io.dicom.slices import SliceHeader

POSITION_TOLERANCE_MM = 0.1
ORIENTATION_TOLERANCE = 1e-3
# 0.1 degree: a third of a millimetre at the corners of a head. Slices that far apart in orientation
# are one image only where they make one stack.
TURN_TOLERANCE = 2e-3
# Interpolating across more than this would invent anatomy.
MAX_MISSING_TOGETHER = 3
MAX_MISSING_SHARE = 0.15
# A step that so many slices keep is the scanner's; what lies between was measured besides.
_USUAL_SHARE = 2 / 3
MAX_SLANT_DEG = 35.0
# What lies beyond is a damaged header: no scanner is larger, no voxel smaller or wider.
_FARTHEST_MM = 10_000.0
_SPACING_RANGE_MM = (0.01, 100.0)
_LONGEST_MM = 600.0
# 2048 slices of 512 × 512; more is a damaged header.
MAX_VOXELS = 2**29


class UnusableStack(ValueError):
    """The slices do not make one volume; the message says why, in plain words."""


@dataclass(frozen=True, slots=True, eq=False)
class SliceStack:
    """Slices in order along their normal, and the regular grid to put them on.

    Parameters
    ----------
    slices
        In order along the normal.
    geometry
        Regular grid; its k axis is the slice normal.
    depth_voxels
        (n,) where each slice truly lies along k, in voxels of `geometry`; 0, 1, 2 … for a regular
        stack.
    shift_voxels
        (n, 2) how far each slice lies off the grid's origin along j and i, in voxels; zero unless
        the stack is slanted. The grid then holds all slices whole, to half a voxel.
    problems
        One plain sentence for each thing that will be repaired.
    """

    slices: tuple[SliceHeader, ...]
    geometry: Geometry
    depth_voxels: NDArray[np.float64]
    shift_voxels: NDArray[np.float64]
    problems: tuple[str, ...] = ()

    @property
    def is_regular(self) -> bool:
        """Whether slice n is simply plane n of the grid."""
        count = len(self.slices)
        return (
            self.geometry.shape_kji[0] == count
            and bool(np.array_equal(self.depth_voxels, np.arange(count)))
            and not self.shift_voxels.any()
        )


def stack_slices(slices: Items[SliceHeader], frame_of_reference_uid: str = "") -> SliceStack:
    """Sort slices along their normal and find the grid they make.

    Parameters
    ----------
    slices
        Slices of one image: same matrix, same orientation within `TURN_TOLERANCE`.

    Raises
    ------
    UnusableStack
        If there are fewer than two slices, slices that overlie each other, gaps too wide to
        bridge, or a stack too slanted to straighten.
    """
    problems: list[str] = []
    placed = [s for s in slices if s.position_lps_mm is not None and s.orientation is not None]
    if not placed:
        raise UnusableStack("the headers do not say where the slices lie")
    lost = len(slices) - len(placed)
    if lost:
        problems.append(f"{_count(lost, 'slice')} without a position left out.")
    spacing = placed[0].pixel_spacing_mm
    if spacing is None or not is_possible_spacing(spacing):
        raise UnusableStack("the headers do not give the pixel spacing")
    if min(placed[0].rows, placed[0].columns) < 1:
        raise UnusableStack("the headers do not give the size of the images")
    if len(placed) < 2:
        raise UnusableStack("it has only one slice")

    row, column, normal = _axes(np.array([s.orientation for s in placed]))
    positions = np.array([s.position_lps_mm for s in placed])
    if np.abs(positions).max() > _FARTHEST_MM:
        raise UnusableStack("the headers place its slices where no scanner reaches")
    order = np.argsort(positions @ normal, kind="stable")
    positions = positions[order]
    depth_mm = (positions - positions[0]) @ normal
    step_mm, depth_voxels = _regular_depth(depth_mm, problems)
    slant = _slant_voxels(positions, depth_mm, (row, column), spacing, problems)

    # By whole voxels, so that slices that are hardly shifted still lie on the grid.
    first, last = nearest_voxel(slant.min(axis=0)), nearest_voxel(slant.max(axis=0))
    rows, columns = (int(n) for n in np.array([placed[0].rows, placed[0].columns]) + last - first)

    affine = np.eye(4)
    affine[:3, 0] = row * spacing[1]
    affine[:3, 1] = column * spacing[0]
    affine[:3, 2] = normal * step_mm
    affine[:3, 3] = positions[0] + affine[:3, 1] * first[0] + affine[:3, 0] * first[1]
    shape = (int(np.ceil(depth_voxels[-1] - 1e-6)) + 1, rows, columns)
    if math.prod(shape) > MAX_VOXELS:
        what = "×".join(map(str, shape[::-1]))
        raise UnusableStack(f"a volume of {what} voxels is more than a scanner makes")
    geometry = Geometry(shape, affine, frame_of_reference_uid)
    if why := why_too_long(geometry):
        raise UnusableStack(why)
    return SliceStack(
        slices=tuple(placed[n] for n in order),
        geometry=geometry,
        depth_voxels=depth_voxels,
        shift_voxels=slant - first,
        problems=tuple(problems),
    )


def is_possible_spacing(spacing_mm: tuple[float, ...]) -> bool:
    """Whether a scanner makes such voxels; what lies beyond is a damaged header."""
    least_mm, most_mm = _SPACING_RANGE_MM
    return least_mm <= min(spacing_mm) and max(spacing_mm) <= most_mm


def why_too_long(geometry: Geometry) -> str:
    """Return in words that a grid is longer than any image of a head; empty if it is not."""
    extent_mm = np.multiply(geometry.shape_kji, geometry.spacing_mm)[::-1]
    if extent_mm.max() <= _LONGEST_MM:
        return ""
    what = "×".join(f"{mm:.0f}" for mm in extent_mm)
    return f"an image of {what} mm is larger than any of a head"


def _axes(
    orientations: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Average jittered direction cosines into one orthonormal frame."""
    mean = orientations.mean(axis=0)
    row, column = mean[:3], mean[3:]
    lengths = (np.linalg.norm(row), np.linalg.norm(column))
    if not 0.9 < min(lengths) <= max(lengths) < 1.1:
        raise UnusableStack("the headers do not say how the slices are turned")
    row = row / np.linalg.norm(row)
    column = column / np.linalg.norm(column)
    if abs(row @ column) > 0.01:
        raise UnusableStack("rows and columns of the slices are not at right angles")
    # Share the remaining error between both axes, so that neither is preferred.
    correction = 0.5 * (row @ column)
    row, column = row - correction * column, column - correction * row
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    return row, column, np.cross(row, column)


def nearest_voxel(shift_voxels: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the whole voxels next to shifts; halves go up, wherever one counts from."""
    return np.floor(shift_voxels + 0.5).astype(np.int64)


def whole_steps(
    depth_mm: NDArray[np.float64], step_mm: float
) -> tuple[float, NDArray[np.float64]] | None:
    """Return at which whole steps sorted slices lie, or ``None`` if they lie between them.

    Parameters
    ----------
    depth_mm
        (n,) places along the normal, rising.
    step_mm
        About the step; headers round it.

    Returns
    -------
    (float, ndarray)
        The step that fits best, in mm, and (n,) whole steps from the first slice.
    """
    # Counted from slice to slice, since what is rounded away adds up over a stack.
    counts = np.round(np.diff(depth_mm) / step_mm)
    if counts.min() < 1:
        return None
    whole = np.concatenate([[0.0], np.cumsum(counts)])
    fitted_mm = float((depth_mm[-1] - depth_mm[0]) / whole[-1])
    off_mm = np.abs(depth_mm - depth_mm[0] - whole * fitted_mm).max()
    # Of a fine step, any place would be a multiple.
    allowed_mm = min(2 * POSITION_TOLERANCE_MM, fitted_mm / 10)
    return (fitted_mm, whole) if off_mm <= allowed_mm else None


def _regular_depth(
    depth_mm: NDArray[np.float64], problems: list[str]
) -> tuple[float, NDArray[np.float64]]:
    """Return the slice step and where each slice lies, in steps."""
    steps = np.diff(depth_mm)
    if steps.min() < POSITION_TOLERANCE_MM:
        raise UnusableStack(
            "several slices lie in the same place, and the headers do not tell which belong "
            "together"
        )
    regular = np.arange(len(depth_mm), dtype=np.float64)
    # Rounding in each header must not add up: judge against the mean step first.
    mean_step = float(depth_mm[-1] / (len(depth_mm) - 1))
    if np.abs(depth_mm - regular * mean_step).max() <= POSITION_TOLERANCE_MM:
        return mean_step, regular

    step = float(np.median(steps))
    usual = np.mean(np.abs(steps - step) <= POSITION_TOLERANCE_MM) >= _USUAL_SHARE
    # A few slices between the others do not make these the half of a finer stack.
    found = whole_steps(depth_mm, step if usual else float(steps.min()))
    if found is not None:
        if found[1][-1] > regular[-1]:
            problems.append(_bridged(found[1]))
        return found

    if steps.max() > (MAX_MISSING_TOGETHER + 1) * step:
        raise UnusableStack(
            f"the distance between slices jumps from {step:.1f} to {steps.max():.1f} mm"
        )
    problems.append(
        f"Slices are not evenly spaced ({steps.min():.2f} to {steps.max():.2f} mm); resampled "
        f"from their true positions to every {step:.2f} mm."
    )
    return step, depth_mm / step


def _bridged(whole: NDArray[np.float64]) -> str:
    """Return what is told of slices that are missing, if they are few enough."""
    gaps = np.diff(whole).astype(int) - 1
    missing, together = int(gaps.sum()), int(gaps.max())
    if together > MAX_MISSING_TOGETHER or missing > max(1, MAX_MISSING_SHARE * len(whole)):
        what = f"{missing} of {int(whole[-1]) + 1} slices missing"
        if together > 1:
            what = f"{_count(missing, 'slice')} missing, {together} of them together"
        raise UnusableStack(f"{what}: too many to bridge")
    return f"{_count(missing, 'slice')} missing; filled in between the neighbouring slices."


def _slant_voxels(
    positions: NDArray[np.float64],
    depth_mm: NDArray[np.float64],
    row_and_column: tuple[NDArray[np.float64], NDArray[np.float64]],
    spacing: tuple[float, float],
    problems: list[str],
) -> NDArray[np.float64]:
    """Return how far each slice is shifted against the first in its plane, in voxels along j, i."""
    row, column = row_and_column
    offset = positions - positions[0]
    shift_mm = np.stack([offset @ column, offset @ row], axis=1)
    if np.abs(shift_mm).max() <= POSITION_TOLERANCE_MM * 2:
        return np.zeros_like(shift_mm)
    slope = shift_mm[-1] / depth_mm[-1]
    slant_deg = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    if np.abs(shift_mm - depth_mm[:, None] * slope).max() > 5.0:
        raise UnusableStack("the slices are shifted against each other irregularly")
    if slant_deg > MAX_SLANT_DEG:
        raise UnusableStack(f"the stack is slanted by {slant_deg:.0f}°")
    problems.append(f"The stack is slanted by {slant_deg:.1f}°; straightened on loading.")
    shift_voxels: NDArray[np.float64] = shift_mm / np.array(spacing)
    return shift_voxels


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
