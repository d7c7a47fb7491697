"""What the rules make of one series, and how they read its header."""

from dataclasses import dataclass

from desktop_app.domain.study import Sequence, Series


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the rules think one series is.

    Parameters
    ----------
    role
        ``None`` where the series is none of the four; `reason` then says what it is.
    rank
        Orders candidates for the same role, higher is better.
    """

    series_uid: str
    role: Sequence | None
    confidence: float
    reason: str
    rank: float = 0.0


def header_number(series: Series, keyword: str) -> float | None:
    """Return the first value of a numerical header element, ``None`` where there is none."""
    try:
        return float(series.attributes.get(keyword, "").split("\\")[0])
    except ValueError:
        return None
