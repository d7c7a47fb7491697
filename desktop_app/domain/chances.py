"""What the network gave each voxel, kept beside the labels it led to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import Region

CHANCE_REGIONS = (Region.TC, Region.WT, Region.ET)
"""The regions in the order of their channels."""

LEAST_KEPT = 0.01
"""What lies outside the box of voxels that have as much of any region is not kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Chances:
    """Probabilities of the regions where there are any.

    Parameters
    ----------
    array_ckji
        (3, k, j, i) float16, 0 to 1, in the order of `CHANCE_REGIONS`.
    geometry
        Their grid: a box of the grid the network worked on.
    """

    array_ckji: NDArray[np.float16]
    geometry: Geometry

    @classmethod
    def kept(cls, array_ckji: NDArray[np.float16], geometry: Geometry) -> "Chances | None":
        """Return a copy of the part worth keeping; ``None`` where there is none."""
        somewhere = np.asarray((array_ckji >= LEAST_KEPT).any(axis=0))
        if not somewhere.any():
            return None
        sides = [np.flatnonzero(somewhere.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
        k, j, i = (slice(int(side[0]), int(side[-1]) + 1) for side in sides)
        return cls(array_ckji[:, k, j, i].copy(), geometry.cropped((k, j, i)))
