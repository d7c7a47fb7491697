"""What the presenter of lesions may ask of the window."""

from dataclasses import dataclass
from typing import Protocol

from desktop_app.domain.measurement import Point


@dataclass(frozen=True, slots=True)
class LesionRow:
    """One enhancing lesion.

    Parameters
    ----------
    number
        From 1, the largest first.
    volume_text
        In cm³, without the unit.
    text
        Its diameters, and where they lie.
    worth
        Whether it is measurable: a tick, or in two words why not.
    note
        The same at length.
    middle
        Where to look.
    is_target
        Whether it is ticked.
    can_be_chosen
        Whether the tick can be changed.
    """

    number: int
    volume_text: str
    text: str
    worth: str
    note: str
    middle: Point
    is_target: bool
    can_be_chosen: bool


@dataclass(frozen=True, slots=True)
class LesionListing:
    """The lesions, and what those ticked come to, in a sentence."""

    rows: tuple[LesionRow, ...]
    summary: str


class LesionView(Protocol):
    """The window as the presenter of lesions sees it."""

    def show_lesions(self, listing: LesionListing | None) -> None:
        """Show lesions; ``None``: those shown are out of date, others are on their way."""
