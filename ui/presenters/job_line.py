"""Runs one job at a time for a presenter and shows how it goes."""

from collections.abc import Callable
from typing import Any, Protocol

from desktop_app.errors import UserFacingError
from desktop_app.jobs.events import CancelledEvent, Done, Event, Failed, Progress, Started
from desktop_app.jobs.runner import Job, JobRunner, Lane, Work
from ui.views.study_view import JobStatus

Dispatch = Callable[[Callable[[], None]], None]


class JobLineView(Protocol):
    """The part of a view that jobs need."""

    def show_job(self, status: JobStatus | None) -> None:
        """Show what runs; ``None`` hides it."""

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""

    def show_crash(self, traceback: str) -> None:
        """Tell of a defect in the program."""


class JobLine:
    """Starts jobs whose end is handled on the GUI thread.

    A new job cancels the one before it; whatever the old one still tells is dropped.

    Parameters
    ----------
    dispatch
        Queues a function onto the GUI thread.
    on_idle
        Called on the GUI thread when no job runs any more.
    """

    def __init__(
        self,
        view: JobLineView,
        runner: JobRunner,
        dispatch: Dispatch,
        on_idle: Callable[[], None],
    ) -> None:
        self._view = view
        self._runner = runner
        self._dispatch = dispatch
        self._on_idle = on_idle
        self._job: Job | None = None
        self._number = 0

    @property
    def busy(self) -> bool:
        """Whether a job waits or runs."""
        return self._job is not None

    def start(
        self,
        title: str,
        work: Work,
        on_done: Callable[[Any], None],
        *,
        lane: Lane = Lane.COMPUTE,
        kind: str = "",
        on_failed: Callable[[], None] | None = None,
    ) -> None:
        """Start a job in place of the one that runs.

        Parameters
        ----------
        on_failed
            Called after the error has been told.
        """
        self.cancel()
        self._number += 1
        number = self._number
        self._view.show_job(JobStatus(title, "Waiting for other work to end", -1.0, None))

        def listen(event: Event) -> None:
            self._dispatch(lambda: self._on_event(number, title, event, on_done, on_failed))

        self._job = self._runner.submit(work, listen, lane=lane, kind=kind)

    def cancel(self) -> None:
        """Stop the job that runs, if any."""
        if self._job is not None:
            self._job.cancel()

    def _on_event(
        self,
        number: int,
        title: str,
        event: Event,
        on_done: Callable[[Any], None],
        on_failed: Callable[[], None] | None,
    ) -> None:
        if number != self._number:
            return
        match event:
            case Started():
                self._view.show_job(JobStatus(title, "", -1.0, None))
            case Progress(fraction, stage, seconds_left):
                self._view.show_job(JobStatus(title, stage, fraction, seconds_left))
            case Done(result):
                self._end()
                on_done(result)
            case Failed(error, traceback):
                self._end()
                if error is None:
                    self._view.show_crash(traceback)
                else:
                    self._view.show_error(error)
                if on_failed is not None:
                    on_failed()
            case CancelledEvent():
                self._end()
        if isinstance(event, Done | Failed | CancelledEvent) and not self.busy:
            self._on_idle()

    def _end(self) -> None:
        self._job = None
        self._view.show_job(None)
