"""How much a study looks like those the network was trained on; free of torch.

A handful of statistics of the normalised images, and how undecided the network was, are compared
with those of patients it had not seen. The most unusual one decides: a study with one channel
wrong is unusual in a few statistics and ordinary in all others.
"""

import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.spec import SEQUENCES, Sequence

_QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_BRIGHT: Final = 0.95
_CHANGE: Final = 0.005
_FULL: Final = 0.9999
# Every n-th voxel along each axis: tens of thousands are enough for a quantile.
_STRIDE: Final = 3
_MIN_VOXELS: Final = 500
# Beyond it one distance says no more than that the images do not fit.
_FARTHEST: Final = 8.0

_QUANTILE, _ROUGHNESS, _CORRELATION, _DIFFERENCE = (
    "quantile",
    "roughness",
    "correlation",
    "difference",
)
_VOLUME, _FILLING = "brain volume", "brain in its box"
_LITRE_MM3: Final = 1e6
_LEAST_MISMATCH: Final = 1e-6

Order = tuple[Sequence, ...]
"""What each of the present sequences is taken for."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """What is usual for one number.

    Parameters
    ----------
    centre, scale
        Mean and standard deviation over patients.
    """

    centre: float
    scale: float


@dataclass(frozen=True, slots=True)
class Unfamiliarity:
    """How unusual a study is.

    Parameters
    ----------
    score
        Distance of the most unusual statistic as a share of the limit: above 1 the study looks
        like none of the patients that the limit was drawn from.
    reason
        What is unusual most of all, in words that end a sentence.
    """

    score: float
    reason: str

    @property
    def is_unfamiliar(self) -> bool:
        """Whether the study is further away than the limit."""
        return self.score > 1


@dataclass(frozen=True, slots=True, eq=False)
class FamiliarityModel:
    """What studies usually look like, from a model card.

    Parameters
    ----------
    statistics
        By name, as `study_statistics` names them.
    limit
        Distance, in standard deviations, beyond which a study is unfamiliar.
    exchange_limit
        Images look exchanged where they fit worse than in another order by more than this factor;
        ``None``: other orders are not tried.

    Raises
    ------
    ValueError
        If there are no statistics, a scale or the limit is not positive, or the factor is below 1.
    """

    statistics: Mapping[str, Statistic]
    limit: float
    exchange_limit: float | None = None

    def __post_init__(self) -> None:
        positive = all(one.scale > 0 for one in self.statistics.values()) and self.limit > 0
        if not self.statistics or not positive:
            raise ValueError("a familiarity model needs statistics, positive scales and a limit")
        if self.exchange_limit is not None and self.exchange_limit < 1:
            raise ValueError(f"familiarity: an exchange limit below 1: {self.exchange_limit}")

    def judge(self, found: Mapping[str, float]) -> Unfamiliarity:
        """Compare a study's statistics with what is usual; those it lacks are left out.

        A study is unfamiliar where one statistic is beyond the limit, or where the images fit
        clearly better in another order: two sequences exchanged change each statistic but little.
        """
        distances = self.distances(found)
        if not distances:
            return Unfamiliarity(0.0, "nothing")
        farthest = max(distances, key=distances.__getitem__)
        unusual = Unfamiliarity(distances[farthest] / self.limit, _in_words(farthest))
        exchanged = self._exchanged(found)
        if exchanged is None or unusual.score > exchanged.score:
            return unusual
        return exchanged

    def distances(self, found: Mapping[str, float]) -> dict[str, float]:
        """Return how many standard deviations each statistic is from what is usual."""
        return {
            name: abs(found[name] - usual.centre) / usual.scale
            for name, usual in self.statistics.items()
            if name in found
        }

    def mismatches(self, in_orders: Mapping[Order, Mapping[str, float]]) -> dict[Order, float]:
        """Return how badly a study fits in each order of its images, see `in_all_orders`.

        The root mean square of the distances of everything that is said of images.
        """
        names = [name for name in self.statistics if _is_of_images(name)]
        usual = [self.statistics[name] for name in names]
        centres = np.array([one.centre for one in usual])
        scales = np.array([one.scale for one in usual])
        table = np.array(
            [[one.get(name, math.nan) for name in names] for one in in_orders.values()]
        )
        distances = np.minimum(np.abs(table - centres) / scales, _FARTHEST)
        known = np.maximum(np.isfinite(table).sum(axis=1), 1)
        found = np.sqrt(np.nansum(distances**2, axis=1) / known)
        return dict(zip(in_orders, found.tolist(), strict=True))

    def _exchanged(self, found: Mapping[str, float]) -> Unfamiliarity | None:
        if self.exchange_limit is None:
            return None
        mismatches = self.mismatches(in_all_orders(found))
        as_given, best = next(iter(mismatches)), min(mismatches, key=mismatches.__getitem__)
        moved = [given for given, seen in zip(as_given, best, strict=True) if given != seen]
        if not moved:
            return None
        names = " and ".join([", ".join(moved[:-1]), moved[-1]])
        return Unfamiliarity(
            exchange_factor(mismatches, as_given) / self.exchange_limit,
            f"the images given as {names} look exchanged",
        )

    @classmethod
    def from_mapping(cls, section: Mapping[str, Any]) -> "FamiliarityModel":
        """Read the ``familiarity`` part of a card's calibration.

        Raises
        ------
        ValueError
            If it cannot be used.
        """
        try:
            statistics = {
                name: Statistic(float(one["mean"]), float(one["deviation"]))
                for name, one in section["statistics"].items()
            }
            factor = section.get("exchange_limit")
            return cls(
                statistics, float(section["limit"]), None if factor is None else float(factor)
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the model card's familiarity: {error!r}") from error


def study_statistics(
    image_ckji: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> dict[str, float]:
    """Return the numbers by which studies are compared.

    Per sequence the quantiles of its intensities and how much neighbours differ; per pair their
    correlation, and how bright one is where the other is brightest; how T1c differs from T1 at
    the extremes; how large the brain is and how much of its box it fills.

    Parameters
    ----------
    image_ckji
        (4, k, j, i) as `model.normalise` returns it, cropped to the brain; a missing sequence is
        zero throughout, and nothing is said of it.
    spacing_mm
        Voxel size along k, j and i.
    """
    found = _size(image_ckji, spacing_mm)
    thin = image_ckji[:, ::_STRIDE, ::_STRIDE, ::_STRIDE]
    present = {
        sequence: (channel, channel != 0)
        for sequence, channel in zip(SEQUENCES, thin, strict=True)
        if np.count_nonzero(channel) >= _MIN_VOXELS
    }
    for sequence, (channel, inside) in present.items():
        quantiles = np.quantile(channel[inside], _QUANTILES)
        for share, value in zip(_QUANTILES, quantiles, strict=True):
            found[f"{sequence} {_QUANTILE} {share:g}"] = float(value)
        whole = image_ckji[SEQUENCES.index(sequence)]
        found[f"{sequence} {_ROUGHNESS}"] = math.log(_roughness(whole))
    for (one, (a, in_a)), (other, (b, in_b)) in itertools.combinations(present.items(), 2):
        both = in_a & in_b
        if np.count_nonzero(both) >= _MIN_VOXELS:
            found |= _pair(one, other, a[both], b[both])
    return found


def in_all_orders(found: Mapping[str, float]) -> dict[Order, dict[str, float]]:
    """Return a study's statistics for every order of its images, first as they were given."""
    present = [one for one in SEQUENCES if f"{one} {_ROUGHNESS}" in found]
    return {
        order: _renamed(found, dict(zip(present, order, strict=True)))
        for order in itertools.permutations(present)
    }


def exchange_factor(mismatches: Mapping[Order, float], given: Order) -> float:
    """Return how many times worse images fit in the order given than in the best one."""
    return mismatches[given] / max(min(mismatches.values()), _LEAST_MISMATCH)


def exchanged(found: Mapping[str, float], one: Sequence, other: Sequence) -> dict[str, float]:
    """Return the statistics of the same study with two of its images exchanged."""
    return _renamed(found, {one.value: other.value, other.value: one.value})


def _size(
    image_ckji: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> dict[str, float]:
    inside = np.asarray((image_ckji != 0).any(axis=0))
    litres = max(int(inside.sum()), 1) * math.prod(spacing_mm) / _LITRE_MM3
    return {_VOLUME: math.log(litres), _FILLING: float(inside.mean())}


def _roughness(channel_kji: NDArray[np.float32]) -> float:
    # The middle of three axes: thick slices smooth one, noise roughens all.
    thin = channel_kji[::_STRIDE]
    steps: list[float] = [
        _mean_step(thin, axis=1),
        _mean_step(thin, axis=2),
        _mean_step(channel_kji[:, ::_STRIDE], axis=0),
    ]
    return max(sorted(steps)[1], 1e-3)


def _mean_step(array_kji: NDArray[np.float32], *, axis: int) -> float:
    before, after = (
        array_kji[tuple(part if a == axis else slice(None) for a in range(array_kji.ndim))]
        for part in (slice(None, -1), slice(1, None))
    )
    inside = (before != 0) & (after != 0)
    return float(np.abs(after - before)[inside].mean()) if inside.any() else 0.0


def _pair(one: str, other: str, a: NDArray[np.float32], b: NDArray[np.float32]) -> dict[str, float]:
    flat = a.min() == a.max() or b.min() == b.max()
    correlation = 0.0 if flat else float(np.corrcoef(a, b)[0, 1])
    low, high = np.quantile(b - a, (_CHANGE, 1 - _CHANGE))
    return {
        # Fisher's transform: 0.90 and 0.99 are as far apart as 0.0 and 0.83.
        f"{one} {other} {_CORRELATION}": math.atanh(min(max(correlation, -_FULL), _FULL)),
        f"{one} {other} {_DIFFERENCE}": float(low + high),
        f"{other} where {one} is bright": float(b[a >= np.quantile(a, _BRIGHT)].mean()),
        f"{one} where {other} is bright": float(a[b >= np.quantile(b, _BRIGHT)].mean()),
    }


def _names_in(statistic: str) -> set[str]:
    return set(statistic.split())


@functools.cache
def _is_of_images(statistic: str) -> bool:
    return not _names_in(statistic).isdisjoint(SEQUENCES)


def _renamed(found: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    """Return the statistics of the same images in another order."""
    renamed = {}
    for name, value in found.items():
        words = [names.get(word, word) for word in name.split()]
        turned = value
        if words[-1] in (_CORRELATION, _DIFFERENCE) and _rank(words[0]) > _rank(words[1]):
            words[:2] = reversed(words[:2])
            turned = -value if words[-1] == _DIFFERENCE else value
        renamed[" ".join(words)] = turned
    return renamed


def _rank(sequence: str) -> int:
    return SEQUENCES.index(Sequence(sequence))


def _in_words(statistic: str) -> str:
    named = [sequence.value for sequence in SEQUENCES if sequence in _names_in(statistic)]
    if len(named) > 1:
        return f"unusual: the contrast between {named[0]} and {named[1]}"
    if named:
        what = "noise or sharpness" if statistic.endswith(_ROUGHNESS) else "range of intensities"
        return f"unusual: the {what} of {named[0]}"
    if statistic in (_VOLUME, _FILLING):
        return "unusual: size or outline of the brain"
    return f"unusual: the {statistic}"
