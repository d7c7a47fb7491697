"""One progress bar and one clock over work that is done in stages."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from desktop_app.jobs.events import ProgressCallback


class Stages:
    """Spread the progress of consecutive stages over one bar and time each of them.

    Parameters
    ----------
    weights
        Typical time of each stage, in any unit, in the order in which they run.
    report
        Told the overall fraction (0 to 1) and what is being done.

    Raises
    ------
    ValueError
        If there is no stage, or a weight is not positive.
    """

    __slots__ = ("_begin", "_report", "_share", "seconds")

    def __init__(self, weights: Mapping[str, float], report: ProgressCallback) -> None:
        if not weights or min(weights.values()) <= 0:
            raise ValueError("stages need positive weights")
        total = sum(weights.values())
        self._report = report
        self._share = {name: weight / total for name, weight in weights.items()}
        self._begin: dict[str, float] = {}
        begin = 0.0
        for name, share in self._share.items():
            self._begin[name] = begin
            begin += share
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, title: str) -> Iterator[ProgressCallback]:
        """Run one stage: announce it, hand out its own 0 to 1 callback, time it.

        Parameters
        ----------
        name
            A key of the weights; its wall seconds are found in `seconds` afterwards.
        title
            What to tell the user where the stage itself gives no text.
        """
        begin, share = self._begin[name], self._share[name]

        def report(fraction: float, text: str = "") -> None:
            within = min(max(fraction, 0.0), 1.0)
            self._report(begin + share * within, text or title)

        report(0.0)
        started = time.perf_counter()
        yield report
        self.seconds[name] = time.perf_counter() - started
