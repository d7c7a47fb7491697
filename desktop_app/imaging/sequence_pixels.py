"""Which image is which sequence, by the pixels alone: every assignment is weighed."""

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from desktop_app.domain.study import Sequence
from desktop_app.imaging.contrast_evidence import BrainLook, pair_features
from desktop_app.imaging.contrast_weights import WEIGHTS, PairTest

# No single pair of images may outvote all others.
_MAX_ODDS = 6.0

_TESTS = {
    (Sequence.T1C, Sequence.T1): PairTest.T1C_T1,
    (Sequence.T1, Sequence.T2): PairTest.T1_T2,
    (Sequence.T1C, Sequence.T2): PairTest.T1_T2,
    (Sequence.T1, Sequence.FLAIR): PairTest.T1_FLAIR,
    (Sequence.T1C, Sequence.FLAIR): PairTest.T1_FLAIR,
    (Sequence.T2, Sequence.FLAIR): PairTest.T2_FLAIR,
}
Assignment = Mapping[Sequence, Sequence]
"""For each sequence, which one its image was given as."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelScores:
    """Log-likelihood of every assignment of the images to the sequences they were given as."""

    assignments: tuple[Assignment, ...]
    scores: tuple[float, ...]

    @property
    def as_given(self) -> float:
        """Log-likelihood of the assignment as given."""
        return self.scores[0]

    def best(self, fixed: Collection[Sequence] = ()) -> tuple[Assignment, float]:
        """Return the likeliest assignment that leaves the `fixed` sequences as given."""
        allowed = [
            (score, assignment)
            for assignment, score in zip(self.assignments, self.scores, strict=True)
            if all(assignment[one] is one for one in fixed if one in assignment)
        ]
        score, assignment = max(allowed, key=lambda one: one[0])
        return assignment, score

    def margin(self, assignment: Assignment, sequence: Sequence) -> float:
        """Return by how much an assignment beats all that give this sequence another image."""
        own = self.scores[self.assignments.index(assignment)]
        others = [
            score
            for other, score in zip(self.assignments, self.scores, strict=True)
            if other[sequence] is not assignment[sequence]
        ]
        return own - max(others) if others else float("inf")


def score_assignments(
    looks: Mapping[Sequence, BrainLook],
    weights: Mapping[PairTest, Iterable[float]] = WEIGHTS,
) -> PixelScores:
    """Weigh every assignment of registered images to the sequences they were given as.

    Parameters
    ----------
    looks
        The images, by the sequence they were given as.
    weights
        Coefficients of `pair_features` for each test.
    """
    given = [sequence for sequence in Sequence if sequence in looks]
    odds: dict[tuple[PairTest, Sequence, Sequence], float] = {}
    for one, other in itertools.combinations(given, 2):
        features = pair_features(looks[one], looks[other])
        for test, coefficients in weights.items():
            value = float(np.clip(features @ np.array(coefficients), -_MAX_ODDS, _MAX_ODDS))
            odds[test, one, other], odds[test, other, one] = value, -value
    assignments = [dict(zip(given, order, strict=True)) for order in itertools.permutations(given)]
    scores = [
        sum(
            -float(np.logaddexp(0, -odds[test, assignment[first], assignment[second]]))
            for (first, second), test in _TESTS.items()
            if first in assignment and second in assignment
        )
        for assignment in assignments
    ]
    return PixelScores(tuple(assignments), tuple(scores))
