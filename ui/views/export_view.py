"""What the presenter of exports may ask of the window."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ExportState:
    """Whether the open result was exported, and where to.

    Parameters
    ----------
    text
        The same in a line.
    folder
        Where it, or what it was corrected from, lies; ``None`` where that is nowhere.
    """

    text: str
    is_exported: bool
    folder: Path | None = None


class ExportStateView(Protocol):
    """The window as the presenter sees it."""

    def show_export_state(self, state: ExportState | None) -> None:
        """Show what became of the result; ``None`` where there is none."""
