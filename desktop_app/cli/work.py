"""Runs a command's work in the background, with a bar, and stops it on Ctrl+C."""

import queue
from collections.abc import Callable
from typing import TypeVar, cast

from desktop_app.cli.console import bar
from desktop_app.cli.stop import StopRequest
from desktop_app.errors import Cancelled
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import (
    CancelledEvent,
    Done,
    Event,
    Failed,
    Progress,
    ProgressCallback,
)
from desktop_app.jobs.runner import JobRunner

Result = TypeVar("Result")

# Windows does not wake a thread that waits without a limit when Ctrl+C comes.
_POLL_SECONDS = 0.2


class Defect(Exception):
    """Work met an exception nobody expects; carries its trace."""


def do_work(
    runner: JobRunner,
    work: Callable[[ProgressCallback, CancelToken], Result],
    stop: StopRequest,
    *,
    quiet: bool = False,
    until: CancelToken | None = None,
) -> Result:
    """Run work to its end and return what it returned.

    Parameters
    ----------
    quiet
        Without a bar.
    until
        For work without an end of its own: a wish to stop cancels this token, not the work, and
        what the work returns then counts.

    Raises
    ------
    UserFacingError
        If the work failed for a reason the user can mend.
    Cancelled
        After Ctrl+C or a request to terminate.
    Defect
        On any other exception.
    """
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    with bar(quiet=quiet, endless=until is not None) as shown:
        job = runner.submit(work, events.put)
        with stop.calling((until or job).cancel):
            while True:
                match _next(events):
                    case Progress() as progress:
                        shown.show(progress)
                    case Done(result):
                        return cast("Result", result)
                    case Failed(error, trace):
                        raise Defect(trace) if error is None else error
                    case CancelledEvent():
                        raise Cancelled
                    case _:
                        pass


def _next(events: "queue.SimpleQueue[Event]") -> Event | None:
    try:
        return events.get(timeout=_POLL_SECONDS)
    except queue.Empty:
        return None
