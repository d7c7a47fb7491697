"""The few rules that turn probabilities into labels, chosen on patients and judged on another one.

Each region has a few values to choose from (`GRID`): its threshold, the smallest part that is
believed, the least total, and the probability that some of it must exceed; the core also a
threshold of its own where much enhances. See `model.postprocess.PostprocessSettings` for what each
does. The choice maximises the mean Dice by the rules of BraTS, under which a patient without
enhancement counts 1 if nothing is marked and 0 if a speck is. With some dozens of patients many
choices do as well as the best: of those the one is taken that moves the threshold least and whose
neighbours do best, so that it does not stand at an edge. What is reported is
leave-one-patient-out: the patient judged had no part in the choice, nor in whether to choose.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.cropping import occupied_box
from model.evaluate.out_of_fold import OutOfFold, codes_above, probabilities_of
from model.postprocess import (
    DEFAULT_SETTINGS,
    ENHANCING_MM3,
    PEAK_MM3,
    SATELLITE_PEAK,
    PostprocessSettings,
    threshold_in_doubt,
    without_satellites,
)
from model.spec import REGIONS, MaskArray, Region, region_masks

# A change has to gain this much mean Dice: less cannot be told from chance with some dozens of
# patients, and then the default stays.
LEAST_GAIN: Final = 0.005

LEAST_TO_TUNE: Final = 3
"""Patients: of all but one, one more is left out to see whether to choose at all."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How one region is cut out of its probabilities."""

    threshold: float
    smallest_part_mm3: float
    least_total_mm3: float
    least_peak: float = 0.0
    threshold_if_enhancing: float | None = None


@dataclass(frozen=True, slots=True)
class Axes:
    """What each setting of a region may be, in order: neighbours are alike."""

    thresholds: tuple[float, ...]
    smallest_parts_mm3: tuple[float, ...]
    least_totals_mm3: tuple[float, ...]
    least_peaks: tuple[float, ...]
    thresholds_if_enhancing: tuple[float | None, ...] = (None,)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each setting has."""
        return (
            len(self.thresholds),
            len(self.smallest_parts_mm3),
            len(self.least_totals_mm3),
            len(self.least_peaks),
            len(self.thresholds_if_enhancing),
        )

    def __iter__(self) -> Iterator[Choice]:
        """Every choice, the last setting changing fastest."""
        every = itertools.product(
            self.thresholds,
            self.smallest_parts_mm3,
            self.least_totals_mm3,
            self.least_peaks,
            self.thresholds_if_enhancing,
        )
        return (Choice(*one) for one in every)


GRID: Final[dict[Region, Axes]] = {
    Region.TC: Axes(
        (0.1, 0.2, 0.3, 0.4, 0.5),
        (20.0, 100.0),
        (0.0,),
        (0.0, 0.98, 0.99, 0.995, 0.998),
        (None, 0.5, 0.6, 0.7, 0.8, 0.9),
    ),
    Region.WT: Axes(
        (0.3, 0.4, 0.5, 0.6, 0.7),
        (50.0, 200.0),
        (0.0, 500.0, 1000.0, 2000.0),
        (0.0, 0.98, 0.998),
    ),
    Region.ET: Axes(
        (0.3, 0.4, 0.5, 0.6),
        (10.0, 50.0),
        (0.0, 100.0),
        (0.0, 0.95, 0.98, 0.99, 0.995, 0.998),
    ),
}
"""What may be chosen. Peaks are high because networks are certain of what is there: 100 mm³ of true
enhancement had a probability of 0.9995 and more in every patient of a first fold, of enhancement
made up in a patient without it 0.988, of a core made up in brains without tumour 0.992 at most.
Totals of WT end at 2 cm³: a larger lesion without a core is for a person to judge. Those of ET end
at 100 mm³: a small focus that was lost is worse than one that a person removes. Thresholds of ET
end at 0.6: above it, core that is not certainly enhancing paints a rim of NCR around the wall."""

_ANY_NEIGHBOUR: Final = np.ones((3, 3, 3), dtype=np.bool_)


Grid = dict[Region, tuple[Choice, ...]]


def choices(default: PostprocessSettings) -> Grid:
    """Return what each region may choose from: the default, then `GRID` in its order."""
    return {region: (_default(default, region), *GRID[region]) for region in REGIONS}


def dice_table(patients: Sequence[OutOfFold], grid: Grid) -> dict[Region, NDArray[np.float64]]:
    """Return the Dice of every patient under every choice, each region by itself.

    Returns
    -------
    dict
        Per region an array (patient, choice).
    """
    rows = [_rows(patient, grid) for patient in patients]
    return {region: np.stack([row[region] for row in rows]) for region in REGIONS}


def best_choice(dice: NDArray[np.float64], region: Region) -> int:
    """Return the index of the best choice: the default, unless another gains enough.

    Of all that come within `LEAST_GAIN` of the best, those whose threshold is nearest to the
    default; of these the one whose neighbours on the grid, with itself, have the largest mean.

    Parameters
    ----------
    dice
        (patient, choice), the default first, then `GRID` of the region.
    """
    means = dice.mean(axis=0)
    grid = means[1:]
    best = grid.max()
    if best - means[0] < LEAST_GAIN:
        return 0
    as_good = grid >= max(best - LEAST_GAIN, means[0] + LEAST_GAIN)
    default = DEFAULT_SETTINGS.thresholds[REGIONS.index(region)]
    moved = np.array([abs(choice.threshold - default) for choice in GRID[region]])
    as_good &= np.isclose(moved, moved[as_good].min())
    around = ndimage.uniform_filter(grid.reshape(GRID[region].shape), 3, mode="nearest").ravel()
    return 1 + int(np.where(as_good, around, -np.inf).argmax())


def regions_that_gain(
    tables: dict[Region, NDArray[np.float64]], patients: Sequence[str]
) -> frozenset[Region]:
    """Return the regions in which patients with no part in the choice are better off.

    Parameters
    ----------
    tables
        As `dice_table` returns them.
    patients
        Whose scan each of the first rows is; brains without tumour may follow. A patient is left
        out with all scans.
    """
    return frozenset(
        region for region, table in tables.items() if _left_out_gain(table, patients, region) > 0
    )


def chosen_settings(
    tables: dict[Region, NDArray[np.float64]],
    grid: Grid,
    regions: frozenset[Region] = frozenset(REGIONS),
) -> PostprocessSettings:
    """Return the settings that do best in all rows.

    Parameters
    ----------
    regions
        Those that may change; the others keep the default.
    """
    picked = {
        region: grid[region][best_choice(table, region) if region in regions else 0]
        for region, table in tables.items()
    }
    return PostprocessSettings(
        _triple(picked[r].threshold for r in REGIONS),
        _triple(picked[r].smallest_part_mm3 for r in REGIONS),
        _triple(picked[r].least_total_mm3 for r in REGIONS),
        picked[Region.TC].threshold_if_enhancing,
        _triple(picked[r].least_peak for r in REGIONS),
    )


def settings_without(
    person: str,
    tables: dict[Region, NDArray[np.float64]],
    grid: Grid,
    *,
    patients: Sequence[str],
    normal: Sequence[str] = (),
) -> PostprocessSettings:
    """Return what all others choose: the settings, and in which regions to choose at all.

    Parameters
    ----------
    person
        Who has no say, with any scan.
    patients, normal
        Whose scan each row is: first those of patients, three at least, then the brains without
        tumour.
    """
    kept = np.array([one != person for one in (*patients, *normal)])
    others = {region: table[kept] for region, table in tables.items()}
    rest = [one for one in patients if one != person]
    return chosen_settings(others, grid, regions_that_gain(others, rest))


def _left_out_gain(table: NDArray[np.float64], patients: Sequence[str], region: Region) -> float:
    count = len(patients)
    chosen = np.empty(count)
    for person in set(patients):
        own = np.zeros(len(table), dtype=np.bool_)
        own[:count] = [one == person for one in patients]
        chosen[own[:count]] = table[own, best_choice(table[~own], region)]
    return float(chosen.mean() - table[:count, 0].mean())


def _triple(values: Iterable[float]) -> tuple[float, float, float]:
    tc, wt, et = values
    return tc, wt, et


def _default(settings: PostprocessSettings, region: Region) -> Choice:
    index = REGIONS.index(region)
    return Choice(
        settings.thresholds[index],
        settings.min_component_mm3[index],
        settings.min_total_mm3[index],
        settings.min_peak[index],
        settings.core_threshold_if_enhancing if region is Region.TC else None,
    )


def _rows(patient: OutOfFold, grid: Grid) -> dict[Region, NDArray[np.float64]]:
    """Return the Dice of every choice, the other regions cut out as by the default."""
    patient = _where_anything_is(patient, grid)
    reference = region_masks(patient.reference_kji)
    codes = dict(zip(REGIONS, patient.codes_ckji, strict=True))
    default = {
        region: codes[region] >= codes_above(options[0].threshold)
        for region, options in grid.items()
    }
    sure_core = default[Region.TC]
    whole = default[Region.WT] | sure_core
    enhancing = default[Region.ET] & whole
    enhances = enhancing.sum() * patient.voxel_mm3 >= ENHANCING_MM3
    satellite_voxels = DEFAULT_SETTINGS.min_satellite_mm3 / patient.voxel_mm3
    certain = codes[Region.WT] >= codes_above(SATELLITE_PEAK)
    whole = without_satellites(whole, sure_core, certain, satellite_voxels)
    likely_core = whole.copy()
    if whole.any():
        lowered = threshold_in_doubt(probabilities_of(codes[Region.TC][whole]))
        likely_core &= codes[Region.TC] >= codes_above(lowered)
    core = (sure_core & whole) | likely_core
    rows = {}
    for index, region in enumerate(REGIONS):
        known: dict[tuple[float, bool], _Parts] = {}
        rows[region] = np.empty(len(grid[region]))
        for number, choice in enumerate(grid[region]):
            raised = choice.threshold_if_enhancing if enhances else None
            threshold = choice.threshold if raised is None else raised
            key = (threshold, raised is not None)
            if key not in known:
                mask = codes[region] >= codes_above(threshold)
                mask = {
                    Region.WT: without_satellites(
                        mask | sure_core, sure_core, certain, satellite_voxels
                    ),
                    Region.TC: (mask | (likely_core if raised is None else enhancing)) & whole,
                    Region.ET: mask & core,
                }[region]
                peaks = {option.least_peak for option in grid[region]}
                known[key] = _Parts.of(mask, reference[index], codes[region], peaks)
            rows[region][number] = known[key].dice(choice, patient.voxel_mm3)
    return rows


def _where_anything_is(patient: OutOfFold, grid: Grid) -> OutOfFold:
    """Return the patient within the box of all that any choice could mark, and of the truth."""
    least = min(
        threshold
        for options in grid.values()
        for choice in options
        for threshold in (choice.threshold, choice.threshold_if_enhancing)
        if threshold is not None
    )
    marked = (patient.codes_ckji >= codes_above(least)).any(axis=0)
    box = occupied_box(marked | (patient.reference_kji != 0))
    return patient if box is None else patient.within(box)


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Connected parts of a mask: their sizes, and how much of each is right, or nearly certain."""

    sizes: NDArray[np.int64]
    right: NDArray[np.int64]
    certain: Mapping[float, NDArray[np.int64]]
    reference_voxels: int

    @classmethod
    def of(
        cls,
        mask: MaskArray,
        reference: MaskArray,
        codes: NDArray[np.uint8],
        peaks: Iterable[float],
    ) -> "_Parts":
        parts, count = ndimage.label(mask, structure=_ANY_NEIGHBOUR)

        def within(other: MaskArray) -> NDArray[np.int64]:
            return np.bincount(parts[mask & other], minlength=count + 1)[1:]

        certain = {peak: within(codes >= codes_above(peak)) for peak in peaks if peak}
        return cls(within(mask), within(reference), certain, int(reference.sum()))

    def dice(self, choice: Choice, voxel_mm3: float) -> float:
        kept = self.sizes * voxel_mm3 >= choice.smallest_part_mm3
        size, right = int(self.sizes[kept].sum()), int(self.right[kept].sum())
        certain = math.inf
        if choice.least_peak:
            certain = float(self.certain[choice.least_peak][kept].sum()) * voxel_mm3
        if size * voxel_mm3 < choice.least_total_mm3 or certain < PEAK_MM3:
            size = right = 0
        total = size + self.reference_voxels
        return 2 * right / total if total else 1.0
