import threading
from collections.abc import Callable
from unittest.mock import MagicMock

import pytest

from desktop_app.errors import InputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import Lane
from ui.presenters.job_line import JobLine, JobLineView
from ui.views.study_view import JobStatus


class Queue:
    """Stands for the GUI thread: runs what was queued when told to."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def __call__(self, function: Callable[[], None]) -> None:
        self.calls.append(function)

    def run_all(self) -> None:
        while self.calls:
            self.calls.pop(0)()


@pytest.fixture
def view():
    return MagicMock(spec=JobLineView)


def _finish(line: JobLine, queue: Queue) -> None:
    front = line._front
    assert front is not None
    assert front.job is not None
    assert front.job.wait(10)
    queue.run_all()


def test_shows_progress_and_hands_over_the_result(runner, view):
    queue, idle, got = Queue(), MagicMock(), []
    line = JobLine(view, runner, queue, idle)

    def work(progress: ProgressCallback, token: CancelToken) -> int:
        progress(0.5, "Half way")
        return 42

    line.start("Working", work, got.append)
    assert line.busy
    _finish(line, queue)
    assert got == [42]
    assert not line.busy
    idle.assert_called_once_with()
    shown = [call.args[0] for call in view.show_job.call_args_list]
    assert shown[:2] == [
        JobStatus("Working", "Waiting for other work to end", -1.0, None),
        JobStatus("Working", "", -1.0, None),
    ]
    assert any(status and status.fraction == 0.5 for status in shown)
    assert shown[-1] is None


def test_an_expected_error_reaches_the_view(runner, view):
    queue, error = Queue(), InputError("What.", "Where.", "Remedy.")
    line = JobLine(view, runner, queue, MagicMock())

    def work(progress: ProgressCallback, token: CancelToken) -> None:
        raise error

    line.start("Working", work, MagicMock())
    _finish(line, queue)
    view.show_error.assert_called_once_with(error)
    view.show_crash.assert_not_called()


def test_a_defect_reaches_the_view_as_a_crash(runner, view):
    queue = Queue()
    line = JobLine(view, runner, queue, MagicMock())

    def work(progress: ProgressCallback, token: CancelToken) -> None:
        raise RuntimeError("a defect")

    line.start("Working", work, MagicMock())
    _finish(line, queue)
    assert "a defect" in view.show_crash.call_args.args[0]


def test_a_cancelled_job_hands_over_nothing(runner, view):
    queue, done, idle = Queue(), MagicMock(), MagicMock()
    line = JobLine(view, runner, queue, idle)

    def work(progress: ProgressCallback, token: CancelToken) -> None:
        while True:
            token.raise_if_cancelled()

    line.start("Working", work, done)
    line.cancel()
    _finish(line, queue)
    done.assert_not_called()
    idle.assert_called_once_with()


def test_a_new_job_silences_the_one_before(runner, view):
    queue, first, second = Queue(), MagicMock(), []
    line = JobLine(view, runner, queue, MagicMock())

    def endless(progress: ProgressCallback, token: CancelToken) -> None:
        while True:
            token.raise_if_cancelled()

    line.start("Old", endless, first, lane=Lane.IO)
    line.start("New", lambda progress, token: "new", second.append, lane=Lane.IO)
    _finish(line, queue)
    first.assert_not_called()
    assert second == ["new"]


@pytest.mark.parametrize(("is_kept", "expected"), [(False, []), (True, ["written"])])
def test_what_was_cancelled_too_late_counts_only_where_it_stays(runner, view, is_kept, expected):
    queue, got = Queue(), []
    line = JobLine(view, runner, queue, MagicMock())

    def work(progress: ProgressCallback, token: CancelToken) -> str:
        token.cancel()  # the user's wish comes after the last look at it
        return "written"

    line.start("Writing", work, got.append, is_kept=is_kept)
    _finish(line, queue)
    assert got == expected
    assert not line.busy


@pytest.mark.parametrize(("is_kept", "expected"), [(False, []), (True, ["written"])])
def test_files_written_before_another_job_are_told(runner, view, is_kept, expected):
    queue, got, second = Queue(), [], []
    line = JobLine(view, runner, queue, MagicMock())
    line.start("Writing", lambda _progress, _token: "written", got.append, is_kept=is_kept)
    first = line._front
    assert first is not None
    assert first.job is not None
    assert first.job.wait(10)
    line.start("Opening", lambda _progress, _token: "opened", second.append, lane=Lane.IO)
    _finish(line, queue)
    assert got == expected
    assert second == ["opened"]


@pytest.mark.parametrize("is_kept", [False, True])
def test_it_tells_whether_files_are_being_written(runner, view, is_kept):
    queue = Queue()
    line = JobLine(view, runner, queue, MagicMock())
    assert not line.writes
    line.start("Working", lambda _progress, _token: None, MagicMock(), is_kept=is_kept)
    assert line.writes is is_kept
    _finish(line, queue)
    assert not line.writes


@pytest.mark.parametrize("fails", [False, True])
def test_what_stays_goes_on_behind_another_job_and_is_shown_again(runner, view, fails):
    queue, got, idle, release = Queue(), [], MagicMock(), threading.Event()
    error = InputError("What.", "Where.", "Remedy.")
    line = JobLine(view, runner, queue, idle)

    def write(progress: ProgressCallback, token: CancelToken) -> str:
        assert release.wait(10)
        token.raise_if_cancelled()
        if fails:
            raise error
        return "written"

    line.start("Writing", write, got.append, is_kept=True)
    line.start("Opening", lambda _progress, _token: "opened", got.append, lane=Lane.IO)
    assert line.writes
    _finish(line, queue)
    assert got == ["opened"]
    assert view.show_job.call_args.args[0].title == "Writing"
    idle.assert_not_called()
    release.set()
    _finish(line, queue)
    idle.assert_called_once_with()
    view.show_job.assert_called_with(None)
    if fails:
        view.show_error.assert_called_once_with(error)
    else:
        assert got == ["opened", "written"]


def test_files_that_cannot_be_written_are_told_behind_another_job(runner, view):
    queue, release = Queue(), threading.Event()
    line = JobLine(view, runner, queue, MagicMock())

    def write(progress: ProgressCallback, token: CancelToken) -> None:
        raise InputError("What.", "Where.", "Remedy.")

    line.start("Writing", write, MagicMock(), is_kept=True)
    first = line._front
    line.start("Opening", lambda _progress, _token: release.wait(10), MagicMock(), lane=Lane.IO)
    assert first is not None
    assert first.job is not None
    assert first.job.wait(10)
    queue.run_all()
    view.show_error.assert_called_once()
    assert line.busy
    assert not line.writes
    release.set()
    _finish(line, queue)


def test_cancel_stops_what_is_shown_alone_and_closing_all(runner, view):
    queue = Queue()
    line = JobLine(view, runner, queue, MagicMock())

    def endless(progress: ProgressCallback, token: CancelToken) -> None:
        while True:
            token.raise_if_cancelled()

    line.start("Writing", endless, MagicMock(), lane=Lane.IO, is_kept=True)
    line.start("Opening", endless, MagicMock(), lane=Lane.IO)
    line.cancel()
    _finish(line, queue)
    assert line.writes
    line.start("Opening", endless, MagicMock(), lane=Lane.IO)
    line.close()
    _finish(line, queue)
    if line.busy:
        _finish(line, queue)
    assert not line.busy
