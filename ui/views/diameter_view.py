"""What the presenter of diameters may ask of the window."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Protocol

from desktop_app.domain.measurement import Point
from desktop_app.errors import UserFacingError


@dataclass(frozen=True, slots=True)
class DiameterRow:
    """The two-dimensional measure of a region.

    Parameters
    ----------
    text
        In a line.
    note
        At length: what it is worth.
    lines
        The ends of both diameters, the longest first.
    middle
        Where to look.
    """

    text: str
    note: str
    lines: tuple[tuple[Point, Point], tuple[Point, Point]]
    middle: Point


class DiameterView(Protocol):
    """The window as the presenter of diameters sees it."""

    def show_diameters(self, rows: Many[DiameterRow] | None) -> None:
        """Show diameters; ``None``: those shown are out of date, others are on their way."""

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""

    def show_crash(self, traceback: str) -> None:
        """Tell of a defect in the program."""
