"""Tells why a job failed: what a user can mend in three lines, a defect with its trace."""

from typing import Protocol

from desktop_app.errors import UserFacingError
from desktop_app.jobs.events import Failed


class FailureView(Protocol):
    """The part of a view that failures need."""

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""

    def show_crash(self, traceback: str) -> None:
        """Tell of a defect in the program."""


def tell_failure(view: FailureView, failure: Failed) -> None:
    """Show why a job failed."""
    if failure.error is None:
        view.show_crash(failure.traceback)
    else:
        view.show_error(failure.error)
