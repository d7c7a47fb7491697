"""What studies usually look like, drawn from patients, and how often it flags one of them."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from model.data import patient_of
from model.familiarity import (
    FamiliarityModel,
    Order,
    Statistic,
    exchange_factor,
    exchanged,
    in_all_orders,
)
from model.spec import SEQUENCES

FALSE_FLAGS: Final = 0.05
LEAST_PATIENTS: Final = 8
# A study may be flagged by its farthest statistic or by the order of its images.
_FALSE_FLAGS_EACH: Final = FALSE_FLAGS / 2
_EXCHANGES_MISSED: Final = 0.02
_SMALLEST_SCALE: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    name: str
    found: Mapping[str, float]
    orders: Mapping[Order, Mapping[str, float]]


_Patients = Mapping[str, Sequence[_Scan]]


@dataclass(frozen=True, slots=True, eq=False)
class TypicalStudies:
    """A familiarity model and how it treats patients that had no part in it.

    Attributes
    ----------
    model
        Drawn from all patients.
    false_flags
        Share of new patients that its limits promise to exceed at most.
    flagged
        The scans called unfamiliar by a model drawn from all other patients.
    exchanges_noticed
        Share of studies called unfamiliar by that model after two of their images were exchanged,
        over all scans and all pairs of sequences.
    """

    model: FamiliarityModel
    false_flags: float
    flagged: tuple[str, ...]
    exchanges_noticed: float

    def as_section(self) -> dict[str, Any]:
        """Return the ``familiarity`` part of a card's calibration."""
        return {
            "limit": round(self.model.limit, 4),
            "exchange_limit": (
                None if self.model.exchange_limit is None else round(self.model.exchange_limit, 4)
            ),
            "nominal_false_flags": round(self.false_flags, 4),
            "flagged_left_out": list(self.flagged),
            "exchanges_noticed_left_out": round(self.exchanges_noticed, 4),
            "statistics": {
                name: {"mean": round(one.centre, 5), "deviation": round(one.scale, 5)}
                for name, one in self.model.statistics.items()
            },
        }


def fit_typical(statistics: Mapping[str, Mapping[str, float]]) -> TypicalStudies | None:
    """Draw a familiarity model from patients; ``None`` if there are too few.

    Both limits come from each patient compared with all others, so that the share `FALSE_FLAGS` of
    new patients should exceed one of them (two of 23 where the patients are but 22). The distance
    is the conformal quantile. The factor for images that look exchanged is larger where it may be:
    as long as it notices 98 % of the exchanges of two images in these patients.

    Parameters
    ----------
    statistics
        By the name of the scan. Scans of one patient are left out together, and the one that is
        least like the others counts.
    """
    by_patient: dict[str, list[_Scan]] = {}
    for name, found in statistics.items():
        scan = _Scan(name, found, in_all_orders(found))
        by_patient.setdefault(patient_of(name), []).append(scan)
    if len(by_patient) <= LEAST_PATIENTS:
        return None
    flagged = []
    noticed: list[bool] = []
    for patient, own in by_patient.items():
        others = _model(_without(patient, by_patient))
        for scan in own:
            if others.judge(scan.found).is_unfamiliar:
                flagged.append(scan.name)
            noticed += [
                others.judge(exchanged(scan.found, *pair)).is_unfamiliar
                for pair in itertools.combinations(SEQUENCES, 2)
            ]
    # A limit that is the largest of n distances is exceeded by one in n + 1.
    false_flags = max(FALSE_FLAGS, 2 / (len(by_patient) + 1))
    share = sum(noticed) / len(noticed)
    return TypicalStudies(_model(by_patient), false_flags, tuple(flagged), share)


def _without(patient: str, by_patient: _Patients) -> _Patients:
    return {other: scans for other, scans in by_patient.items() if other != patient}


def _model(by_patient: _Patients) -> FamiliarityModel:
    largest, as_given, swapped = [], [], []
    for patient, own in by_patient.items():
        others = FamiliarityModel(_usual(_without(patient, by_patient)), 1.0)
        distances, factors = [], []
        for scan in own:
            distances.append(max(others.distances(scan.found).values()))
            mismatches = others.mismatches(scan.orders)
            given = next(iter(mismatches))
            factors.append(exchange_factor(mismatches, given))
            swapped += [exchange_factor(mismatches, order) for order in _swaps(given)]
        largest.append(max(distances))
        as_given.append(max(factors))
    usual = _usual(by_patient)
    limit = conformal_quantile(largest, 1 - _FALSE_FLAGS_EACH)
    factor = conformal_quantile(as_given, 1 - _FALSE_FLAGS_EACH)
    if swapped:
        factor = max(factor, sorted(swapped)[int(_EXCHANGES_MISSED * len(swapped))])
    return FamiliarityModel(usual, limit, factor)


def _swaps(given: Order) -> list[Order]:
    """Return the orders in which two images have changed places."""
    found = []
    for one, other in itertools.combinations(given, 2):
        places = {one: other, other: one}
        found.append(tuple(places.get(sequence, sequence) for sequence in given))
    return found


def _usual(by_patient: _Patients) -> dict[str, Statistic]:
    scans = [scan.found for own in by_patient.values() for scan in own]
    names = [name for name in scans[0] if all(name in one for one in scans)]
    table = np.array([[one[name] for name in names] for one in scans])
    scales = np.maximum(table.std(axis=0, ddof=1), _SMALLEST_SCALE)
    centres = table.mean(axis=0)
    return {
        name: Statistic(float(c), float(s))
        for name, c, s in zip(names, centres, scales, strict=True)
    }


def conformal_quantile(scores: Sequence[float], coverage: float) -> float:
    """Return the score that a new patient's exceeds with a chance of at most 1 − `coverage`.

    The ⌈(n + 1) · coverage⌉-th smallest of n scores (Vovk et al. 2005; Lei et al. 2018, doi
    10.1080/01621459.2017.1307116); the largest where there are too few for that.
    """
    rank = math.ceil((len(scores) + 1) * coverage)
    return sorted(scores)[min(rank, len(scores)) - 1]
