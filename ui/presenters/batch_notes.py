"""What the window has to note in the records of a batch."""

from collections.abc import Callable

from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import Done, Event, Failed, ProgressCallback
from desktop_app.jobs.runner import Job, JobRunner, Lane
from ui.presenters.failures import FailureView, tell_failure
from ui.presenters.job_line import Dispatch


class BatchNotes:
    """Writes beside the window, one thing after the other: each goes by what was noted before."""

    def __init__(self, view: FailureView, runner: JobRunner, dispatch: Dispatch) -> None:
        self._view = view
        self._runner = runner
        self._dispatch = dispatch
        self._last: Job | None = None

    def write(
        self,
        note: Callable[[], object],
        on_done: Callable[[], None] = lambda: None,
        on_failed: Callable[[], None] = lambda: None,
    ) -> None:
        """Call `note` on a thread of its own, and what follows from it on the window's."""
        before = self._last

        def work(_progress: ProgressCallback, _token: CancelToken) -> None:
            if before is not None:
                before.wait()
            note()

        def fail(event: Failed) -> None:
            on_failed()
            tell_failure(self._view, event)

        def listen(event: Event) -> None:
            if isinstance(event, Done):
                self._dispatch(on_done)
            elif isinstance(event, Failed):
                self._dispatch(lambda: fail(event))

        self._last = self._runner.submit(work, listen, lane=Lane.IO)
