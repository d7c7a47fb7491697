"""Report pages as PDF files, drawn by Qt."""

import sys
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QIODevice, QMarginsF, Qt
from PySide6.QtGui import (
    QFontDatabase,
    QGuiApplication,
    QImage,
    QPagedPaintDevice,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
)

from desktop_app import DISCLAIMER
from desktop_app.services.export.report import ReportPage
from desktop_app.services.follow_up.page import FollowUpPage
from ui.follow_up_sheet import FollowUpSheet
from ui.report_sheet import ReportSheet
from ui.sheet import SHEET_HEIGHT, SHEET_WIDTH, UNITS_PER_MM

_MM_PER_INCH = 25.4
# Small print stays legible on a diagnostic screen, and the file stays under 8 MB.
_PIXELS_PER_MM = 6
# Narrow enough for the tables, in the order of the systems that have them.
_FAMILIES = ("Segoe UI", "Helvetica Neue", "Inter", "Noto Sans", "Liberation Sans", "Arial")


Page = ReportPage | FollowUpPage


class PdfReport:
    """Renders report pages; makes the Qt application that fonts need where there is none.

    Make it in the main thread; `render` may be called from any thread, pages are drawn one by one.
    """

    def __init__(self) -> None:
        self._application = QCoreApplication.instance() or _application_without_display()
        self._one_at_a_time = threading.Lock()

    def render(self, page: Page, path: Path) -> None:
        """Write the page as PDF/A-1b with its fonts inside.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        # Qt does not say why a file could not be written; Python does.
        with self._one_at_a_time:
            content = self._pdf(page)
        path.write_bytes(content)

    def picture(self, page: Page) -> NDArray[np.uint8]:
        """Draw the page as (rows, columns, 3) red, green, blue."""
        image = QImage(
            round(SHEET_WIDTH / UNITS_PER_MM * _PIXELS_PER_MM),
            round(SHEET_HEIGHT / UNITS_PER_MM * _PIXELS_PER_MM),
            QImage.Format.Format_RGB888,
        )
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        try:
            painter.scale(_PIXELS_PER_MM / UNITS_PER_MM, _PIXELS_PER_MM / UNITS_PER_MM)
            _draw(page, painter)
        finally:
            painter.end()
        # Qt pads rows to whole words.
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

    def _pdf(self, page: Page) -> bytes:
        content = QByteArray()
        buffer = QBuffer(content)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        writer = QPdfWriter(buffer)
        writer.setPdfVersion(QPagedPaintDevice.PdfVersion.PdfVersion_A1b)
        writer.setResolution(round(UNITS_PER_MM * _MM_PER_INCH))
        writer.setPageLayout(
            QPageLayout(
                QPageSize(QPageSize.PageSizeId.A4),
                QPageLayout.Orientation.Portrait,
                QMarginsF(0, 0, 0, 0),
            )
        )
        writer.setTitle(f"Gliascope report, {page.title}")
        writer.setCreator(f"Gliascope. {DISCLAIMER}")
        painter = QPainter(writer)
        try:
            _draw(page, painter)
        finally:
            painter.end()
        buffer.close()
        return bytes(content.data())


def _draw(page: Page, painter: QPainter) -> None:
    if isinstance(page, FollowUpPage):
        FollowUpSheet(painter, font_family()).draw(page)
    else:
        ReportSheet(painter, font_family()).draw(page)


def font_family() -> str:
    """Return a sans-serif family that this computer has."""
    present = set(QFontDatabase.families())
    for family in _FAMILIES:
        if family in present:
            return family
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()


def _application_without_display() -> QGuiApplication:
    """Make an application that needs no screen: a server's command line has none."""
    arguments = ["gliascope"]
    if sys.platform not in {"darwin", "win32"}:
        arguments += ["-platform", "offscreen"]
    return QGuiApplication(arguments)
