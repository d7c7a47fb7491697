"""How far a mean over few patients may be from the mean over many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

SEED: Final = 2021
RESAMPLES: Final = 10_000
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over the scans of patients.

    Attributes
    ----------
    value
        The arithmetic mean; each scan counts alike.
    low, high
        Limits of its 95 % bootstrap interval; ``None`` of one patient, who is no sample.
    patients
        How many there were.
    """

    value: float
    low: float | None
    high: float | None
    patients: int


def bootstrap_mean(values: Sequence[float], patients: Sequence[str]) -> Mean | None:
    """Return the mean of one value per scan; ``None`` if there is none.

    The interval is the percentile bootstrap over patients, who are drawn with all their scans
    (Efron and Tibshirani 1993), with a fixed seed: the same values always have the same interval.

    Parameters
    ----------
    values
        Per scan.
    patients
        Per scan, whose it is.
    """
    if not values:
        return None
    array = np.asarray(values, dtype=np.float64)
    # In the order in which they come, so that names have no part in the interval.
    number = {name: n for n, name in enumerate(dict.fromkeys(patients))}
    owners = [number[name] for name in patients]
    sums, scans = np.bincount(owners, weights=array), np.bincount(owners)
    count = len(number)
    if count == 1:
        return Mean(float(array.mean()), None, None, count)
    chosen = np.random.default_rng(SEED).integers(count, size=(RESAMPLES, count))
    tail = (1 - CONFIDENCE) / 2
    means = sums[chosen].sum(axis=1) / scans[chosen].sum(axis=1)
    low, high = np.quantile(means, (tail, 1 - tail))
    return Mean(float(array.mean()), float(low), float(high), count)
