"""A voxel grid one paints tissues on, each voxel holding at most two of them."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from model.synthetic.fields import Box, FloatArray, Points, refine
from model.synthetic.tissues import Tissue

Window = tuple[slice, slice, slice]
EVERYWHERE: Window = (slice(None), slice(None), slice(None))

# Fields that vary over centimetres are computed on every second voxel of a grid as fine as this.
_FINE_MM = 1.5


class Canvas:
    """Tissues painted one over the other with partial volume.

    Parameters
    ----------
    box
        The grid.
    coarse_points
        Coordinates in the undeformed head at the voxels of ``coarse_box(box)``.

    Attributes
    ----------
    primary_kji, secondary_kji
        uint8 tissue codes; the primary one fills at least half of the voxel.
    share_kji
        float32, the part of the voxel that the primary tissue fills.
    points
        Coordinates in the undeformed head, where everything is painted.
    """

    def __init__(self, box: Box, coarse_points: Points) -> None:
        self.box = box
        self.coarse_box = coarse_box(box)
        self.coarse_points = coarse_points
        self.primary_kji = np.full(box.shape_kji, Tissue.AIR, dtype=np.uint8)
        self.secondary_kji = self.primary_kji.copy()
        self.share_kji = np.ones(box.shape_kji, dtype=np.float32)
        x, y, z = coarse_points
        self.points = (self.to_fine(x), self.to_fine(y), self.to_fine(z))

    def to_fine(self, coarse_kji: FloatArray) -> FloatArray:
        """Bring a field from the coarse grid to the canvas' own."""
        return coarse_kji if self.coarse_box is self.box else refine(coarse_kji)

    def points_in(self, window: Window) -> Points:
        """Coordinates inside a window of the grid."""
        x, y, z = self.points
        return x[window], y[window], z[window]

    def window(
        self, lower_mm: Iterable[float], upper_mm: Iterable[float], margin_mm: float = 10.0
    ) -> Window:
        """Part of the grid that holds the points between two corners, the deformation allowed for.

        It starts and ends at coarse voxels.

        Parameters
        ----------
        lower_mm, upper_mm
            Corners (x, y, z) in the undeformed head.
        margin_mm
            How far the deformation may have carried a point.
        """
        slices = []
        for low, high, origin, size in zip(
            lower_mm, upper_mm, self.box.origin_lps_mm, reversed(self.box.shape_kji), strict=True
        ):
            first = int(np.floor((low - margin_mm - origin) / self.box.spacing_mm))
            last = int(np.ceil((high + margin_mm - origin) / self.box.spacing_mm)) + 1
            first, last = min(max(first, 0), size - 3), min(max(last, 3), size)
            slices.append(slice(first - first % 2, last - 1 + last % 2))
        i, j, k = slices
        return k, j, i

    def coarse(self, window: Window) -> tuple[Points, Box]:
        """Coordinates and grid of the coarse voxels of a window that `window` has made."""
        if self.coarse_box is self.box:
            k, j, i = window
        else:
            k, j, i = (slice(s.start // 2, s.stop // 2 + 1) for s in window)
        x, y, z = (axis[k, j, i] for axis in self.coarse_points)
        origin = (
            float(o + s.start * self.coarse_box.spacing_mm)
            for o, s in zip(self.coarse_box.origin_lps_mm, (i, j, k), strict=True)
        )
        shape = (z.shape[0], z.shape[1], z.shape[2])
        ox, oy, oz = origin
        return (x, y, z), Box(shape, (ox, oy, oz), self.coarse_box.spacing_mm)

    def coverage(self, distance_mm: FloatArray, softness_mm: float | None = None) -> FloatArray:
        """Part of each voxel that lies inside a body (distance below 0)."""
        scale = np.float32(-1.0 / (softness_mm or self.box.spacing_mm))
        covered = distance_mm * scale
        covered += np.float32(0.5)
        inside: FloatArray = np.clip(covered, 0, 1, out=covered)
        return inside

    def paint(
        self, tissue: Tissue, coverage: NDArray[np.float32], window: Window = EVERYWHERE
    ) -> None:
        """Lay a tissue over what is there.

        Parameters
        ----------
        tissue
            What to paint.
        coverage
            float32 in 0 to 1, of the window's shape: the part of each voxel to replace.
        window
            Where.
        """
        primary, secondary = self.primary_kji[window], self.secondary_kji[window]
        share = self.share_kji[window]
        other = primary != tissue
        major = coverage >= np.float32(0.5)
        covered = major & other
        edge = (coverage > 1 - share) & other & ~major
        np.copyto(secondary, primary, where=covered)
        np.copyto(secondary, np.uint8(tissue), where=edge)
        np.copyto(share, np.maximum(share, coverage), where=major & ~other)
        np.copyto(share, coverage, where=covered)
        np.copyto(share, 1 - coverage, where=edge)
        np.copyto(primary, np.uint8(tissue), where=major)


def coarse_box(box: Box) -> Box:
    """Grid on which slowly varying fields are computed for a canvas."""
    return box.every_second() if box.spacing_mm < _FINE_MM else box
