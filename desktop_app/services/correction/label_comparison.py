"""How far labels were changed, region by region."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import RegionCorrection
from desktop_app.domain.segmentation import REGION_LABELS, Region

Labels = NDArray[np.uint8]


def region_corrections(before_kji: Labels, after_kji: Labels) -> tuple[RegionCorrection, ...]:
    """Return how far every region differs between two labels on one grid.

    Dice 1945, doi 10.2307/1932409.
    """
    differs = before_kji != after_kji
    before, after = before_kji[differs], after_kji[differs]
    sizes = {
        value: int(np.count_nonzero(before_kji == value)) for value in REGION_LABELS[Region.WT]
    }
    found = []
    for region, values in REGION_LABELS.items():
        was, now = np.isin(before, values), np.isin(after, values)
        added, removed = (int(np.count_nonzero(one)) for one in (now & ~was, was & ~now))
        size = sum(sizes[value] for value in values)
        either = 2 * size + added - removed
        dice = 2 * (size - removed) / either if either else 1.0
        found.append(RegionCorrection(region, added, removed, dice))
    return tuple(found)


def corrections_document(
    corrections: Iterable[RegionCorrection],
) -> dict[str, dict[str, int | float]] | None:
    """Return corrections by region, ready for JSON; null where there are none, or none is known."""
    document: dict[str, dict[str, int | float]] = {
        one.region.value: {
            "added_voxels": one.added_voxels,
            "removed_voxels": one.removed_voxels,
            "dice": round(one.dice, 4),
        }
        for one in corrections
    }
    return document or None


def corrections_of(stored: Mapping[str, Mapping[str, Any]] | None) -> tuple[RegionCorrection, ...]:
    """Return what `corrections_document` made.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is something else.
    """
    return tuple(
        RegionCorrection(
            Region(region),
            int(numbers["added_voxels"]),
            int(numbers["removed_voxels"]),
            float(numbers["dice"]),
        )
        for region, numbers in (stored or {}).items()
    )
