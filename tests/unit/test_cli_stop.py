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
    # The tests themselves may run under nohup.
    before = signal.signal(number, signal.default_int_handler)
    stop.watch()
    try:
        with stop.calling(lambda: called.append("stop")):
            assert called == []
            signal.raise_signal(number)
            assert called == ["stop"]
    finally:
        stop.release()
        assert signal.signal(number, before) is signal.default_int_handler


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
@pytest.mark.parametrize("heard", ["SIG_DFL", "SIG_IGN"])
def test_what_is_printed_after_the_terminal_closed_harms_nothing(heard: str) -> None:
    script = """
import os, signal, sys
from desktop_app.cli.console import bar, print_note, print_result
from desktop_app.cli.stop import StopRequest

signal.signal(signal.SIGHUP, getattr(signal, sys.argv[1]))
StopRequest().watch()
with bar(quiet=False):
    os.write(int(sys.argv[2]), b"ready")
    try:
        os.read(0, 1)
    except OSError:
        pass
print_result("done")
print_note("Cancelled.")
raise SystemExit(7)
"""
    terminal, theirs = os.openpty()
    told, tell = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", script, heard, str(tell)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        pass_fds=(tell,),
        start_new_session=True,
    )
    os.close(theirs)
    assert os.read(told, 5) == b"ready"
    process.send_signal(HANGUP)
    os.close(terminal)
    assert process.wait(30) == 7
    os.close(told)
    os.close(tell)
