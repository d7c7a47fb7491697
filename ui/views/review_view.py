"""What the review of a batch's results may ask of the window."""

from dataclasses import dataclass
from typing import Protocol

from desktop_app.errors import UserFacingError


@dataclass(frozen=True, slots=True)
class ReviewStatus:
    """The line above a study that came from a batch.

    Parameters
    ----------
    text
        What was said of its result, and how many others wait for a word.
    style
        good, poor or empty.
    can_accept, can_reject, can_go_on
        Whether there is a result that is seen, any result, another one to check.
    """

    text: str
    style: str
    can_accept: bool
    can_reject: bool
    can_go_on: bool


class ReviewView(Protocol):
    """The window as the review sees it."""

    def show_review(self, status: ReviewStatus | None) -> None:
        """Show how the review stands; ``None`` where the study came from no batch."""

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""

    def show_crash(self, traceback: str) -> None:
        """Tell of a defect in the program."""
