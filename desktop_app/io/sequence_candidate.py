"""What the rules make of one series, and how they read its header."""

from dataclasses import dataclass

from desktop_app.domain.study import Sequence, Series

# Within a class candidates are about as sure: words and timing agree; one of both, or contrast told
# by a single sign; a guess. What contradicts itself is in none.
_CLASSES = (0.9, 0.7, 0.46)
# A whole brain that is guessed comes before part of a brain that is sure.
_CLASSES_LOST_BY_SLAB = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the rules think one series is.

    Parameters
    ----------
    role
        ``None`` where the series is none of the four; `reason` then says what it is.
    quality
        Orders candidates that are as sure of the same role, higher is better.
    is_slab
        Whether it covers only part of the brain.
    """

    series_uid: str
    role: Sequence | None
    confidence: float
    reason: str
    quality: float = 0.0
    is_slab: bool = False

    @property
    def rank(self) -> tuple[int, bool, float]:
        """Orders candidates for the same role, higher is better: how sure, how much, how good."""
        sure = sum(self.confidence >= least for least in _CLASSES)
        return sure - _CLASSES_LOST_BY_SLAB * self.is_slab, not self.is_slab, self.quality


def header_number(series: Series, keyword: str) -> float | None:
    """Return the first value of a numerical header element, ``None`` where there is none."""
    try:
        return float(series.attributes.get(keyword, "").split("\\")[0])
    except ValueError:
        return None
