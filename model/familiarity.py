"""How much a study looks like those the network was trained on; free of torch.

A handful of statistics of the normalised images, and how undecided the network was, are compared
with those of patients it had not seen. The most unusual one decides: a study with one channel
wrong is unusual in a few statistics and ordinary in all others.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.spec import SEQUENCES

_QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_BRIGHT: Final = 0.95
_CHANGE: Final = 0.005
# Every n-th voxel along each axis: a hundred thousand are enough for a quantile.
_STRIDE: Final = 2
_MIN_VOXELS: Final = 1000
_LITRE_MM3: Final = 1e6


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
    statistic
        Which one that was.
    """

    score: float
    statistic: str

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

    Raises
    ------
    ValueError
        If there are no statistics, or a scale or the limit is not positive.
    """

    statistics: Mapping[str, Statistic]
    limit: float

    def __post_init__(self) -> None:
        positive = all(one.scale > 0 for one in self.statistics.values()) and self.limit > 0
        if not self.statistics or not positive:
            raise ValueError("a familiarity model needs statistics, positive scales and a limit")

    def judge(self, found: Mapping[str, float]) -> Unfamiliarity:
        """Compare a study's statistics with what is usual; those it lacks are left out."""
        distances = {
            name: abs(found[name] - usual.centre) / usual.scale
            for name, usual in self.statistics.items()
            if name in found
        }
        if not distances:
            return Unfamiliarity(0.0, "")
        farthest = max(distances, key=distances.__getitem__)
        return Unfamiliarity(distances[farthest] / self.limit, farthest)

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
            return cls(statistics, float(section["limit"]))
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
            found[f"{sequence} quantile {share:g}"] = float(value)
        whole = image_ckji[SEQUENCES.index(sequence)]
        found[f"{sequence} roughness"] = math.log(_roughness(whole))
    for (one, (a, in_a)), (other, (b, in_b)) in itertools.combinations(present.items(), 2):
        both = in_a & in_b
        if np.count_nonzero(both) >= _MIN_VOXELS:
            found |= _pair(one, other, a[both], b[both])
    return found


def _size(
    image_ckji: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> dict[str, float]:
    inside = np.asarray((image_ckji != 0).any(axis=0))
    litres = max(int(inside.sum()), 1) * math.prod(spacing_mm) / _LITRE_MM3
    return {"brain volume": math.log(litres), "brain in its box": float(inside.mean())}


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
    last = array_kji.shape[axis]
    before = np.take(array_kji, range(last - 1), axis=axis)
    after = np.take(array_kji, range(1, last), axis=axis)
    inside = (before != 0) & (after != 0)
    return float(np.abs(after - before)[inside].mean()) if inside.any() else 0.0


def _pair(one: str, other: str, a: NDArray[np.float32], b: NDArray[np.float32]) -> dict[str, float]:
    found = {
        f"{one} and {other} correlation": float(np.corrcoef(a, b)[0, 1]),
        f"{other} where {one} is bright": float(b[a > np.quantile(a, _BRIGHT)].mean()),
        f"{one} where {other} is bright": float(a[b > np.quantile(b, _BRIGHT)].mean()),
    }
    if (one, other) == ("T1", "T1c"):
        low, high = np.quantile(b - a, (_CHANGE, 1 - _CHANGE))
        found["T1c over T1"] = float(low + high)
    return found
