"""A watched start: what the program notes, and what is made of it where it fails."""

import json
import sys
from pathlib import Path

import pytest

from desktop_app.errors import Cancelled, DeviceError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services import rehearsal
from desktop_app.services.rehearsal import Moment, Rehearsal, rehearse

PROGRAM = """
import sys, time
from desktop_app.services.rehearsal import Moment, Rehearsal
asked = Rehearsal.asked_for()
for name in sys.argv[1].split(","):
    if name == "dies":
        sys.exit("libEGL.so.1 is missing")
    elif name == "hangs":
        time.sleep(60)
    elif name == "tells":
        asked.problem = "No study found."
        asked.write()
    elif name in ("draws", "cannot"):
        asked.no_3d = "" if name == "draws" else "libGLX_mesa.so.0: version not found"
        asked.write()
    else:
        asked.note(Moment(name))
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, repository_root: Path):
    command = [sys.executable, "-c", PROGRAM]
    monkeypatch.setattr(rehearsal, "program_command", lambda: command)
    monkeypatch.setenv("PYTHONPATH", str(repository_root))

    def start(what: str, **options: object) -> rehearsal.StartReport:
        return rehearse(tmp_path / "ä 文", [what], **options)

    return start


def test_the_moments_are_told_in_seconds_since_the_start(started) -> None:
    report = started("splash,window,ready")
    assert list(report.seconds) == [Moment.SPLASH, Moment.WINDOW, Moment.READY]
    assert 0 < report.seconds[Moment.SPLASH] <= report.seconds[Moment.READY] < 60


def test_a_program_that_dies_says_why(started) -> None:
    with pytest.raises(DeviceError, match="did not open") as raised:
        started("dies")
    assert "libEGL.so.1 is missing" in raised.value.detail


def test_a_window_that_never_gets_ready_is_ended(started) -> None:
    with pytest.raises(DeviceError, match="did not get ready") as raised:
        started("window,hangs", timeout_seconds=10.0)
    assert "window after" in raised.value.detail


def test_what_the_window_tells_its_user_is_told(started) -> None:
    with pytest.raises(DeviceError, match="No study found"):
        started("window,tells")


def test_it_can_be_cancelled(started) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        started("hangs", token=token)


def test_an_ordinary_start_is_no_rehearsal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(rehearsal.REHEARSAL_VARIABLE, raising=False)
    assert Rehearsal.asked_for() is None
    monkeypatch.setenv(rehearsal.REHEARSAL_VARIABLE, str(tmp_path))
    asked = Rehearsal.asked_for()
    assert asked is not None
    asked.note(Moment.WINDOW)
    first = asked.moments[Moment.WINDOW]
    asked.note(Moment.WINDOW)
    (notes,) = tmp_path.glob("*.json")
    assert json.loads(notes.read_text("utf-8"))["moments"] == {"window": first}


def test_why_no_3d_picture_could_be_drawn_is_told(started) -> None:
    assert started("window,ready,draws").no_3d == ""
    assert started("window,ready,cannot").no_3d == "libGLX_mesa.so.0: version not found"
    assert "ended while it drew" in started("window,ready").no_3d
