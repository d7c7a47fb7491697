"""Ranges of volumes that held the truth in patients the network had not seen.

The error of a volume is taken as a difference of logarithms, after one millilitre was added to
both, and divided by what the network's own doubt lets expect. The multiple that covers the errors
of the share of patients asked for, by the rule of conformal prediction, makes the range.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from model.calibration import MEASURED_REGIONS, RegionDoubt, range_around
from model.evaluate.typical import conformal_quantile

COVERAGE: Final = 0.90
OFFSET_MM3: Final = 1000.0
# Below 9 patients no finite range can promise 90 %.
LEAST_PATIENTS: Final = 10
_LEAST_FLOOR: Final = 0.01


@dataclass(frozen=True, slots=True)
class MeasuredVolume:
    """One region of one patient.

    Attributes
    ----------
    measured_mm3, true_mm3
        Volumes.
    undecided
        See `model.calibration.measured_shares`.
    """

    measured_mm3: float
    true_mm3: float
    undecided: float

    @property
    def error(self) -> float:
        """Difference of the logarithms."""
        return float(np.log((self.true_mm3 + OFFSET_MM3) / (self.measured_mm3 + OFFSET_MM3)))


@dataclass(frozen=True, slots=True, eq=False)
class RegionRange:
    """The doubt about one region, and how it does on patients of another fold.

    Attributes
    ----------
    doubt
        Fitted to all patients.
    covered
        Number of patients whose true volume lay in the range drawn from the other folds, which is
        to say from other networks. Left out one by one, the share would follow from the number of
        patients alone.
    half_width_percent
        Median over patients of the upper half of the range in percent of the measured volume,
        among those with at least a millilitre.
    """

    doubt: RegionDoubt
    covered: int
    half_width_percent: float | None


def fit_ranges(
    volumes: Sequence[dict[str, MeasuredVolume]], folds: Sequence[str]
) -> dict[str, RegionRange] | None:
    """Fit the doubt of every region; ``None`` if there are too few patients.

    Parameters
    ----------
    volumes
        Per patient, by region.
    folds
        Per patient, the fold that kept it out; two folds at least.
    """
    if len(volumes) < LEAST_PATIENTS or len(set(folds)) < 2:
        return None
    return {name: _fit_region([one[name] for one in volumes], folds) for name in MEASURED_REGIONS}


def as_section(ranges: dict[str, RegionRange], patients: int) -> dict[str, Any]:
    """Return the ``volume`` part of a card's calibration."""
    return {
        "coverage": COVERAGE,
        "offset_mm3": OFFSET_MM3,
        "patients": patients,
        "regions": {
            name: {
                "floor": round(one.doubt.floor, 5),
                "gain": round(one.doubt.gain, 5),
                "quantile": round(one.doubt.quantile, 5),
                "covered_other_folds": one.covered,
                "median_upper_half_percent": one.half_width_percent,
            }
            for name, one in ranges.items()
        },
    }


def _fit_region(patients: Sequence[MeasuredVolume], folds: Sequence[str]) -> RegionRange:
    doubt = _fit(patients)
    owned = list(zip(patients, folds, strict=True))
    covered = 0
    for fold in set(folds):
        of_others = _fit([one for one, owner in owned if owner != fold])
        for one in (one for one, owner in owned if owner == fold):
            low, high = _range(of_others, one)
            covered += int(low <= one.true_mm3 <= high)
    widths = [
        100 * (_range(doubt, one)[1] / one.measured_mm3 - 1)
        for one in patients
        if one.measured_mm3 >= OFFSET_MM3
    ]
    median = round(float(np.median(widths)), 1) if widths else None
    return RegionRange(doubt, covered, median)


def _fit(patients: Sequence[MeasuredVolume]) -> RegionDoubt:
    """Expect half of the mean error of everybody, and half in proportion to the undecided share.

    Fixed, not fitted: two dozen patients do not tell more, and a choice would cost coverage.
    """
    errors = np.array([abs(one.error) for one in patients])
    shares = np.array([one.undecided for one in patients])
    half = float(errors.mean()) / 2
    floor = max(half, _LEAST_FLOOR)
    gain = half / max(float(shares.mean()), _LEAST_FLOOR)
    multiples = errors / (floor + gain * shares)
    quantile = conformal_quantile([float(one) for one in multiples], COVERAGE)
    return RegionDoubt(floor, gain, quantile)


def _range(doubt: RegionDoubt, one: MeasuredVolume) -> tuple[float, float]:
    return range_around(one.measured_mm3, doubt.log_half_width(one.undecided), OFFSET_MM3)
