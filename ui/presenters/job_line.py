"""Runs one job at a time for a presenter and shows how it goes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from desktop_app.jobs.events import CancelledEvent, Done, Event, Failed, Progress, Started
from desktop_app.jobs.runner import Job, JobRunner, Lane, Work
from ui.presenters.failures import FailureView, tell_failure
from ui.views.study_view import JobStatus

Dispatch = Callable[[Callable[[], None]], None]


class JobLineView(FailureView, Protocol):
    """The part of a view that jobs need."""

    def show_job(self, status: JobStatus | None) -> None:
        """Show what runs; ``None`` hides it."""


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
        self._title = ""
        self._number = 0

    @property
    def busy(self) -> bool:
        """Whether a job waits or runs."""
        return self._job is not None

    @property
    def title(self) -> str:
        """Title of the job that waits or runs; empty where none does."""
        return self._title if self.busy else ""

    def start(
        self,
        title: str,
        work: Work,
        on_done: Callable[[Any], None],
        *,
        lane: Lane = Lane.COMPUTE,
        kind: str = "",
        can_choose: bool = False,
        is_kept: bool = False,
        on_failed: Callable[[], None] | None = None,
    ) -> None:
        """Start a job in place of the one that runs.

        Parameters
        ----------
        can_choose
            Whether other series may be chosen meanwhile.
        is_kept
            Whether what it did stays, as files do: then `on_done` is called also where it was
            cancelled or followed by another job too late to stop it.
        on_failed
            Called after the error has been told.
        """
        self.cancel()
        self._number += 1
        number = self._number
        waiting = JobStatus(
            title, "Waiting for other work to end", -1.0, None, can_choose=can_choose
        )
        self._view.show_job(waiting)

        def done(result: Any) -> None:
            if is_kept or not job.token.cancelled:
                on_done(result)

        def handle(event: Event) -> None:
            if number == self._number:
                self._on_event(waiting, event, done, on_failed)
            elif isinstance(event, Done) and is_kept:
                done(event.result)

        job = self._runner.submit(
            work, lambda event: self._dispatch(lambda: handle(event)), lane=lane, kind=kind
        )
        self._job, self._title = job, title

    def cancel(self) -> None:
        """Stop the job that runs, if any."""
        if self._job is not None:
            self._job.cancel()

    def _on_event(
        self,
        shown: JobStatus,
        event: Event,
        on_done: Callable[[Any], None],
        on_failed: Callable[[], None] | None,
    ) -> None:
        match event:
            case Started():
                self._view.show_job(replace(shown, stage=""))
            case Progress(fraction, stage, left):
                now = replace(shown, stage=stage, fraction=fraction, seconds_left=left)
                self._view.show_job(now)
            case Done(result):
                self._end()
                on_done(result)
            case Failed():
                self._end()
                tell_failure(self._view, event)
                if on_failed is not None:
                    on_failed()
            case CancelledEvent():
                self._end()
        if isinstance(event, Done | Failed | CancelledEvent) and not self.busy:
            self._on_idle()

    def _end(self) -> None:
        self._job = None
        self._view.show_job(None)
