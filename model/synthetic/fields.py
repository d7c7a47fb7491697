"""Smooth random fields and distances to simple bodies: the clay the phantom is made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]


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
    origin_lps_mm: tuple[float, float, float]
    spacing_mm: float

    def __post_init__(self) -> None:
        if min(self.shape_kji) < 2 or not self.spacing_mm > 0:
            raise ValueError("a box needs two voxels along each axis and a positive spacing")

    @classmethod
    def covering(
        cls,
        lower_lps_mm: tuple[float, float, float],
        upper_lps_mm: tuple[float, float, float],
        spacing_mm: float,
    ) -> "Box":
        """Return the grid that reaches from one corner at least to the other."""
        nx, ny, nz = (
            int(np.ceil((high - low) / spacing_mm)) + 1
            for low, high in zip(lower_lps_mm, upper_lps_mm, strict=True)
        )
        return cls((nz, ny, nx), lower_lps_mm, spacing_mm)

    def axes_mm(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Coordinates along x (left), y (posterior), z (superior), shaped to broadcast to kji."""
        x, y, z = (
            (start + self.spacing_mm * np.arange(count)).astype(np.float32)
            for start, count in zip(self.origin_lps_mm, reversed(self.shape_kji), strict=True)
        )
        return x[None, None, :], y[None, :, None], z[:, None, None]


def _spline_weights(positions: NDArray[np.float64], count: int) -> FloatArray:
    """Return the matrix of cubic B-spline weights of lattice nodes at the positions."""
    weights = np.zeros((positions.size, count), dtype=np.float32)
    base = np.floor(positions).astype(int)
    t = positions - base
    pieces = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    rows = np.arange(positions.size)
    for offset, piece in enumerate(pieces):
        np.add.at(weights, (rows, np.clip(base - 1 + offset, 0, count - 1)), piece)
    return weights


def smooth_noise(rng: np.random.Generator, box: Box, scale_mm: float) -> FloatArray:
    """Return Gaussian noise of unit variance whose features are about ``scale_mm`` wide.

    The random lattice is laid out in millimetres from a fixed corner, so that the same generator
    gives the same field whatever the spacing of the grid.

    Parameters
    ----------
    rng
        Source of randomness; one lattice is drawn from it.
    box
        Where to evaluate the field.
    scale_mm
        Distance between the nodes of the lattice.

    Returns
    -------
    array_kji
        float32, of the box's shape.
    """
    start = -130.0
    count = int(np.ceil(260.0 / scale_mm)) + 4
    field = rng.standard_normal((count, count, count), dtype=np.float32)
    field = ndimage.gaussian_filter(field, 0.6, mode="wrap")
    field /= field.std()
    for axis, (origin, size) in enumerate(
        zip(reversed(box.origin_lps_mm), box.shape_kji, strict=True)
    ):
        positions = (origin + box.spacing_mm * np.arange(size) - start) / scale_mm + 1
        weights = _spline_weights(np.asarray(positions, dtype=np.float64), count)
        field = np.moveaxis(np.tensordot(weights, field, axes=(1, axis)), 0, axis)
    field /= field.std()
    return np.ascontiguousarray(field, dtype=np.float32)


def ellipsoid(
    x: FloatArray,
    y: FloatArray,
    z: FloatArray,
    centre_mm: tuple[float, float, float],
    radii_mm: tuple[float, float, float],
) -> FloatArray:
    """Signed distance to an ellipsoid in millimetres, negative inside, exact on its surface.

    First order: the implicit function divided by the length of its gradient.
    """
    u, v, w = (
        (axis - np.float32(c)) / np.float32(r)
        for axis, c, r in zip((x, y, z), centre_mm, radii_mm, strict=True)
    )
    level = np.sqrt(u * u + v * v + w * w) + np.float32(1e-6)
    a, b, c = (np.float32(1.0 / r) for r in radii_mm)
    slope = np.sqrt((u * a) ** 2 + (v * b) ** 2 + (w * c) ** 2) + np.float32(1e-6)
    distance: FloatArray = level * (level - 1) / slope
    return distance


def capsule(
    x: FloatArray,
    y: FloatArray,
    z: FloatArray,
    ends_mm: tuple[tuple[float, float, float], tuple[float, float, float]],
    radii_mm: tuple[float, float],
) -> FloatArray:
    """Signed distance to a rod with round ends whose radius changes along its length."""
    start, stop = (np.asarray(end, dtype=np.float32) for end in ends_mm)
    way = stop - start
    dx, dy, dz = x - start[0], y - start[1], z - start[2]
    along = np.clip((dx * way[0] + dy * way[1] + dz * way[2]) / np.dot(way, way), 0, 1)
    gap = np.sqrt(
        (dx - along * way[0]) ** 2 + (dy - along * way[1]) ** 2 + (dz - along * way[2]) ** 2
    )
    first, last = radii_mm
    distance: FloatArray = gap - (np.float32(first) + np.float32(last - first) * along)
    return distance


def smooth_minimum(a: FloatArray, b: FloatArray, blend_mm: float) -> FloatArray:
    """Union of two distances whose seam is rounded over ``blend_mm``."""
    h = np.clip(0.5 + 0.5 * (b - a) / np.float32(blend_mm), 0, 1)
    union: FloatArray = b + (a - b) * h - np.float32(blend_mm) * h * (1 - h)
    return union


def smooth_maximum(a: FloatArray, b: FloatArray, blend_mm: float) -> FloatArray:
    """Intersection of two distances whose seam is rounded over ``blend_mm``."""
    return -smooth_minimum(-a, -b, blend_mm)


def level_distance(field: FloatArray, spacing_mm: float) -> FloatArray:
    """Distance in millimetres to the surface where a smooth field vanishes (first order)."""
    slope = np.zeros_like(field)
    for axis in range(3):
        slope += np.gradient(field, spacing_mm, axis=axis) ** 2
    distance: FloatArray = np.abs(field) / np.sqrt(slope + np.float32(1e-6))
    return distance
