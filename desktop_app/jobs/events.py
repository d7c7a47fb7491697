"""What a job tells: started, progress, then exactly one of done, failed, cancelled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from desktop_app.errors import UserFacingError

ProgressCallback = Callable[[float, str], None]
"""Called by work with the fraction done, 0 to 1, and the name of the stage."""


def silent(_fraction: float, _stage: str) -> None:
    """Stand in for a listener that is not there."""


@dataclass(frozen=True, slots=True)
class Started:
    """The work left the queue and runs."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is.

    Parameters
    ----------
    fraction
        0 to 1, never less than before.
    stage
        What is being done, for people.
    seconds_left
        Estimate; ``None`` as long as there is nothing to estimate from.
    """

    fraction: float
    stage: str
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """The work ended well, with what it returned."""

    result: Any


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """The work ended with an exception.

    Parameters
    ----------
    error
        The failure in the user's terms; ``None`` where it is a defect of the program.
    traceback
        For the log and the crash report.
    """

    error: UserFacingError | None
    traceback: str


@dataclass(frozen=True, slots=True)
class CancelledEvent:
    """The user stopped the work before it ended; what it did by then is undone or left aside."""


TerminalEvent = Done | Failed | CancelledEvent
Event = Started | Progress | TerminalEvent
