"""Runs work off the caller's thread and tells how it goes."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from typing import Any

from desktop_app.errors import Cancelled
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import (
    CancelledEvent,
    Done,
    Event,
    Failed,
    Progress,
    ProgressCallback,
    Started,
    TerminalEvent,
)
from desktop_app.jobs.priority import lower_this_thread
from desktop_app.jobs.time_left import Pace, TimeLeft
from desktop_app.jobs.translate import in_the_users_terms

Work = Callable[[ProgressCallback, CancelToken], Any]
Listener = Callable[[Event], None]

_IO_THREADS = 4
_PROGRESS_INTERVAL_SECONDS = 0.05

_log = logging.getLogger(__name__)


class Lane(Enum):
    """Queues of a runner: one job at a time, or a few that mostly wait for the disk.

    What may soon be asked for is computed `AHEAD`, beside what was. What goes on for hours is
    `LONG`: nothing that somebody waits for may queue behind it.
    """

    COMPUTE = "compute"
    AHEAD = "ahead"
    LONG = "long"
    IO = "io"


class Job:
    """One piece of work handed to a `JobRunner`."""

    def __init__(self, on_event: Listener, time_left: TimeLeft, clock: Callable[[], float]) -> None:
        self.token = CancelToken()
        self._listener = on_event
        self._time_left = time_left
        self._clock = clock
        self._started_at = 0.0
        self._last_progress: tuple[float, float, str] | None = None
        self._future: Future[None] | None = None
        self._finished = threading.Event()

    def attach(self, future: Future[None]) -> None:
        """Take in the place in the queue; a cancel that came before counts."""
        self._future = future
        if self.token.cancelled:
            future.cancel()

    def cancel(self) -> None:
        """Ask the work to stop; if it still waits in its queue it never starts."""
        self.token.cancel()
        if self._future is not None:
            self._future.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the terminal event has been delivered; False if `timeout` seconds pass."""
        return self._finished.wait(timeout)

    def run(self, work: Work, learn: Callable[[Pace], None]) -> None:
        """Do the work on this thread; `learn` is given its pace if it ended well."""
        self._started_at = self._clock()
        self._tell(Started())
        outcome = self._outcome(work)
        if isinstance(outcome, Done):
            learn(self._time_left.pace(self._clock() - self._started_at))
        self.finish(outcome)

    def finish(self, event: TerminalEvent) -> None:
        """Deliver the terminal event, the last one."""
        self._tell(event)
        self._finished.set()

    def _outcome(self, work: Work) -> TerminalEvent:
        try:
            self.token.raise_if_cancelled()
            return Done(work(self._progress, self.token))
        except Cancelled:
            return CancelledEvent()
        except BaseException as error:  # noqa: BLE001 - whatever happens, one terminal event
            return Failed(in_the_users_terms(error), traceback.format_exc())

    def _progress(self, fraction: float, stage: str) -> None:
        now = self._clock()
        fraction = min(max(fraction, 0.0), 1.0)
        if self._last_progress is not None:
            told_at, told_fraction, told_stage = self._last_progress
            fraction = max(fraction, told_fraction)
            soon = now - told_at < _PROGRESS_INTERVAL_SECONDS
            if soon and stage == told_stage and fraction < 1.0:
                return
        self._last_progress = (now, fraction, stage)
        seconds_left = self._time_left.update(fraction, now - self._started_at)
        self._tell(Progress(fraction, stage, seconds_left))

    def _tell(self, event: Event) -> None:
        try:
            self._listener(event)
        except Exception:  # noqa: BLE001 - logged below
            # A defect of the listener must cost neither the work nor the events that follow.
            _log.exception("A listener failed on %s", type(event).__name__)


class JobRunner:
    """Runs jobs: lanes for computing, one job at a time, and a pool for reading and writing.

    Every job submitted gets `Started`, any number of `Progress` and exactly one terminal event,
    whatever happens; a job cancelled while it waits gets only `CancelledEvent`. Listeners are
    called on the job's thread, or on the cancelling one; a window must pass events on to its own.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    paces
        What earlier runs of the program learnt of each kind of job.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        paces: Mapping[str, Pace] | None = None,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: dict[Job, Lane] = {}
        self._known = paces or {}
        self._paces = dict(self._known)
        self._lanes = {
            lane: ThreadPoolExecutor(
                1, thread_name_prefix=lane.value, initializer=lower_this_thread
            )
            for lane in (Lane.COMPUTE, Lane.AHEAD, Lane.LONG)
        }
        self._lanes[Lane.IO] = ThreadPoolExecutor(_IO_THREADS, thread_name_prefix="io")

    @property
    def learnt(self) -> dict[str, Pace]:
        """How the time of each kind of job was spread, where this run of the program learnt it."""
        with self._lock:
            return {
                kind: pace
                for kind, pace in self._paces.items()
                if self._known.get(kind) is not pace
            }

    def submit(
        self, work: Work, on_event: Listener, *, lane: Lane = Lane.COMPUTE, kind: str = ""
    ) -> Job:
        """Queue a piece of work.

        Parameters
        ----------
        work
            Called with a progress callback and the job's cancel token.
        on_event
            Told of every event of this job.
        lane
            Where to queue it.
        kind
            Jobs of one kind take about as long as each other: the time left is estimated from
            the one before.

        Raises
        ------
        RuntimeError
            After `close`.
        """
        with self._lock:
            job = Job(on_event, TimeLeft(self._paces.get(kind) if kind else None), self._clock)
            self._jobs[job] = lane
        try:
            future = self._lanes[lane].submit(self._run, job, work, kind)
        except RuntimeError:
            self._forget(job)
            raise
        job.attach(future)
        future.add_done_callback(lambda done: self._on_left_lane(job, done))
        return job

    def is_busy(self, lane: Lane) -> bool:
        """Whether a job waits or runs in a lane."""
        with self._lock:
            return lane in self._jobs.values()

    def close(self) -> None:
        """Cancel everything and wait for the work that runs to notice."""
        with self._lock:
            jobs = list(self._jobs)
        for job in jobs:
            job.cancel()
        for executor in self._lanes.values():
            executor.shutdown(wait=True, cancel_futures=True)

    def _run(self, job: Job, work: Work, kind: str) -> None:
        def learn(pace: Pace) -> None:
            if kind:
                with self._lock:
                    self._paces[kind] = pace

        job.run(work, learn)

    def _on_left_lane(self, job: Job, future: Future[None]) -> None:
        self._forget(job)
        if future.cancelled():
            job.finish(CancelledEvent())

    def _forget(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop(job, None)
