"""Messages, errors and crashes: three plain lines, details on request."""

from collections.abc import Sequence as Many
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop_app import DISCLAIMER
from desktop_app.errors import UserFacingError


def message_box(
    parent: QWidget,
    icon: QMessageBox.Icon,
    title: str,
    lines: Many[str],
    details: str = "",
) -> QMessageBox:
    """Show a message without stopping the event loop.

    Parameters
    ----------
    lines
        Plain text; never taken for markup.
    details
        Long text behind a button.
    """
    box = QMessageBox(icon, "Gliascope", title, QMessageBox.StandardButton.Ok, parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText("\n".join(lines))
    if details:
        box.setDetailedText(details)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


def error_box(parent: QWidget, error: UserFacingError) -> QMessageBox:
    """Show an expected error: what, where, what to do."""
    return message_box(
        parent, QMessageBox.Icon.Warning, error.title, (error.detail, "", error.remedy)
    )


def crash_box(parent: QWidget, traceback: str, file: Path | None = None) -> QMessageBox:
    """Show a defect of the program.

    Parameters
    ----------
    file
        Where its trace was written; ``None`` where that could not be.
    """
    where = f"The details are in {file}." if file is not None else "The details are below."
    lines = (
        "This is a fault in Gliascope, not in your study. Results already exported are untouched; "
        "export what is open now, to be sure of it.",
        "",
        f"{where} Please pass them on to whoever gave you the program; take out "
        "patients' names first.",
    )
    title = "Something went wrong."
    box = message_box(parent, QMessageBox.Icon.Critical, title, lines, traceback)
    if file is not None:
        offer_folder(box, file.parent)
    return box


def offer_folder(box: QMessageBox, folder: Path) -> None:
    """Add a button to a message that shows a folder on the desktop."""
    show = box.addButton("Open folder", QMessageBox.ButtonRole.ActionRole)
    url = QUrl.fromLocalFile(str(folder))
    show.clicked.connect(lambda: QDesktopServices.openUrl(url))


def about_box(parent: QWidget, version: str) -> QMessageBox:
    """Show what the program is."""
    lines = (
        "Segments brain tumours in MR studies with Slim UNETR++, on this computer alone.",
        "",
        DISCLAIMER,
        "Licensed under Apache-2.0.",
    )
    return message_box(parent, QMessageBox.Icon.NoIcon, f"Gliascope {version}", lines)
