"""A voxel grid one paints tissues on, each voxel holding at most two of them."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from model.synthetic.fields import Box, FloatArray
from model.synthetic.tissues import Tissue

Window = tuple[slice, slice, slice]
EVERYWHERE: Window = (slice(None), slice(None), slice(None))


class Canvas:
    """Tissues painted one over the other with partial volume.

    Parameters
    ----------
    box
        The grid.

    Attributes
    ----------
    primary_kji, secondary_kji
        uint8 tissue codes; the primary one fills at least half of the voxel.
    share_kji
        float32, the part of the voxel that the primary tissue fills.
    x_mm, y_mm, z_mm
        Coordinates in the undeformed head, float32; painting uses these.
    """

    def __init__(self, box: Box) -> None:
        self.box = box
        self.primary_kji = np.full(box.shape_kji, Tissue.AIR, dtype=np.uint8)
        self.secondary_kji = self.primary_kji.copy()
        self.share_kji = np.ones(box.shape_kji, dtype=np.float32)
        self.x_mm, self.y_mm, self.z_mm = (
            np.ascontiguousarray(np.broadcast_to(axis, box.shape_kji)) for axis in box.axes_mm()
        )

    def coordinates(self, window: Window) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Coordinates (x, y, z) in millimetres inside a window of the grid."""
        return self.x_mm[window], self.y_mm[window], self.z_mm[window]

    def window(
        self, lower_mm: Iterable[float], upper_mm: Iterable[float], margin_mm: float = 10.0
    ) -> Window:
        """Part of the grid that holds the points between two corners, the deformation allowed for.

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
            slices.append(slice(min(max(first, 0), size - 1), min(max(last, 1), size)))
        i, j, k = slices
        return k, j, i

    def coverage(self, distance_mm: FloatArray, softness_mm: float | None = None) -> FloatArray:
        """Part of each voxel that lies inside a body (distance below 0)."""
        width = np.float32(softness_mm or self.box.spacing_mm)
        covered: FloatArray = np.clip(np.float32(0.5) - distance_mm / width, 0, 1)
        return covered

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
        major = coverage >= 0.5
        same = major & (primary == tissue)
        covered = major & ~same
        secondary[covered] = primary[covered]
        share[covered] = coverage[covered]
        share[same] = np.maximum(share[same], coverage[same])
        primary[major] = tissue
        edge = (~major) & (coverage > 1 - share) & (primary != tissue)
        secondary[edge] = tissue
        share[edge] = 1 - coverage[edge]
