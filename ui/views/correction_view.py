"""What the presenter of corrections may ask of the window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import Region
from desktop_app.errors import UserFacingError


@dataclass(frozen=True, slots=True)
class CorrectionState:
    """What can be done to the labels now.

    Parameters
    ----------
    is_possible
        Whether there are labels to correct.
    is_active
        Whether the tools are out.
    undo_title, redo_title
        What would be taken back or done again; empty where there is nothing.
    drawn_plane
        The plane drawn in last, along whose slices regions are filled; empty before any stroke.
    outcome
        What the last command on a whole region did; empty after any other change. Before that,
        that corrections of earlier are kept.
    limits
        Where the sliders of the network's certainty are out: the chance from which each region is
        drawn; ``None`` where that is not known, or the sliders are put away.
    is_core_whole
        Whether there was no T1c to tell the parts of the core apart.
    """

    is_possible: bool = False
    is_active: bool = False
    undo_title: str = ""
    redo_title: str = ""
    drawn_plane: str = ""
    outcome: str = ""
    limits: Mapping[Region, float] | None = None
    is_core_whole: bool = False


class CorrectionView(Protocol):
    """The window as the presenter of corrections sees it."""

    def show_correction(self, state: CorrectionState) -> None:
        """Offer the tools, or take them away; tell what the last command did."""

    def show_live_labels(
        self,
        labels_kji: NDArray[np.uint8],
        before_kji: NDArray[np.uint8],
        geometry: Geometry,
    ) -> None:
        """Show labels over the slices that will change in place.

        Parameters
        ----------
        before_kji
            What they are before any change, to be outlined on demand.
        """

    def refresh_labels(self) -> None:
        """Draw the slices' labels anew: they have changed in place."""

    def offer_restore(
        self, started: datetime, edit_count: int, answer: Callable[[bool], None]
    ) -> None:
        """Ask whether to go on with earlier corrections; returns before the user answers."""

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""
