"""Sampling a head as a scanner does: oblique grids, thick slices, movement, shading, noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from model.synthetic.fields import FloatArray
from model.synthetic.phantom import HeadPhantom

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where the voxels of a series lie in the scanner.

    Parameters
    ----------
    shape_kji
        Slices, rows, columns.
    affine_lps_mm
        4 × 4, maps (i, j, k, 1) to patient LPS millimetres.
    slice_thickness_mm
        Width of the slice profile; the distance between slices may be larger.
    """

    shape_kji: tuple[int, int, int]
    affine_lps_mm: Matrix
    slice_thickness_mm: float

    def __post_init__(self) -> None:
        if self.affine_lps_mm.shape != (4, 4) or min(self.shape_kji) < 1:
            raise ValueError("a grid needs a 4 × 4 affine and at least one voxel")
        if not self.slice_thickness_mm > 0:
            raise ValueError("slice_thickness_mm must be positive")
        self.affine_lps_mm.setflags(write=False)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along k, j and i."""
        di, dj, dk = np.linalg.norm(self.affine_lps_mm[:3, :3], axis=0)
        return float(dk), float(dj), float(di)

    def coarser(self, factor: float) -> "Grid":
        """Return a grid over the same space with voxels longer by a factor."""
        k, j, i = (max(2, round(size / factor)) for size in self.shape_kji)
        affine = self.affine_lps_mm.copy()
        affine[:3, :3] *= factor
        middle = (np.array(self.shape_kji[::-1]) - 1) / 2
        centre = self.affine_lps_mm[:3, :3] @ middle + self.affine_lps_mm[:3, 3]
        affine[:3, 3] = centre - affine[:3, :3] @ ((np.array((i, j, k)) - 1) / 2)
        return Grid((k, j, i), affine, self.slice_thickness_mm * factor)


def oblique_grid(
    shape_kji: tuple[int, int, int],
    spacing_kji_mm: tuple[float, float, float],
    *,
    axes_lps: Matrix,
    tilt_deg: tuple[float, float, float],
    centre_lps_mm: tuple[float, float, float],
    slice_thickness_mm: float,
) -> Grid:
    """Lay a grid around a centre.

    Parameters
    ----------
    shape_kji, spacing_kji_mm
        Size and distance of the voxels.
    axes_lps
        3 × 3; columns are the directions of i, j and k before tilting.
    tilt_deg
        Rotations about L, P and S, applied in this order.
    centre_lps_mm
        Middle of the grid.
    slice_thickness_mm
        Width of the slice profile.
    """
    turned = Rotation.from_euler("xyz", tilt_deg, degrees=True).as_matrix() @ axes_lps
    affine = np.eye(4)
    affine[:3, :3] = turned * np.array(spacing_kji_mm[::-1])
    middle = (np.array(shape_kji[::-1]) - 1) / 2
    affine[:3, 3] = np.array(centre_lps_mm) - affine[:3, :3] @ middle
    return Grid(shape_kji, affine, slice_thickness_mm)


def rigid(shift_mm: tuple[float, float, float], turn_deg: tuple[float, float, float]) -> Matrix:
    """Return the 4 × 4 matrix of a turn about L, P and S followed by a shift."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    matrix[:3, 3] = shift_mm
    return matrix


def sample(
    image_kji: FloatArray, phantom: HeadPhantom, grid: Grid, head_to_scanner: Matrix
) -> FloatArray:
    """Sample an image of the phantom on a grid, averaging over the slice profile.

    Parameters
    ----------
    image_kji
        On the phantom's grid.
    phantom
        Whose grid it is.
    grid
        Where to sample.
    head_to_scanner
        4 × 4, maps the head's millimetres to the scanner's.

    Returns
    -------
    array_kji
        float32, of the grid's shape; 0 outside the phantom.
    """
    index_from_voxel = (
        np.linalg.inv(phantom.affine_lps_mm) @ np.linalg.inv(head_to_scanner) @ grid.affine_lps_mm
    )
    flipped = index_from_voxel[:3, :3][::-1, ::-1]
    start = index_from_voxel[:3, 3][::-1]
    # Walking through the image in the order it lies in memory is several times faster.
    order = np.argsort([int(np.argmax(np.abs(column))) for column in flipped.T], kind="stable")
    total = np.zeros([grid.shape_kji[axis] for axis in order], dtype=np.float32)
    for offset, weight in _slice_profile(grid, phantom.box.spacing_mm):
        total += weight * ndimage.affine_transform(
            image_kji,
            flipped[:, order],
            offset=start + flipped[:, 0] * offset,
            output_shape=total.shape,
            order=1,
            prefilter=False,
        )
    return np.ascontiguousarray(total.transpose(np.argsort(order)))


def _slice_profile(grid: Grid, resolution_mm: float) -> list[tuple[float, np.float32]]:
    """Return offsets (in slices) and weights that stand for the profile of a slice."""
    count = max(1, round(grid.slice_thickness_mm / (1.25 * resolution_mm)))
    places = (np.arange(count) + 0.5) / count - 0.5
    weights = np.cos(np.pi * places * 0.8)
    weights /= weights.sum()
    reach = grid.slice_thickness_mm / grid.spacing_mm[0]
    return [(float(p * reach), np.float32(w)) for p, w in zip(places, weights, strict=True)]


def receive(
    clean_kji: FloatArray, rng: np.random.Generator, *, noise: float, shading: float
) -> FloatArray:
    """Add the receive coil's shading and the noise of a magnitude image (Rician).

    Parameters
    ----------
    clean_kji
        Noise-free signal, white matter at 1.
    rng
        Source of randomness.
    noise
        Standard deviation in each of the two channels, relative to white matter.
    shading
        Relative brightness change from the middle to the edge, about.
    """
    image = clean_kji.copy()
    for axis, size in enumerate(clean_kji.shape):
        t = np.linspace(-1, 1, size, dtype=np.float32)
        slope, bend = rng.uniform(-0.5, 0.5), rng.uniform(0.2, 0.8)
        profile = 1 + np.float32(shading) * (
            np.float32(slope) * t + np.float32(bend) * (t**2 - 0.3)
        )
        image *= profile.reshape([-1 if a == axis else 1 for a in range(3)])
    sigma = np.float32(noise)
    image += sigma * rng.standard_normal(image.shape, dtype=np.float32)
    other = sigma * rng.standard_normal(image.shape, dtype=np.float32)
    magnitude: FloatArray = np.hypot(image, other)
    return magnitude
