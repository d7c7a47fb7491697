"""A wish to stop is never lost and never strikes out of nowhere."""

import signal

import pytest

from desktop_app.cli.stop import StopRequest


@pytest.fixture
def stop() -> StopRequest:
    return StopRequest()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
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
