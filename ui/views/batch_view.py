"""What the batch presenter may ask of the window."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Protocol

from desktop_app.errors import UserFacingError


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One study of a batch, as the table shows it.

    `style` is good, fair, poor or empty; volumes are empty text until known.
    """

    name: str
    where: str
    state: str
    style: str
    whole_tumour: str
    core: str
    enhancing: str
    seconds: str
    message: str
    can_open: bool


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """The line above the table.

    `can_start` says that a study is left to do, `can_watch` that studies may come.
    """

    text: str
    fraction: float
    seconds_left: float | None
    running: bool
    can_start: bool
    can_watch: bool = False


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
