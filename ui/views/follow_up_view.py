"""What the presenter of a comparison with an earlier study may ask of the window."""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.services.follow_up.table import TableRow


class Visit(Enum):
    """The two studies."""

    EARLIER = "Earlier"
    NOW = "Now"


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """A study to choose from.

    Parameters
    ----------
    result
        When its result was exported; empty where it has to be segmented.
    note
        What speaks against comparing with it.
    is_ready
        Whether it can be chosen.
    """

    date: str
    study: str
    sequences: str
    result: str
    note: str
    is_ready: bool


@dataclass(frozen=True, slots=True, eq=False)
class ShownVisit:
    """One of both studies.

    Parameters
    ----------
    heading
        Which of them, and of when.
    images, labels
        In the coordinates of the current study, where they could be moved there.
    grid
        Whose slices are shown.
    """

    heading: str
    images: Mapping[Sequence, Volume]
    labels: Segmentation
    grid: Geometry


@dataclass(frozen=True, slots=True, eq=False)
class ShownFollowUp:
    """A comparison.

    Parameters
    ----------
    who
        The patient.
    change_kji
        Returns the map of change of a region on the grid of the current labels; ``None`` where the
        studies could not be laid on each other.
    regions
        Those of which a change can be told.
    summary
        The change in a sentence.
    rows
        Numbers, columns in the order of `table.REGIONS`.
    remarks
        How the studies were laid on each other, and what makes comparing doubtful.
    """

    who: str
    visits: Mapping[Visit, ShownVisit]
    change_kji: Callable[[Region], NDArray[np.uint8]] | None
    regions: Many[Region]
    summary: str
    rows: Many[TableRow]
    remarks: Many[str]
    doubts: Many[str]


class FollowUpView(Protocol):
    """The window as the presenter sees it."""

    def offer_earlier(self, who: str, rows: Many[EarlierRow]) -> None:
        """Let the user choose a study, or a folder to look for others in."""

    def show_follow_up(self, shown: ShownFollowUp) -> None:
        """Show a comparison in a window of its own."""

    def note_outdated(self) -> None:
        """Say that the labels of the open study are no longer those that are compared."""

    def close_follow_up(self) -> None:
        """Close what belongs to another study or result."""

    def show_message(self, title: str, lines: Many[str], folder: Path | None = None) -> None:
        """Tell something good or neutral; offer to open a folder if one is given."""
