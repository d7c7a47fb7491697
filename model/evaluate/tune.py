"""Thresholds and smallest sizes, chosen on patients and judged on another one.

Each region has a few values to choose from for its threshold, the smallest part and the least
total that is believed. The choice maximises the mean Dice by the rules of BraTS,
under which a patient without enhancement counts 1 if nothing is marked and 0 if a speck is. What
is reported is leave-one-patient-out: the patient judged had no part in the choice.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.evaluate.out_of_fold import OutOfFold
from model.postprocess import ENHANCING_MM3, PostprocessSettings
from model.spec import REGIONS, MaskArray, Region, region_masks

THRESHOLDS: Final = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SMALLEST_PARTS_MM3: Final = {
    Region.WT: (0.0, 50.0, 200.0, 500.0),
    Region.TC: (0.0, 20.0, 100.0, 500.0),
    Region.ET: (0.0, 10.0, 50.0, 100.0),
}
LEAST_TOTALS_MM3: Final = {
    Region.WT: (0.0, 200.0, 500.0, 1000.0),
    Region.TC: (0.0,),
    Region.ET: (0.0, 50.0, 100.0, 200.0, 500.0),
}
CORE_IF_ENHANCING: Final = (None, 0.7, 0.8, 0.9, 0.95)
# A change has to gain this much mean Dice: less cannot be told from chance with some dozens of
# patients, and then the default stays.
LEAST_GAIN: Final = 0.005

_ANY_NEIGHBOUR: Final = np.ones((3, 3, 3), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Choice:
    """How one region is cut out of its probabilities."""

    threshold: float
    smallest_part_mm3: float
    least_total_mm3: float
    threshold_if_enhancing: float | None = None


Grid = dict[Region, tuple[Choice, ...]]


def choices(default: PostprocessSettings) -> Grid:
    """Return what each region may choose from, the default first."""
    grid: Grid = {}
    for region in REGIONS:
        given = _default(default, region)
        every = itertools.product(
            THRESHOLDS,
            SMALLEST_PARTS_MM3[region],
            LEAST_TOTALS_MM3[region],
            CORE_IF_ENHANCING if region is Region.TC else (None,),
        )
        others = [Choice(*one) for one in every]
        grid[region] = (given, *(one for one in others if one != given))
    return grid


def dice_table(patients: Sequence[OutOfFold], grid: Grid) -> dict[Region, NDArray[np.float64]]:
    """Return the Dice of every patient under every choice, each region by itself.

    Returns
    -------
    dict
        Per region an array (patient, choice).
    """
    rows = [_rows(patient, grid) for patient in patients]
    return {region: np.stack([row[region] for row in rows]) for region in REGIONS}


def best_choice(dice: NDArray[np.float64]) -> int:
    """Return the index of the best choice: the default, unless another gains enough.

    Parameters
    ----------
    dice
        (patient, choice), the default first.
    """
    means = dice.mean(axis=0)
    best = int(means.argmax())
    return best if means[best] - means[0] >= LEAST_GAIN else 0


def regions_that_gain(
    tables: dict[Region, NDArray[np.float64]], patients: int
) -> frozenset[Region]:
    """Return the regions in which patients with no part in the choice are better off.

    Parameters
    ----------
    tables
        As `dice_table` returns them.
    patients
        How many of the first rows are patients; brains without tumour may follow.
    """
    return frozenset(
        region for region, table in tables.items() if _left_out_gain(table, patients) > 0
    )


def chosen_settings(
    tables: dict[Region, NDArray[np.float64]],
    grid: Grid,
    regions: frozenset[Region] = frozenset(REGIONS),
    *,
    leave_out: int | None = None,
) -> PostprocessSettings:
    """Return the best settings of all patients, or of all but one.

    Parameters
    ----------
    regions
        Those that may change; the others keep the default.
    leave_out
        Index of the patient that has no part in the choice.
    """
    picked = {}
    for region, table in tables.items():
        others = table if leave_out is None else np.delete(table, leave_out, axis=0)
        picked[region] = grid[region][best_choice(others) if region in regions else 0]
    return PostprocessSettings(
        _triple(picked[r].threshold for r in REGIONS),
        _triple(picked[r].smallest_part_mm3 for r in REGIONS),
        _triple(picked[r].least_total_mm3 for r in REGIONS),
        picked[Region.TC].threshold_if_enhancing,
    )


def _left_out_gain(table: NDArray[np.float64], patients: int) -> float:
    chosen = [table[one, best_choice(np.delete(table, one, axis=0))] for one in range(patients)]
    return float(np.mean(chosen) - table[:patients, 0].mean())


def _triple(values: Iterable[float]) -> tuple[float, float, float]:
    tc, wt, et = values
    return tc, wt, et


def _default(settings: PostprocessSettings, region: Region) -> Choice:
    index = REGIONS.index(region)
    return Choice(
        settings.thresholds[index],
        settings.min_component_mm3[index],
        settings.min_total_mm3[index],
        settings.core_threshold_if_enhancing if region is Region.TC else None,
    )


def _rows(patient: OutOfFold, grid: Grid) -> dict[Region, NDArray[np.float64]]:
    reference = region_masks(patient.reference_kji)
    probabilities = patient.probabilities_ckji
    cut = {region: options[0].threshold for region, options in grid.items()}
    core = probabilities[REGIONS.index(Region.TC)] > cut[Region.TC]
    whole = (probabilities[REGIONS.index(Region.WT)] > cut[Region.WT]) | core
    enhancing = (probabilities[REGIONS.index(Region.ET)] > cut[Region.ET]) & whole
    enhances = enhancing.sum() * patient.voxel_mm3 >= ENHANCING_MM3
    rows = {}
    for index, region in enumerate(REGIONS):
        rows[region] = np.empty(len(grid[region]))
        known: dict[tuple[float, bool], _Parts] = {}
        for number, choice in enumerate(grid[region]):
            raised = choice.threshold_if_enhancing if enhances else None
            threshold = choice.threshold if raised is None else raised
            key = (threshold, raised is not None)
            if key not in known:
                mask = probabilities[index] > threshold
                mask = {
                    Region.WT: mask | core,
                    Region.TC: (mask if raised is None else mask | enhancing) & whole,
                    Region.ET: mask & core,
                }[region]
                known[key] = _Parts.of(mask, reference[index])
            rows[region][number] = known[key].dice(choice, patient.voxel_mm3)
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Connected parts of a mask: their sizes, and how much of each is right."""

    sizes: NDArray[np.int64]
    right: NDArray[np.int64]
    reference_voxels: int

    @classmethod
    def of(cls, mask: MaskArray, reference: MaskArray) -> "_Parts":
        parts, count = ndimage.label(mask, structure=_ANY_NEIGHBOUR)
        sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        right = np.bincount(parts[reference], minlength=count + 1)[1:]
        return cls(sizes, right, int(reference.sum()))

    def dice(self, choice: Choice, voxel_mm3: float) -> float:
        kept = self.sizes * voxel_mm3 >= choice.smallest_part_mm3
        size, right = int(self.sizes[kept].sum()), int(self.right[kept].sum())
        if size * voxel_mm3 < choice.least_total_mm3:
            size = right = 0
        total = size + self.reference_voxels
        return 2 * right / total if total else 1.0
