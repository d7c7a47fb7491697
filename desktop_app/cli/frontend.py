"""What the command line needs of the window's side, handed in by the program's start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop_app.services.export import PageRenderer


@dataclass(frozen=True, slots=True)
class Frontend:
    """Ways to the toolkit, which the command line may not import.

    Parameters
    ----------
    open_window
        Shows the window on the given paths; returns its exit code when it is closed.
    page_renderer
        Makes what lays out the PDF page; called once, on the main thread, and only for a PDF.
    """

    open_window: Callable[[list[str]], int]
    page_renderer: "Callable[[], PageRenderer]"
