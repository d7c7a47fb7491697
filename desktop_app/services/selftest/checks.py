"""One check after another: what was tried, how it went, and how long it took."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from desktop_app.errors import Cancelled, UserFacingError
from desktop_app.jobs.cancel import NEVER, CancelToken


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "ok"
    FAILED = "failed"
    NOT_POSSIBLE = "not possible here"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried, and how it went."""

    name: str
    outcome: Outcome
    detail: str
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether it was tried and went well."""
        return self.outcome is Outcome.PASSED


class CheckFailed(Exception):
    """What was tried did not go well; the message says how."""


class NotPossibleHere(Exception):
    """What should be tried cannot be tried on this computer; the message says why."""


class Checklist:
    """Makes checks and keeps them.

    Parameters
    ----------
    token
        Asked before each of them.
    """

    def __init__(self, token: CancelToken = NEVER) -> None:
        self.checks: list[Check] = []
        self._token = token

    def attempt(self, name: str, check: Callable[[], str]) -> bool:
        """Make a check and return whether it passed.

        Parameters
        ----------
        check
            Returns what it found; raises what is wrong.

        Raises
        ------
        Cancelled
            If the token was cancelled.
        """
        self._token.raise_if_cancelled()
        started = time.perf_counter()
        try:
            outcome, detail = Outcome.PASSED, check()
        except Cancelled:
            raise
        except NotPossibleHere as reason:
            outcome, detail = Outcome.NOT_POSSIBLE, str(reason)
        except CheckFailed as reason:
            outcome, detail = Outcome.FAILED, str(reason)
        except UserFacingError as error:
            outcome, detail = Outcome.FAILED, " ".join(str(error).split())
        except Exception as error:  # noqa: BLE001 - told as a check that failed
            outcome, detail = Outcome.FAILED, _place(error)
        self.checks.append(Check(name, outcome, detail, time.perf_counter() - started))
        return outcome is Outcome.PASSED


def _place(error: Exception) -> str:
    """Return a defect in a line: what, and where in the program."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said} ({Path(frame.filename).name}, line {frame.lineno})"
