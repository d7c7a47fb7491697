"""A start of the window that is watched: when it showed, when it was ready, what it looked like.

The program is started as a user starts it, as a process of its own. Told by an environment
variable, it notes the moments of its start, takes a picture of its window and ends.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from desktop_app.errors import DeviceError
from desktop_app.io.atomic import atomic_path
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.paths import USER_DATA_VARIABLE, program_command

REHEARSAL_VARIABLE = "GLIASCOPE_REHEARSAL"
PICTURE = "window.png"
_MOMENTS = "moments.json"
_SCHEMA = "gliascope/rehearsal/1"
_POLL_SECONDS = 0.05
_END_SECONDS = 10.0


class Moment(StrEnum):
    """What is waited for during a start."""

    SPLASH = "splash"
    WINDOW = "window"
    STUDY = "study"
    READY = "ready"


@dataclass(slots=True)
class Rehearsal:
    """The started program's side.

    Parameters
    ----------
    folder
        Where its notes and the picture go.
    moments
        Seconds since the epoch.
    problem
        What the window told its user instead of going on.
    no_3d
        Why no 3D picture could be drawn; empty once one was.
    """

    folder: Path
    moments: dict[Moment, float] = field(default_factory=dict)
    problem: str = ""
    no_3d: str = "the program ended while it drew"

    @classmethod
    def asked_for(cls) -> Self | None:
        """Return the rehearsal this start is meant to be, if it is one."""
        folder = os.environ.get(REHEARSAL_VARIABLE)
        return cls(Path(folder)) if folder else None

    @property
    def picture(self) -> Path:
        """Where the picture of the window is to be written."""
        return self.folder / PICTURE

    def note(self, moment: Moment) -> None:
        """Write down the time at which something came about first.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        if moment not in self.moments:
            self.moments[moment] = time.time()
            self.write()

    def write(self) -> None:
        """Write the notes as they are now.

        Raises
        ------
        OutputError
            If they cannot be written.
        """
        document = {
            "schema": _SCHEMA,
            "moments": self.moments,
            "problem": self.problem,
            "no_3d": self.no_3d,
        }
        with atomic_path(self.folder / _MOMENTS) as temporary:
            temporary.write_text(json.dumps(document), "utf-8")


@dataclass(frozen=True, slots=True)
class StartReport:
    """What a watched start has shown.

    Parameters
    ----------
    seconds
        From the start of the process to each moment.
    picture
        The window as it looked at the end; absent if it got no picture.
    platform_note
        What was done so that a window can open here; empty where there is a screen.
    no_3d
        Why no 3D picture could be drawn; empty where one was.
    """

    seconds: Mapping[Moment, float]
    picture: Path
    platform_note: str = ""
    no_3d: str = ""


def rehearse(
    folder: Path,
    arguments: Sequence[str] = (),
    *,
    command: Sequence[str] = (),
    timeout_seconds: float = 120.0,
    token: CancelToken = NEVER,
) -> StartReport:
    """Start the window, wait until it is ready to segment, and end it.

    Parameters
    ----------
    folder
        Made if missing; takes the picture, and settings that are not the user's.
    arguments
        Of the program: none, or ``open`` and a study.
    command
        How the program is started; as this one was by default.

    Raises
    ------
    DeviceError
        If the window does not open or does not get ready.
    Cancelled
        If `token` was cancelled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MOMENTS).unlink(missing_ok=True)
    surroundings, note = _surroundings(folder)
    log = folder / "output.txt"
    started = time.time()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*(command or program_command()), *arguments],
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _await_end(process, started + timeout_seconds, token)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(_END_SECONDS)
    document = _notes(folder, process.returncode, log)
    seconds = {Moment(name): at - started for name, at in document["moments"].items()}
    if Moment.READY not in seconds:
        shown = ", ".join(f"{one.value} after {at:.1f} s" for one, at in seconds.items())
        raise DeviceError(
            "The window did not get ready to segment.",
            f"Within {timeout_seconds:.0f} s: {shown}.",
            "Look at what else the self-test says.",
        )
    return StartReport(seconds, folder / PICTURE, note, document["no_3d"])


def _surroundings(folder: Path) -> tuple[dict[str, str], str]:
    surroundings = {
        **os.environ,
        REHEARSAL_VARIABLE: str(folder),
        USER_DATA_VARIABLE: str(folder / "settings"),
    }
    screen = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & {
        name for name, value in surroundings.items() if value
    }
    if sys.platform == "linux" and not screen:
        surroundings["QT_QPA_PLATFORM"] = "offscreen"
        return surroundings, "there is no screen here, so it was drawn off screen"
    return surroundings, ""


def _await_end(process: "subprocess.Popen[bytes]", deadline: float, token: CancelToken) -> None:
    while process.poll() is None and time.time() < deadline:
        token.raise_if_cancelled()
        time.sleep(_POLL_SECONDS)


def _notes(folder: Path, exit_code: int | None, log: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((folder / _MOMENTS).read_text("utf-8"))
    except FileNotFoundError as error:
        said = " ".join(log.read_text("utf-8", "replace").split())[-500:]
        raise DeviceError(
            "The window did not open.",
            f"The program ended with code {exit_code}{': ' + said if said else ''}.",
            "Install the graphics libraries the message names, or use the commands.",
        ) from error
    if document["problem"]:
        raise DeviceError(
            "The window told of a problem.", document["problem"], "Start it and look."
        )
    return document
