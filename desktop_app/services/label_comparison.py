"""How far labels were changed, region by region."""

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import RegionCorrection
from desktop_app.domain.segmentation import REGION_LABELS

Labels = NDArray[np.uint8]


def region_corrections(before_kji: Labels, after_kji: Labels) -> tuple[RegionCorrection, ...]:
    """Return how far every region differs between two labels on one grid.

    Dice 1945, doi 10.2307/1932409.
    """
    marked = (before_kji | after_kji) != 0
    before, after = before_kji[marked], after_kji[marked]
    found = []
    for region, values in REGION_LABELS.items():
        was, now = np.isin(before, values), np.isin(after, values)
        sizes = int(was.sum()) + int(now.sum())
        both = int((was & now).sum())
        found.append(
            RegionCorrection(
                region,
                added_voxels=int(now.sum()) - both,
                removed_voxels=int(was.sum()) - both,
                dice=2 * both / sizes if sizes else 1.0,
            )
        )
    return tuple(found)
