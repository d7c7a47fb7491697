"""What the command line needs of the window's side, handed in by the program's start."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from desktop_app.cli.stop import StopRequest

if TYPE_CHECKING:
    from desktop_app.services.export.formats import ExportFormat
    from desktop_app.services.export.writers import PageRenderer


@dataclass(frozen=True, slots=True)
class Frontend:
    """Ways to the toolkit, which the command line may not import.

    Parameters
    ----------
    open_window
        Shows the window on the given paths; returns its exit code when it is closed.
    page_renderer
        Makes what lays out the PDF page; called once, on the main thread, and only for a PDF.
    stop
        Whether the user asked the command to stop.
    """

    open_window: Callable[[list[str]], int]
    page_renderer: "Callable[[], PageRenderer]"
    stop: StopRequest = field(default_factory=StopRequest)

    def renderer_for(self, formats: "Iterable[ExportFormat]") -> "PageRenderer | None":
        """Return what lays out the page, if one of the formats shows it; on the main thread.

        Raises
        ------
        OutputError
            If pages cannot be drawn on this computer.
        """
        from desktop_app.services.export.formats import DRAWN_FORMATS

        return None if DRAWN_FORMATS.isdisjoint(formats) else self.page_renderer()
