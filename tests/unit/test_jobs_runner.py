"""Jobs: every job ends in exactly one terminal event, whatever happens."""

import os
import sys
import threading
import time

import pytest

from desktop_app.errors import Cancelled, DeviceError, InputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import CancelledEvent, Done, Failed, Progress, Started
from desktop_app.jobs.runner import JobRunner, Lane

TERMINAL = (Done, Failed, CancelledEvent)


def run(runner, work, **options):
    events = []
    job = runner.submit(work, events.append, **options)
    assert job.wait(10)
    assert [isinstance(e, TERMINAL) for e in events].count(True) == 1
    assert isinstance(events[-1], TERMINAL)
    return events


def test_events_come_in_order(runner):
    def work(progress, _token):
        progress(0.5, "half")
        progress(1.0, "all")
        return 42

    events = run(runner, work)
    assert [type(e) for e in events] == [Started, Progress, Progress, Done]
    assert events[-1].result == 42
    assert [e.stage for e in events[1:3]] == ["half", "all"]


def test_progress_never_falls_and_stays_between_0_and_1(runner):
    def work(progress, _token):
        for fraction, stage in ((-1.0, "a"), (0.6, "b"), (0.3, "c"), (7.0, "d")):
            progress(fraction, stage)

    fractions = [e.fraction for e in run(runner, work) if isinstance(e, Progress)]
    assert fractions == [0.0, 0.6, 0.6, 1.0]


def test_a_flood_of_progress_is_thinned(runner):
    def work(progress, _token):
        for n in range(10_000):
            progress(n / 10_000, "reading")

    assert len(run(runner, work)) < 100


def test_expected_errors_arrive_as_they_are(runner):
    error = InputError("No.", "There.", "Try.")

    def work(_progress, _token):
        raise error

    failed = run(runner, work)[-1]
    assert failed.error is error
    assert "InputError" in failed.traceback


@pytest.mark.parametrize(
    "exception", [ZeroDivisionError("x"), RuntimeError("CUDA out of memory"), SystemExit(3)]
)
def test_defects_arrive_with_their_traceback(runner, exception):
    def work(_progress, _token):
        raise exception

    failed = run(runner, work)[-1]
    assert isinstance(failed, Failed)
    assert failed.error is None
    assert type(exception).__name__ in failed.traceback


def test_lack_of_memory_is_told_with_a_remedy(runner):
    def work(_progress, _token):
        raise MemoryError

    assert isinstance(run(runner, work)[-1].error, DeviceError)


def test_a_failing_listener_costs_no_event(runner, caplog):
    events = []

    def listener(event):
        events.append(event)
        raise ValueError("a defect of the window")

    job = runner.submit(lambda progress, _token: progress(0.1, "x"), listener)
    assert job.wait(10)
    assert [type(e) for e in events] == [Started, Progress, Done]
    assert "A listener failed" in caplog.text


def test_cancelled_while_running(runner):
    started = threading.Event()
    events = []

    def work(_progress, token: CancelToken):
        started.set()
        while True:
            token.raise_if_cancelled()

    job = runner.submit(work, events.append)
    assert started.wait(10)
    job.cancel()
    assert job.wait(10)
    assert events == [Started(), CancelledEvent()]


def test_work_that_was_cancelled_too_late_is_done(runner):
    def work(_progress, token):
        token.cancel()
        return "written already"

    last = run(runner, work)[-1]
    assert isinstance(last, Done)
    assert last.result == "written already"


def test_cancelled_before_its_turn_it_never_starts(runner):
    release = threading.Event()
    first, second = [], []
    blocking = runner.submit(lambda _progress, _token: release.wait(10), first.append)
    waiting = runner.submit(lambda _progress, _token: 1, second.append)
    waiting.cancel()
    assert waiting.wait(10)
    assert second == [CancelledEvent()]
    release.set()
    assert blocking.wait(10)
    assert isinstance(first[-1], Done)
    waiting.cancel()
    assert second == [CancelledEvent()]


def test_one_job_at_a_time_computes(runner):
    running, most = 0, 0
    lock = threading.Lock()

    def work(_progress, _token):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1

    jobs = [runner.submit(work, lambda _event: None) for _ in range(5)]
    assert all(job.wait(10) for job in jobs)
    assert most == 1


def test_reading_does_not_wait_for_computing(runner):
    release = threading.Event()
    computing = runner.submit(lambda _progress, _token: release.wait(10), lambda _event: None)
    assert isinstance(run(runner, lambda _progress, _token: 1, lane=Lane.IO)[-1], Done)
    assert not computing.wait(0)
    release.set()


def test_closing_cancels_all_and_refuses_more():
    runner = JobRunner()
    started = threading.Event()
    events = [], []

    def work(_progress, token):
        started.set()
        while not token.cancelled:
            pass
        raise Cancelled

    runner.submit(work, events[0].append)
    runner.submit(work, events[1].append)
    assert started.wait(10)
    runner.close()
    assert events[0][-1] == CancelledEvent()
    assert events[1] == [CancelledEvent()]
    with pytest.raises(RuntimeError):
        runner.submit(work, events[0].append)


def test_the_second_job_of_a_kind_knows_the_time_left_at_once():
    now = 0.0
    runner = JobRunner(clock=lambda: now)

    def work(progress, _token):
        nonlocal now
        progress(0.0, "start")
        now += 9.0
        progress(0.1, "slow part done")
        now += 1.0

    first = [e.seconds_left for e in run(runner, work, kind="study") if isinstance(e, Progress)]
    second = [e.seconds_left for e in run(runner, work, kind="study") if isinstance(e, Progress)]
    other = [e.seconds_left for e in run(runner, work, kind="scan") if isinstance(e, Progress)]
    runner.close()
    assert first[0] is None
    assert second == pytest.approx([10.0, 1.0])
    assert other == first


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives threads a niceness")
def test_the_compute_lane_makes_room_for_the_window(runner):
    def niceness(progress, token):
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    here = niceness(None, None)
    assert run(runner, niceness)[-1].result == max(5, here)
    assert run(runner, niceness, lane=Lane.IO)[-1].result == here


def test_a_lane_is_busy_while_a_job_waits_or_runs_in_it(runner):
    release = threading.Event()
    jobs = [runner.submit(lambda *_: release.wait(10), lambda _: None) for _ in range(2)]
    assert runner.is_busy(Lane.COMPUTE)
    assert not runner.is_busy(Lane.LONG)
    jobs[1].cancel()
    release.set()
    assert all(job.wait(10) for job in jobs)
    end = time.monotonic() + 10
    while runner.is_busy(Lane.COMPUTE) and time.monotonic() < end:
        time.sleep(0.01)
    assert not runner.is_busy(Lane.COMPUTE)


def test_what_goes_on_for_hours_holds_up_nothing(runner):
    release = threading.Event()
    long = runner.submit(lambda *_: release.wait(10), lambda _: None, lane=Lane.LONG)
    for lane in (Lane.COMPUTE, Lane.AHEAD, Lane.IO):
        assert isinstance(run(runner, lambda *_: None, lane=lane)[-1], Done)
    assert runner.is_busy(Lane.LONG)
    release.set()
    assert long.wait(10)
