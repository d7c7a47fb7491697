"""What the batch presenter may ask of the window."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from desktop_app.errors import UserFacingError


class Review(StrEnum):
    """Which studies somebody wants to see, as the table offers it."""

    ALL = "All studies"
    FAILED = "Failed"
    TO_CHECK = "To check"
    DONE = "Done"
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it is written, and as it is sorted by; empty text where it is not known."""

    text: str = ""
    value: float = -1.0


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One study of a batch, as the table shows it.

    Parameters
    ----------
    where
        Folder of its files, as seen from the batch's own.
    style
        good, fair, poor, accent or empty.
    whole_tumour, core, enhancing
        In cm³.
    reviews
        Under which choices it is shown.
    is_warned
        Whether the result comes with a warning: to be checked before others.
    """

    name: str
    where: str
    state: str
    style: str
    whole_tumour: Figure
    core: Figure
    enhancing: Figure
    seconds: Figure
    message: str
    reviews: frozenset[Review]
    is_warned: bool = False


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """The line above the table.

    Parameters
    ----------
    can_start
        Whether a study is left to do.
    can_watch
        Whether studies may come.
    can_repeat
        Whether there are studies that may be done again.
    """

    text: str
    fraction: float
    seconds_left: float | None
    running: bool
    can_start: bool
    can_watch: bool = False
    can_repeat: bool = False


class BatchView(Protocol):
    """The batch page as its presenter sees it."""

    def show_folders(self, root: str, output: str) -> None:
        """Show where studies come from and where results go."""

    def show_cases(self, rows: Many[CaseRow]) -> None:
        """Fill the table."""

    def show_case(self, index: int, row: CaseRow) -> None:
        """Replace one row."""

    def show_status(self, status: BatchStatus) -> None:
        """Show how far the batch is."""

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""

    def show_crash(self, traceback: str) -> None:
        """Tell of a defect in the program."""
