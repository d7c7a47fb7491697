"""Which voxels a stroke of the brush, an outline or a click means.

Pure geometry on one grid. Distances are in millimetres, so a brush is round on anisotropic voxels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.geometry import Geometry
from desktop_app.imaging.morphology import Mask
from model.cropping import Box


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Some voxels of a grid: those marked inside a box.

    Parameters
    ----------
    start_kji
        First voxel of the box.
    mask_kji
        (k, j, i) the box; true where a voxel is meant.
    """

    start_kji: tuple[int, int, int]
    mask_kji: Mask

    @property
    def box(self) -> Box:
        """The box as slices of the grid."""
        k, j, i = (
            slice(start, start + count)
            for start, count in zip(self.start_kji, self.mask_kji.shape, strict=True)
        )
        return k, j, i

    def within(self, alike_kji: Mask) -> "Patch":
        """Return the part that is marked in another mask of the same box too."""
        return replace(self, mask_kji=self.mask_kji & alike_kji)


def brush_patch(
    geometry: Geometry,
    from_kji: NDArray[np.float64],
    to_kji: NDArray[np.float64],
    radius_mm: float,
    flat_axis: int | None = None,
) -> Patch | None:
    """Return what a round brush covers on its way from one place to another.

    Parameters
    ----------
    from_kji, to_kji
        (3,) fractional voxel indices; the same for a dab.
    radius_mm
        A voxel is covered if its centre is no farther from the way. The nearest voxel of every
        point of the way always is: a brush thinner than the slices leaves no dashes.
    flat_axis
        Axis (0 = k, 1 = j, 2 = i) the brush does not reach along: only the slice of `to_kji` is
        covered. ``None`` for a ball.

    Returns
    -------
    Patch or None
        ``None`` where nothing of it is on the grid.
    """
    spacing_mm = np.array(geometry.spacing_mm)
    start, end = np.asarray(from_kji, np.float64).copy(), np.asarray(to_kji, np.float64).copy()
    if flat_axis is not None:
        start[flat_axis] = end[flat_axis] = np.rint(end[flat_axis])
    reach = radius_mm / spacing_mm
    if flat_axis is not None:
        reach[flat_axis] = 0.0
    under = _under_way(start, end)
    low = np.minimum(np.ceil(np.minimum(start, end) - reach), under.min(axis=0)).astype(int)
    high = np.maximum(np.floor(np.maximum(start, end) + reach), under.max(axis=0)).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, geometry.shape_kji)
    if (low >= high).any():
        return None
    axes = np.meshgrid(
        *(np.arange(a, b) * mm for a, b, mm in zip(low, high, spacing_mm, strict=True)),
        indexing="ij",
        sparse=True,
    )
    mask = _near_way(axes, start * spacing_mm, end * spacing_mm, radius_mm)
    mask[tuple((under[((under >= low) & (under < high)).all(axis=1)] - low).T)] = True
    return Patch(_triple(low), mask) if mask.any() else None


def outline_patch(
    geometry: Geometry, points_kji: Sequence[NDArray[np.float64]], flat_axis: int
) -> Patch | None:
    """Return the voxels of one slice whose centres an outline encloses.

    Parameters
    ----------
    points_kji
        (3,) fractional voxel indices; the outline closes itself.
    flat_axis
        Axis through the slice, which is that of the last point.

    Returns
    -------
    Patch or None
        ``None`` where the outline encloses no voxel.
    """
    points = np.array(points_kji, np.float64).reshape(-1, 3)
    if len(points) < 3:
        return None
    level = int(np.rint(points[-1, flat_axis]))
    if not 0 <= level < geometry.shape_kji[flat_axis]:
        return None
    across = [axis for axis in range(3) if axis != flat_axis]
    shape = np.array(geometry.shape_kji)[across]
    corners = points[:, across]
    low = np.maximum(np.ceil(corners.min(axis=0)), 0).astype(int)
    high = np.minimum(np.floor(corners.max(axis=0)) + 1, shape).astype(int)
    if (low >= high).any():
        return None
    flat = _enclosed(corners, np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    if not flat.any():
        return None
    return Patch(_triple(np.insert(low, flat_axis, level)), np.expand_dims(flat, flat_axis))


def part_patch(wanted_kji: Mask, index_kji: tuple[int, int, int]) -> Patch | None:
    """Return the face-connected part of a mask that holds a voxel.

    Returns
    -------
    Patch or None
        ``None`` where the voxel is not in the mask.
    """
    if not wanted_kji[index_kji]:
        return None
    (whole,) = ndimage.find_objects(wanted_kji.astype(np.uint8))
    parts, _ = ndimage.label(wanted_kji[whole])
    inside = tuple(at - one.start for at, one in zip(index_kji, whole, strict=True))
    number = int(parts[inside])
    box = ndimage.find_objects(parts, number)[number - 1]
    start = [outer.start + inner.start for outer, inner in zip(whole, box, strict=True)]
    return Patch(_triple(start), parts[box] == number)


def _under_way(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return (n, 3) the voxels nearest to the points of a straight way, in order."""
    steps = 2 * int(np.ceil(np.abs(end - start).max())) + 1  # half a voxel apart at most
    under: NDArray[np.int_] = np.rint(np.linspace(start, end, steps)).astype(int)
    return under


def connected_patch(patch: Patch, seeds: Sequence[Patch]) -> Patch:
    """Return what hangs together by faces, within a patch, with what is marked in others too."""
    parts, _ = ndimage.label(patch.mask_kji)
    held = np.zeros(parts.max(initial=0) + 1, np.bool_)
    for seed in seeds:
        held[parts[_seen_from(patch, seed)]] = True
    held[0] = False
    return patch.within(held[parts])


def _seen_from(patch: Patch, other: Patch) -> Mask:
    """Return the mask of another patch on the box of a patch."""
    seen = np.zeros(patch.mask_kji.shape, np.bool_)
    both = [
        (max(one.start, two.start), min(one.stop, two.stop))
        for one, two in zip(patch.box, other.box, strict=True)
    ]
    if all(first < last for first, last in both):
        here, there = (
            tuple(
                slice(first - start, last - start)
                for (first, last), start in zip(both, one.start_kji, strict=True)
            )
            for one in (patch, other)
        )
        seen[here] = other.mask_kji[there]
    return seen


def _near_way(
    axes_mm: Sequence[NDArray[np.float64]],
    start_mm: NDArray[np.float64],
    end_mm: NDArray[np.float64],
    radius_mm: float,
) -> Mask:
    """Mark the points of a grid (its open axes) within a radius of a straight way."""
    way = end_mm - start_mm
    length2 = float(way @ way)
    offsets = [axis - at for axis, at in zip(axes_mm, start_mm, strict=True)]
    along = sum(offset * step for offset, step in zip(offsets, way, strict=True))
    share = np.clip(along / length2, 0.0, 1.0) if length2 > 0 else 0.0
    distance2 = sum((offset - share * step) ** 2 for offset, step in zip(offsets, way, strict=True))
    near: Mask = np.asarray(distance2 <= radius_mm**2)
    return near


def _enclosed(
    corners: NDArray[np.float64], rows: NDArray[np.int_], columns: NDArray[np.int_]
) -> Mask:
    """Mark the points of a grid that a closed outline encloses an odd number of times.

    Parameters
    ----------
    corners
        (n, 2) row and column of each.
    """
    inside = np.zeros((len(rows), len(columns)), np.bool_)
    for (row, column), (next_row, next_column) in zip(
        corners, np.roll(corners, -1, axis=0), strict=True
    ):
        crossed = (row > rows) != (next_row > rows)
        if crossed.any():
            slope = (next_column - column) / (next_row - row)
            crossing = column + (rows[crossed] - row) * slope
            inside[crossed] ^= columns < crossing[:, None]
    return inside


def _triple(values: Sequence[int] | NDArray[np.int_]) -> tuple[int, int, int]:
    k, j, i = (int(value) for value in values)
    return k, j, i
