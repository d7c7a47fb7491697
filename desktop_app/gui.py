"""The door to the window: the only module of the application that imports `ui`."""

from collections.abc import Sequence
from pathlib import Path

from desktop_app import composition
from desktop_app.services.export import PageRenderer


def main(paths: Sequence[str]) -> int:
    """Show the window, on a study if one is given; returns the exit code."""
    from ui.app import run

    with composition.build() as app:
        return run(app, [Path(path) for path in paths])


def page_renderer() -> PageRenderer:
    """Return the maker of PDF pages, for commands that show no window."""
    from ui.pdf_report import PdfReport

    return PdfReport()
