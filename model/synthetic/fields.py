"""Smooth random fields and distances to simple bodies: the clay the phantom is made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]
Points = tuple[FloatArray, FloatArray, FloatArray]
"""Coordinates x (left), y (posterior), z (superior) in millimetres, of one shape."""
Point = tuple[float, float, float]

_LATTICE_START_MM = -140.0
_LATTICE_LENGTH_MM = 280.0
_LATTICE_BLUR = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A regular grid along the axes of the head.

    Parameters
    ----------
    shape_kji
        Voxels along k (to the top), j (to the back) and i (to the left).
    origin_lps_mm
        Centre of voxel (0, 0, 0).
    spacing_mm
        Distance between voxel centres, the same along the three axes.
    """

    shape_kji: tuple[int, int, int]
    origin_lps_mm: Point
    spacing_mm: float

    def __post_init__(self) -> None:
        if min(self.shape_kji) < 2 or not self.spacing_mm > 0:
            raise ValueError("a box needs two voxels along each axis and a positive spacing")

    @classmethod
    def covering(cls, lower_lps_mm: Point, upper_lps_mm: Point, spacing_mm: float) -> "Box":
        """Return the grid that reaches from one corner at least to the other.

        Its sides are odd numbers, so that every second voxel makes a grid of its own.
        """
        nx, ny, nz = (
            2 * int(np.ceil((high - low) / (2 * spacing_mm))) + 1
            for low, high in zip(lower_lps_mm, upper_lps_mm, strict=True)
        )
        return cls((nz, ny, nx), lower_lps_mm, spacing_mm)

    def every_second(self) -> "Box":
        """Return the grid of every second voxel along each axis."""
        nz, ny, nx = self.shape_kji
        shape = ((nz + 1) // 2, (ny + 1) // 2, (nx + 1) // 2)
        return Box(shape, self.origin_lps_mm, 2 * self.spacing_mm)

    def axes_mm(self) -> Points:
        """Coordinates along x, y and z, shaped to broadcast to (k, j, i)."""
        x, y, z = (
            (start + self.spacing_mm * np.arange(count)).astype(np.float32)
            for start, count in zip(self.origin_lps_mm, reversed(self.shape_kji), strict=True)
        )
        return x[None, None, :], y[None, :, None], z[:, None, None]


def refine(coarse_kji: FloatArray) -> FloatArray:
    """Double the sampling of a field by linear interpolation; n voxels become 2 n - 1."""
    field = coarse_kji
    for axis in range(3):
        shape = list(field.shape)
        shape[axis] = 2 * shape[axis] - 1
        finer = np.empty(shape, dtype=np.float32)
        old, new = np.moveaxis(field, axis, 0), np.moveaxis(finer, axis, 0)
        new[::2] = old
        np.add(old[1:], old[:-1], out=new[1::2])
        new[1::2] *= np.float32(0.5)
        field = finer
    return field


def _spline_along(
    lattice: FloatArray, positions: NDArray[np.floating[Any]], axis: int
) -> FloatArray:
    """Evaluate a lattice along one axis as a cubic B-spline, whose four pieces weigh four nodes."""
    base = np.floor(positions).astype(int)
    t = (positions - base).astype(np.float32)
    pieces = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    shape = [-1 if a == axis else 1 for a in range(3)]
    nodes = [np.clip(base + offset, 0, lattice.shape[axis] - 1) for offset in (-1, 0, 1, 2)]
    parts = [
        np.take(lattice, node, axis=axis) * piece.reshape(shape)
        for node, piece in zip(nodes, pieces, strict=True)
    ]
    total: FloatArray = parts[0] + parts[1] + parts[2] + parts[3]
    return total


def smooth_noise(rng: np.random.Generator, box: Box, scale_mm: float) -> FloatArray:
    """Return Gaussian noise of about unit variance whose features are about ``scale_mm`` wide.

    The random lattice is laid out in millimetres from a fixed corner, so that the same generator
    gives the same field whatever the spacing of the grid.

    Parameters
    ----------
    rng
        Source of randomness; one lattice is drawn from it.
    box
        Where to evaluate the field; within 140 mm of the origin.
    scale_mm
        Distance between the nodes of the lattice.

    Returns
    -------
    array_kji
        float32, of the box's shape.
    """
    count = int(np.ceil(_LATTICE_LENGTH_MM / scale_mm)) + 3
    lattice = rng.standard_normal((count, count, count), dtype=np.float32)
    lattice = ndimage.gaussian_filter(lattice, _LATTICE_BLUR, mode="wrap")
    # A B-spline lowers the variance once more; 1.6 brings both losses back to about one.
    lattice *= np.float32(1.6 / lattice.std())
    axes = zip((2, 1, 0), box.origin_lps_mm, reversed(box.shape_kji), strict=True)
    for axis, start, size in sorted(axes):
        places = (start - _LATTICE_START_MM + box.spacing_mm * np.arange(size)) / scale_mm + 1.0
        lattice = _spline_along(lattice, places, axis)
    return lattice


def mirrored(points: Points) -> Points:
    """Points with both sides folded onto the left."""
    x, y, z = points
    return np.abs(x), y, z


def ellipsoid(points: Points, centre_mm: Point, radii_mm: Point) -> FloatArray:
    """Signed distance to an ellipsoid in millimetres, negative inside, exact on its surface.

    First order: the implicit function divided by the length of its gradient.
    """
    squares = [
        ((axis - np.float32(centre)) * np.float32(1 / radius)) ** 2
        for axis, centre, radius in zip(points, centre_mm, radii_mm, strict=True)
    ]
    level = squares[0] + squares[1] + squares[2] + np.float32(1e-6)
    a, b, c = (np.float32(radius**-2) for radius in radii_mm)
    steepness = np.sqrt(squares[0] * a + squares[1] * b + squares[2] * c + np.float32(1e-9))
    distance: FloatArray = (level - np.sqrt(level)) / steepness
    return distance


def capsule(
    points: Points, ends_mm: tuple[Point, Point], radii_mm: tuple[float, float]
) -> FloatArray:
    """Signed distance to a rod with round ends whose radius changes along its length."""
    start, stop = (np.asarray(end, dtype=np.float32) for end in ends_mm)
    way = stop - start
    gaps = [axis - s for axis, s in zip(points, start, strict=True)]
    along = sum((g * (w / np.dot(way, way)) for g, w in zip(gaps, way, strict=True)), np.float32(0))
    along = np.clip(along, 0, 1)
    gap = np.sqrt(
        sum(((g - along * w) ** 2 for g, w in zip(gaps, way, strict=True)), np.float32(0))
    )
    first, last = radii_mm
    distance: FloatArray = gap - (np.float32(first) + np.float32(last - first) * along)
    return distance


def smooth_minimum(a: FloatArray, b: FloatArray, blend_mm: float) -> FloatArray:
    """Union of two distances whose seam is rounded over ``blend_mm``."""
    h = np.clip(np.float32(0.5) + (b - a) * np.float32(0.5 / blend_mm), 0, 1)
    union: FloatArray = b + h * ((a - b) - np.float32(blend_mm) * (1 - h))
    return union


def smooth_maximum(a: FloatArray, b: FloatArray, blend_mm: float) -> FloatArray:
    """Intersection of two distances whose seam is rounded over ``blend_mm``."""
    return -smooth_minimum(-a, -b, blend_mm)


def slope(field: FloatArray, spacing_mm: float) -> FloatArray:
    """Length of the gradient of a field, per millimetre."""
    total = np.full_like(field, 1e-6)
    for axis in range(3):
        total += np.gradient(field, np.float32(spacing_mm), axis=axis) ** 2
    length: FloatArray = np.sqrt(total)
    return length
