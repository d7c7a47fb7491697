"""The lesions of a head told apart in space, each measured by itself.

A lesion is a connected part, over faces, edges and corners, of what is marked together with what
that encloses in its slices as in `imaging.diameters`: a rim with gaps around its necrosis is one
lesion.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.measurement import reaches
from desktop_app.domain.stopping import Check
from desktop_app.imaging.diameters import (
    InPlaneDiameters,
    longest_diameters,
    with_enclosed,
)
from desktop_app.imaging.lesion_outline import Mask, Points, filled_in_slices
from model.cropping import Box, occupied_box

_BY_CORNERS = ndimage.generate_binary_structure(3, 3)
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Which lesions are measured: large ones, and such as may be measurable.

    Parameters
    ----------
    voxels
        What a large one has at least.
    length_mm
        What both diameters of a measurable one reach.
    """

    voxels: float
    length_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class LesionFound:
    """How many voxels of a lesion are marked, and its diameters; ``None`` of the known one."""

    voxels: int
    lines: InPlaneDiameters | None


def lesions_apart(
    lesion_kji: Mask,
    through_kji: Mask,
    spacing_mm: tuple[float, float, float],
    *,
    axis: int,
    limits: Limits,
    known_kji: Points,
    check: Check,
) -> Iterator[LesionFound]:
    """Tell lesions apart and measure each, the largest first.

    Parameters
    ----------
    lesion_kji, through_kji, spacing_mm, axis, check
        As of `longest_diameters`.
    known_kji
        (3,) an end of a diameter that is known: its lesion is found, but not measured again.
    """
    box = occupied_box(lesion_kji)
    if box is None:
        return
    lesion = lesion_kji[box]
    first = np.array([one.start for one in box])
    numbers = _numbered(lesion, through_kji[box], spacing_mm, axis)
    known = _number_at(numbers, known_kji - first)
    for number, voxels, place in _by_size(numbers, lesion):
        check()
        if number == known:
            yield LesionFound(voxels, None)
        elif voxels >= limits.voxels or _may_be(place, spacing_mm, axis, limits.length_mm):
            here = numbers[place] == number
            lines = longest_diameters(
                lesion[place] & here,
                spacing_mm,
                axis=axis,
                through_kji=here,
                least_mm=limits.length_mm,
                check=check,
            )
            if lines is not None:
                corner = first + [one.start for one in place]
                yield LesionFound(voxels, _moved(lines, corner, axis))


def _numbered(
    lesion: Mask, through: Mask, spacing_mm: tuple[float, float, float], axis: int
) -> NDArray[np.int32]:
    in_plane_mm = np.delete(np.asarray(spacing_mm, np.float64), axis)
    slices_first = filled_in_slices(np.moveaxis(lesion, axis, 0))
    inside = with_enclosed(slices_first, np.moveaxis(through, axis, 0), in_plane_mm)
    numbers: NDArray[np.int32] = ndimage.label(inside, _BY_CORNERS)[0]
    return np.moveaxis(numbers, 0, axis)


def _by_size(numbers: NDArray[np.int32], lesion: Mask) -> Iterator[tuple[int, int, Box]]:
    """Yield number, marked voxels and box of each, the largest first."""
    boxes = ndimage.find_objects(numbers)
    voxels = np.bincount(numbers[lesion], minlength=len(boxes) + 1)
    for number in (np.argsort(-voxels[1:], kind="stable") + 1).tolist():
        if voxels[number]:
            yield number, int(voxels[number]), boxes[number - 1]


def _number_at(numbers: NDArray[np.int32], outline_kji: Points) -> int:
    """Return the lesion whose outline a point lies on, between a voxel of it and one outside."""
    beside = [
        {math.floor(index + _ROUNDING), math.ceil(index - _ROUNDING)} & set(range(size))
        for index, size in zip(outline_kji.tolist(), numbers.shape, strict=True)
    ]
    return max((int(numbers[place]) for place in product(*beside)), default=0)


def _may_be(box: Box, spacing_mm: tuple[float, float, float], axis: int, length_mm: float) -> bool:
    """Tell whether a measurable lesion fits; slanting lines need less room than upright ones."""
    sizes = [one.stop - one.start for one in box]
    sizes_mm = [size * mm for size, mm in zip(sizes, spacing_mm, strict=True)]
    del sizes_mm[axis]
    return sizes[axis] > 1 and reaches(min(sizes_mm) * math.sqrt(2), length_mm)


def _moved(lines: InPlaneDiameters, by_kji: NDArray[np.int64], axis: int) -> InPlaneDiameters:
    return replace(
        lines,
        slice_index=lines.slice_index + int(by_kji[axis]),
        long_ends_kji=lines.long_ends_kji + by_kji,
        short_ends_kji=lines.short_ends_kji + by_kji,
    )
