"""What the presenter of volumes over time may ask of the window."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TimeRow:
    """One study: volumes of WT, TC and ET in cm³, and their change since the study before."""

    date: str
    volumes: tuple[str, ...]
    changes: tuple[str, ...]
    note: str


class TimeView(Protocol):
    """The window as the presenter sees it."""

    def show_volumes_over_time(
        self, who: str, folder: Path, rows: Many[TimeRow], note: str
    ) -> None:
        """List volumes, the earliest first; `note` says what is missing among them."""

    def show_message(self, title: str, lines: Many[str], folder: Path | None = None) -> None:
        """Tell something good or neutral; offer to open a folder if one is given."""
