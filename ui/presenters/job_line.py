"""Runs one job at a time for a presenter and shows how it goes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import CancelledEvent, Done, Event, Failed, Progress, Started
from desktop_app.jobs.runner import Job, JobRunner, Lane, Work
from ui.presenters.failures import FailureView, tell_failure
from ui.views.study_view import JobStatus

Dispatch = Callable[[Callable[[], None]], None]


class JobLineView(FailureView, Protocol):
    """The part of a view that jobs need."""

    def show_job(self, status: JobStatus | None) -> None:
        """Show what runs; ``None`` hides it."""


@dataclass(slots=True, eq=False)
class _Running:
    """A job and what is shown of it; `job` is ``None`` only until it is queued."""

    shown: JobStatus
    is_kept: bool
    job: Job | None = None

    def cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()


class JobLine:
    """Starts jobs whose end is handled on the GUI thread.

    A new job cancels the one before it, and whatever that still tells is dropped. Where what it
    did stays, it goes on behind the new one instead, and is shown again when that has ended.

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
        self.on_started: Callable[[], None] = lambda: None
        self._front: _Running | None = None
        self._behind: list[_Running] = []

    @property
    def busy(self) -> bool:
        """Whether a job waits or runs."""
        return self._front is not None

    @property
    def writes(self) -> bool:
        """Whether a job waits or runs of which something stays, be it behind another."""
        return any(one.is_kept for one in (*self._behind, self._front) if one)

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
    ) -> CancelToken:
        """Start a job in place of the one that runs; what is returned tells whether it is stopped.

        Parameters
        ----------
        can_choose
            Whether other series may be chosen meanwhile.
        is_kept
            Whether what it did stays, as files do: then no other job stops it, and `on_done` is
            called also where it was cancelled too late to stop it.
        on_failed
            Called after the error has been told.
        """
        self.make_way()
        waiting = JobStatus(
            title, "Waiting for other work to end", -1.0, None, can_choose=can_choose
        )
        self._view.show_job(waiting)
        running = _Running(waiting, is_kept)

        def done(result: Any) -> None:
            if is_kept or not job.token.cancelled:
                on_done(result)

        def handle(event: Event) -> None:
            if running is self._front or running in self._behind:
                self._on_event(running, event, done, on_failed)

        job = self._runner.submit(
            work, lambda event: self._dispatch(lambda: handle(event)), lane=lane, kind=kind
        )
        running.job = job
        if self._front is not None and self._front.is_kept:
            self._behind.append(self._front)
        self._front = running
        self.on_started()
        return job.token

    def make_way(self) -> None:
        """Stop the job that is shown unless what it did stays."""
        if self._front is not None and not self._front.is_kept:
            self._front.cancel()

    def cancel(self) -> None:
        """Stop the job that is shown, if any."""
        if self._front is not None:
            self._front.cancel()

    def close(self) -> None:
        """Stop every job."""
        for one in self._behind:
            one.cancel()
        self.cancel()

    def _on_event(
        self,
        running: _Running,
        event: Event,
        on_done: Callable[[Any], None],
        on_failed: Callable[[], None] | None,
    ) -> None:
        match event:
            case Started():
                self._show(running, replace(running.shown, stage=""))
            case Progress(fraction, stage, left):
                now = replace(running.shown, stage=stage, fraction=fraction, seconds_left=left)
                self._show(running, now)
            case Done(result):
                self._end(running)
                on_done(result)
            case Failed():
                self._end(running)
                tell_failure(self._view, event)
                if on_failed is not None:
                    on_failed()
            case CancelledEvent():
                self._end(running)
        if isinstance(event, Done | Failed | CancelledEvent) and not self.busy:
            self._on_idle()

    def _show(self, running: _Running, status: JobStatus) -> None:
        running.shown = status
        if running is self._front:
            self._view.show_job(status)

    def _end(self, running: _Running) -> None:
        if running is not self._front:
            self._behind.remove(running)
            return
        self._front = self._behind.pop() if self._behind else None
        self._view.show_job(self._front.shown if self._front is not None else None)
