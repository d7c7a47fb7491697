"""Ranges of volumes that are meant to hold the truth in patients the network has not seen.

The error of a volume is taken as a difference of logarithms, after one millilitre was added to
both, and divided by what the network's own doubt lets expect. What is expected of a patient comes
from the other folds alone, which is to say from other networks, as the shipped weights are another
network too. The multiple that covers these errors in the share of patients asked for, by the rule
of conformal prediction, makes the range (cross-conformal prediction, Vovk 2015, doi
10.1007/s10472-013-9368-4; like CV+ of Barber et al. 2021, doi 10.1214/20-AOS1965). Had the
expectation been drawn from the very patients it is held against, the ranges would be too narrow.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from model.calibration import MEASURED_REGIONS, WIDEST_FACTOR, RegionDoubt, range_around
from model.evaluate.typical import conformal_quantile
from model.spec import WORK_SPACING_MM

COVERAGE: Final = 0.90
OFFSET_MM3: Final = 1000.0
# Below 9 patients no finite range can promise 90 %.
LEAST_PATIENTS: Final = 10
_LEAST_FLOOR: Final = 0.01
_ROUNDING: Final = 1e-9


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


@dataclass(frozen=True, slots=True)
class Check:
    """How ranges did that were drawn without the fold of the scan they were held against.

    Attributes
    ----------
    covered
        Number of scans whose true volume lay in the range.
    median_factor
        By what the range's upper end exceeds the measured volume in the median scan, one
        millilitre added to both.
    shown, shown_covered
        Number of scans whose range is not too wide to be shown (`model.calibration`), and of those
        that hold the truth.
    """

    covered: int
    median_factor: float
    shown: int
    shown_covered: int


@dataclass(frozen=True, slots=True, eq=False)
class RegionRange:
    """The doubt about one region, and how it does on patients of another fold.

    Attributes
    ----------
    doubt
        Floor and gain fitted to all patients, the quantile to their errors out of fold.
    out_of_fold
        Ranges of that quantile, floor and gain from the other folds. They are about as wide as
        those that are shipped; how many of all hold the truth follows from the quantile's rank,
        how many of those shown does not.
    other_folds
        Ranges of which the quantile, too, is from the other folds. They are wider: the fewer the
        patients, the nearer to the worst of them the quantile lies.
    median_factor, shown
        As in `Check`, of what is shipped.
    half_width_percent
        Median over scans of the upper half of the range in percent of the measured volume, among
        those with at least a millilitre.
    """

    doubt: RegionDoubt
    out_of_fold: Check
    other_folds: Check
    median_factor: float
    shown: int
    half_width_percent: float | None


@dataclass(frozen=True, slots=True)
class _Scan:
    volume: MeasuredVolume
    fold: str
    patient: str


def fit_ranges(
    volumes: Sequence[dict[str, MeasuredVolume]], folds: Sequence[str], patients: Sequence[str]
) -> dict[str, RegionRange] | None:
    """Fit the doubt of every region; ``None`` if there are too few patients.

    Parameters
    ----------
    volumes
        Per scan, by region.
    folds
        Per scan, the fold that kept its patient out; two folds at least.
    patients
        Per scan, whose it is. Of several scans of one patient the worst counts.
    """
    if len(set(patients)) < LEAST_PATIENTS or len(set(folds)) < 2:
        return None
    return {
        name: _fit_region(
            [
                _Scan(one[name], fold, patient)
                for one, fold, patient in zip(volumes, folds, patients, strict=True)
            ]
        )
        for name in MEASURED_REGIONS
    }


def as_section(ranges: dict[str, RegionRange], *, patients: int, scans: int) -> dict[str, Any]:
    """Return the ``volume`` part of a card's calibration."""
    return {
        "coverage": COVERAGE,
        "offset_mm3": OFFSET_MM3,
        "patients": patients,
        "voxel_mm": WORK_SPACING_MM,
        "scans": scans,
        "regions": {
            name: {
                "floor": round(one.doubt.floor, 5),
                "gain": round(one.doubt.gain, 5),
                "quantile": round(one.doubt.quantile, 5),
                "median_factor": one.median_factor,
                "shown": one.shown,
                "out_of_fold": asdict(one.out_of_fold),
                "other_folds": asdict(one.other_folds),
                "median_upper_half_percent": one.half_width_percent,
            }
            for name, one in ranges.items()
        },
    }


def _fit_region(scans: Sequence[_Scan]) -> RegionRange:
    doubt = _fit(scans)
    by_rule, by_others = [], []
    for fold in sorted({one.fold for one in scans}):
        others = [one for one in scans if one.fold != fold]
        expected = _expectation(others)
        mixed = RegionDoubt(*expected, doubt.quantile)
        own = _fit(others)
        of_fold = [one.volume for one in scans if one.fold == fold]
        by_rule += [(mixed, one) for one in of_fold]
        by_others += [(own, one) for one in of_fold]
    checked = _check([(doubt, one.volume) for one in scans])
    widths = [
        100 * (_range(doubt, one.volume)[1] / one.volume.measured_mm3 - 1)
        for one in scans
        if one.volume.measured_mm3 >= OFFSET_MM3
    ]
    median = round(float(np.median(widths)), 1) if widths else None
    return RegionRange(
        doubt,
        _check(by_rule),
        _check(by_others),
        checked.median_factor,
        checked.shown,
        median,
    )


def _fit(scans: Sequence[_Scan]) -> RegionDoubt:
    """Return what to expect of all scans, and the multiple of it that covers errors out of fold.

    Where there is but one fold, its own expectation has to do.
    """
    floor, gain = _expectation(scans)
    worst: dict[str, float] = {}
    for fold in sorted({one.fold for one in scans}):
        others = [one for one in scans if one.fold != fold]
        expected = _expectation(others) if others else (floor, gain)
        for one in scans:
            if one.fold == fold:
                multiple = _multiple(expected, one.volume)
                worst[one.patient] = max(multiple, worst.get(one.patient, 0.0))
    return RegionDoubt(floor, gain, conformal_quantile(list(worst.values()), COVERAGE))


def _expectation(scans: Sequence[_Scan]) -> tuple[float, float]:
    """Expect half of the mean error of everybody, and half in proportion to the undecided share.

    Fixed, not fitted: two dozen patients do not tell more, and a choice would cost coverage.

    Returns
    -------
    tuple
        Floor and gain, see `RegionDoubt`.
    """
    half = float(np.mean([abs(one.volume.error) for one in scans])) / 2
    share = float(np.mean([one.volume.undecided for one in scans]))
    return max(half, _LEAST_FLOOR), half / max(share, _LEAST_FLOOR)


def _multiple(expected: tuple[float, float], one: MeasuredVolume) -> float:
    floor, gain = expected
    return abs(one.error) / (floor + gain * one.undecided)


def _check(drawn: Sequence[tuple[RegionDoubt, MeasuredVolume]]) -> Check:
    widths = [doubt.log_half_width(one.undecided) for doubt, one in drawn]
    held = [
        abs(one.error) <= width + _ROUNDING for width, (_, one) in zip(widths, drawn, strict=True)
    ]
    shown = [width <= math.log(WIDEST_FACTOR) for width in widths]
    return Check(
        sum(held),
        round(math.exp(float(np.median(widths))), 2),
        sum(shown),
        sum(a and b for a, b in zip(held, shown, strict=True)),
    )


def _range(doubt: RegionDoubt, one: MeasuredVolume) -> tuple[float, float]:
    return range_around(one.measured_mm3, doubt.log_half_width(one.undecided), OFFSET_MM3)
