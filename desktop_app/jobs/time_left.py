"""How long a job will still take."""

from collections.abc import Sequence

import numpy as np

_FIRST_ESTIMATE_SECONDS = 1.0
_FIRST_ESTIMATE_SHARE = 0.03
_WEIGHT_OF_NEWS = 0.3
_TOLERATED_RISE = 1.15
_LEAST_SHARE_SHOWN = 0.5


class Pace:
    """How the time of a kind of job was spread over its progress, learnt from earlier runs.

    Parameters
    ----------
    fractions, seconds
        Fractions reported and the time that had passed then, both rising; the last pair is the
        end of the job.
    """

    def __init__(self, fractions: Sequence[float], seconds: Sequence[float]) -> None:
        self.total_seconds = max(seconds[-1], 1e-6)
        self._fractions = np.array([0.0, *fractions])
        self._shares = np.array([0.0, *seconds]) / self.total_seconds

    def share(self, fraction: float) -> float:
        """Return the share of the whole time that has passed at this fraction."""
        return float(np.interp(fraction, self._fractions, self._shares))


class TimeLeft:
    """Estimates the seconds left of one job from its progress, and from earlier ones' pace.

    A fraction need not be linear in time: with a `pace` it is first mapped to a share of the time.
    The estimate falls with the clock, is smoothed, and rises only for a good reason, so that the
    number a person watches does not jump.
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace
        self._fractions: list[float] = []
        self._seconds: list[float] = []
        self._total: float | None = None
        self._shown: tuple[float, float] | None = None

    def update(self, fraction: float, elapsed: float) -> float | None:
        """Take in how far the job is after `elapsed` seconds, and estimate what is left.

        Returns
        -------
        float or None
            Seconds; ``None`` while there is too little to go by.
        """
        if not self._fractions or fraction > self._fractions[-1]:
            self._fractions.append(fraction)
            self._seconds.append(elapsed)
        total = self._estimate_total(fraction, elapsed)
        if total is None:
            return None
        least = _LEAST_SHARE_SHOWN * (total - elapsed)
        if self._total is not None:
            total = self._total + _WEIGHT_OF_NEWS * (total - self._total)
        self._total = total
        left = max(total - elapsed, least)
        if self._shown is not None:
            expected = max(self._shown[1] - (elapsed - self._shown[0]), 0.0)
            if expected < left < _TOLERATED_RISE * expected:
                left = expected
        self._shown = (elapsed, left)
        return left

    def pace(self, elapsed: float) -> Pace:
        """Return what this job, ended after `elapsed` seconds, teaches about the next."""
        return Pace([*self._fractions, 1.0], [*self._seconds, elapsed])

    def _estimate_total(self, fraction: float, elapsed: float) -> float | None:
        share = self._pace.share(fraction) if self._pace else fraction
        measured = elapsed / share if share > 0 else None
        if self._pace is None:
            too_early = elapsed < _FIRST_ESTIMATE_SECONDS or share < _FIRST_ESTIMATE_SHARE
            return None if too_early else measured
        if measured is None:
            return max(self._pace.total_seconds, elapsed)
        return (1 - share) * self._pace.total_seconds + share * measured
