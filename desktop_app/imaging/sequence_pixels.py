"""Which image is which sequence, by the pixels alone: every assignment is weighed."""

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
Naming = Mapping[Sequence, str]
"""For each sequence, which image it is."""
PairFeatures = Mapping[tuple[str, str], NDArray[np.float64]]
"""What `pair_features` finds of every two images, each pair in one order."""
Weights = Mapping[PairTest, Iterable[float]]
"""Coefficients of `pair_features` for each test."""
_Odds = dict[tuple[PairTest, str, str], float]


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


@dataclass(frozen=True, slots=True, eq=False)
class NamingScores:
    """Log-likelihood of every way to name images that nothing is known of."""

    namings: tuple[Naming, ...]
    scores: tuple[float, ...]

    def best(self) -> Naming:
        """Return the likeliest naming."""
        return self.namings[int(np.argmax(self.scores))]

    def margin(self, image: str) -> float:
        """Return by how much the best naming beats all that name this image otherwise."""
        best = self.best()
        name = next(sequence for sequence, one in best.items() if one == image)
        others = [
            score
            for naming, score in zip(self.namings, self.scores, strict=True)
            if naming.get(name) != image
        ]
        return max(self.scores) - max(others) if others else float("inf")


def compare_pairs(looks: Mapping[str, BrainLook]) -> PairFeatures:
    """Compare every two images."""
    return {
        (one, other): pair_features(looks[one], looks[other])
        for one, other in itertools.combinations(looks, 2)
    }


def score_assignments(looks: Mapping[Sequence, BrainLook]) -> PixelScores:
    """Weigh every assignment of registered images to the sequences they were given as.

    Parameters
    ----------
    looks
        The images, by the sequence they were given as.
    """
    given = {sequence.value: looks[sequence] for sequence in Sequence if sequence in looks}
    return score_pairs(tuple(map(Sequence, given)), compare_pairs(given))


def score_pairs(
    given: tuple[Sequence, ...], pairs: PairFeatures, weights: Weights = WEIGHTS
) -> PixelScores:
    """Do as `score_assignments` with images that were compared before."""
    odds = _odds(pairs, weights)
    assignments = [dict(zip(given, order, strict=True)) for order in itertools.permutations(given)]
    scores = [_log_likelihood(assignment, odds) for assignment in assignments]
    return PixelScores(tuple(assignments), tuple(scores))


def score_namings(
    pairs: PairFeatures,
    unknown: Collection[str],
    known: Naming,
    weights: Weights = WEIGHTS,
) -> NamingScores:
    """Weigh every way to give images the names that are left.

    Parameters
    ----------
    pairs
        Of all images, those with a name included.
    unknown
        Images without a name, no more than sequences without an image.
    known
        Images that keep their name.
    """
    free = [sequence for sequence in Sequence if sequence not in known]
    odds = _odds(pairs, weights)
    namings = [
        {**known, **dict(zip(names, unknown, strict=True))}
        for names in itertools.permutations(free, len(unknown))
    ]
    return NamingScores(tuple(namings), tuple(_log_likelihood(one, odds) for one in namings))


def _odds(pairs: PairFeatures, weights: Weights) -> _Odds:
    odds: _Odds = {}
    for test, coefficients in weights.items():
        vector = np.array(coefficients)
        for (one, other), features in pairs.items():
            value = float(np.clip(features @ vector, -_MAX_ODDS, _MAX_ODDS))
            odds[test, one, other], odds[test, other, one] = value, -value
    return odds


def _log_likelihood(image_of: Mapping[Sequence, str], odds: _Odds) -> float:
    return sum(
        -float(np.logaddexp(0, -odds[test, image_of[first], image_of[second]]))
        for (first, second), test in _TESTS.items()
        if first in image_of and second in image_of
    )
