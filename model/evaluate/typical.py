"""What studies usually look like, drawn from patients, and how often it flags one of them."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from model.familiarity import FamiliarityModel, Statistic, exchanged
from model.spec import SEQUENCES

FALSE_FLAGS: Final = 0.05
LEAST_PATIENTS: Final = 8
_SMALLEST_SCALE: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class TypicalStudies:
    """A familiarity model and how it treats patients that had no part in it.

    Attributes
    ----------
    model
        Drawn from all patients.
    flagged
        The patients called unfamiliar by a model drawn from all others.
    exchanges_noticed
        Share of studies called unfamiliar by that model after two of their images were exchanged,
        over all patients and all pairs of sequences.
    """

    model: FamiliarityModel
    flagged: tuple[str, ...]
    exchanges_noticed: float

    def as_section(self) -> dict[str, Any]:
        """Return the ``familiarity`` part of a card's calibration."""
        return {
            "limit": round(self.model.limit, 4),
            "nominal_false_flags": FALSE_FLAGS,
            "flagged_left_out": list(self.flagged),
            "exchanges_noticed_left_out": round(self.exchanges_noticed, 4),
            "statistics": {
                name: {"mean": round(one.centre, 5), "deviation": round(one.scale, 5)}
                for name, one in self.model.statistics.items()
            },
        }


def fit_typical(statistics: Mapping[str, Mapping[str, float]]) -> TypicalStudies | None:
    """Draw a familiarity model from patients; ``None`` if there are too few.

    The limit is the largest distance that the share `FALSE_FLAGS` of new patients should exceed
    (the conformal quantile of the distances of each patient from all others).

    Parameters
    ----------
    statistics
        By patient.
    """
    if len(statistics) <= LEAST_PATIENTS:
        return None
    model = _model(list(statistics.values()))
    flagged = []
    noticed: list[bool] = []
    for name, found in statistics.items():
        others = _model([one for other, one in statistics.items() if other != name])
        if others.judge(found).is_unfamiliar:
            flagged.append(name)
        noticed += [
            others.judge(exchanged(found, *pair)).is_unfamiliar
            for pair in itertools.combinations(SEQUENCES, 2)
        ]
    return TypicalStudies(model, tuple(flagged), sum(noticed) / len(noticed))


def _model(patients: Sequence[Mapping[str, float]]) -> FamiliarityModel:
    usual = _usual(patients)
    largest = [
        max(
            FamiliarityModel(_usual([*patients[:n], *patients[n + 1 :]]), 1.0)
            .distances(found)
            .values()
        )
        for n, found in enumerate(patients)
    ]
    return FamiliarityModel(usual, conformal_quantile(largest, 1 - FALSE_FLAGS))


def _usual(patients: Sequence[Mapping[str, float]]) -> dict[str, Statistic]:
    names = [name for name in patients[0] if all(name in one for one in patients)]
    table = np.array([[one[name] for name in names] for one in patients])
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
