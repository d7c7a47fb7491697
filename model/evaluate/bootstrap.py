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
    """A mean over patients.

    Attributes
    ----------
    value
        The arithmetic mean.
    low, high
        Limits of its 95 % bootstrap interval.
    patients
        How many there were.
    """

    value: float
    low: float
    high: float
    patients: int


def bootstrap_mean(values: Sequence[float]) -> Mean | None:
    """Return the mean of one value per patient; ``None`` if there is no patient.

    The interval is the percentile bootstrap over patients (Efron and Tibshirani 1993), with a
    fixed seed: the same values always have the same interval.
    """
    if not values:
        return None
    array = np.asarray(values, dtype=np.float64)
    chosen = np.random.default_rng(SEED).integers(array.size, size=(RESAMPLES, array.size))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(array[chosen].mean(axis=1), (tail, 1 - tail))
    return Mean(float(array.mean()), float(low), float(high), array.size)
