"""Where the studies of a batch are worked through: this computer, or a cluster."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from desktop_app.domain.study import Study
from desktop_app.errors import OutputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.batch.attempt import StudyOrder
from desktop_app.services.batch.journal import Journal

PATIENCE_SECONDS = 600.0
"""How long the folder of the results may be away before a run ends."""

_LOOK_AGAIN_SECONDS = 2.0

OrderMaker = Callable[[Study], StudyOrder]
"""Says what is to be done with a study; an `InputError` where that cannot be said."""


class StudyPlace(Protocol):
    """Works through studies and notes in the journal what comes of each."""

    def prepare(self) -> None:
        """Find out whether studies can be worked through here at all.

        Raises
        ------
        UserFacingError
            If not.
        """

    def work_through(
        self,
        studies: Sequence[Study],
        make_order: OrderMaker,
        journal: Journal,
        *,
        progress: ProgressCallback,
        token: CancelToken,
    ) -> None:
        """Work through every study, whatever becomes of one of them.

        Raises
        ------
        OutputError
            If nothing can be written for long, see `wait_for_output`.
        Cancelled
            If `token` was cancelled; what is done stays done, the rest is pending again.
        """


class SharedBar:
    """Adds the progress of studies that run side by side up to one bar."""

    def __init__(self, names: Iterable[str], report: ProgressCallback) -> None:
        self._fractions = dict.fromkeys(names, 0.0)
        self._report = report
        self._lock = threading.Lock()

    def report(self, name: str, fraction: float, stage: str = "") -> None:
        """Note how far one study is."""
        with self._lock:
            self._fractions[name] = fraction
        self.say(f"{name}: {stage}" if stage else name)

    def say(self, text: str) -> None:
        """Tell something that no study has come further by."""
        with self._lock:
            overall = sum(self._fractions.values()) / len(self._fractions)
        self._report(overall, text)


def wait_for_output(
    journal: Journal, share: SharedBar, token: CancelToken, patience_seconds: float
) -> None:
    """Begin nothing while results cannot be written: hours of work would end as failures.

    Raises
    ------
    OutputError
        If they cannot be for so long.
    Cancelled
        If `token` was cancelled.
    """
    began = time.monotonic()
    while True:
        try:
            journal.require_output()
        except OutputError as error:
            if time.monotonic() - began >= patience_seconds:
                raise
            share.say(f"Waiting for the folder of results: {error.title}")
        else:
            return
        token.wait(min(_LOOK_AGAIN_SECONDS, patience_seconds))
