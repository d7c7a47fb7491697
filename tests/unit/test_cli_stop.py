"""A wish to stop is never lost and never strikes out of nowhere."""

import os
import signal
import subprocess
import sys

import pytest

from desktop_app.cli.stop import StopRequest


@pytest.fixture
def stop() -> StopRequest:
    return StopRequest()


HANGUP = signal.SIGHUP if hasattr(signal, "SIGHUP") else signal.SIGBREAK


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, HANGUP])
def test_a_signal_during_the_work_stops_it(stop: StopRequest, number: signal.Signals) -> None:
    called: list[str] = []
    before = signal.getsignal(number)
    stop.watch()
    try:
        with stop.calling(lambda: called.append("stop")):
            assert called == []
            signal.raise_signal(number)
            assert called == ["stop"]
    finally:
        stop.release()
    assert signal.getsignal(number) is before


def test_a_signal_before_the_work_stops_it_at_once(stop: StopRequest) -> None:
    called: list[str] = []
    stop.watch()
    try:
        signal.raise_signal(signal.SIGINT)
        with stop.calling(lambda: called.append("stop")):
            assert called == ["stop"]
    finally:
        stop.release()


def test_after_the_work_nothing_is_called(stop: StopRequest) -> None:
    called: list[str] = []
    stop.watch()
    try:
        with stop.calling(lambda: called.append("stop")):
            pass
        signal.raise_signal(signal.SIGINT)
    finally:
        stop.release()
    assert called == []


def test_under_nohup_a_closed_terminal_stops_nothing(stop: StopRequest) -> None:
    before = signal.signal(HANGUP, signal.SIG_IGN)
    called: list[str] = []
    stop.watch()
    try:
        with stop.calling(lambda: called.append("stop")):
            signal.raise_signal(HANGUP)
        assert called == []
    finally:
        stop.release()
        assert signal.signal(HANGUP, before) is signal.SIG_IGN


@pytest.mark.skipif(sys.platform == "win32", reason="has no terminals of this kind")
def test_what_is_printed_after_the_terminal_closed_harms_nothing() -> None:
    script = """
import os, signal, time
from desktop_app.cli.console import print_note, print_result
from desktop_app.cli.stop import StopRequest

stop, closed = StopRequest(), []
stop.watch()
os.write(%d, b"ready")
with stop.calling(lambda: closed.append(True)):
    while not closed:
        time.sleep(0.01)
print_result("done")
print_note("Cancelled.")
raise SystemExit(7)
"""
    terminal, theirs = os.openpty()
    heard, ready = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", script % ready],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        pass_fds=(ready,),
        start_new_session=True,
    )
    os.close(theirs)
    assert os.read(heard, 5) == b"ready"
    os.close(terminal)
    process.send_signal(HANGUP)
    assert process.wait(30) == 7
    os.close(heard)
    os.close(ready)
