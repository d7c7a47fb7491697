"""Stands in for the toolkit that draws the report page."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop_app.services.export.report import ReportPage


class Page:
    """Keeps the page it was given; its files are those of a broken printer.

    Parameters
    ----------
    error
        Raised once the file is half-written.
    """

    def __init__(self, error: OSError | None = None) -> None:
        self.error = error
        self.page: ReportPage | None = None

    def render(self, page: ReportPage, path: Path) -> None:
        """Write no whole PDF."""
        self.page = page
        path.write_bytes(b"%PDF half")
        if self.error is not None:
            raise self.error

    def picture(self, page: ReportPage) -> NDArray[np.uint8]:
        """Return a white page."""
        self.page = page
        return np.full((40, 30, 3), 255, np.uint8)
