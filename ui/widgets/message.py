"""Messages, errors and crashes: three plain lines, details on request; what opens outside."""

import subprocess
import sys
from collections.abc import Sequence as Many
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop_app import DISCLAIMER
from desktop_app.errors import UserFacingError
from desktop_app.paths import environment_outside

_LOOK_MS = 200


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
    # The message is gone with the click.
    show.clicked.connect(lambda: open_outside(url, box.parentWidget() or box))


def open_outside(url: QUrl, parent: QWidget) -> None:
    """Have the desktop show a folder or a page; tell where it cannot."""
    if sys.platform != "linux" or not getattr(sys, "frozen", False):
        QDesktopServices.openUrl(url)
        return
    try:
        process = subprocess.Popen(
            ("xdg-open", url.toString(QUrl.ComponentFormattingOption.FullyEncoded)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment_outside(),
            # What it opens outlives this program.
            start_new_session=True,
        )
    except OSError:
        _tell_not_opened(url, parent)
        return
    timer = QTimer(parent)

    def look() -> None:
        code = process.poll()
        if code is not None:
            timer.deleteLater()
            timer.stop()
        if code:
            _tell_not_opened(url, parent)

    timer.timeout.connect(look)
    timer.start(_LOOK_MS)


def _tell_not_opened(url: QUrl, parent: QWidget) -> None:
    what, remedy = (
        ("folder", "Open it in the file manager.")
        if url.isLocalFile()
        else ("page", "Open it in a browser.")
    )
    lines = (url.toLocalFile() or url.toString(), "", remedy)
    message_box(parent, QMessageBox.Icon.Warning, f"The {what} could not be opened.", lines)


def about_box(parent: QWidget, version: str) -> QMessageBox:
    """Show what the program is."""
    lines = (
        "Segments brain tumours in MR studies with Slim UNETR++, on this computer alone.",
        "",
        DISCLAIMER,
        "Licensed under Apache-2.0.",
    )
    return message_box(parent, QMessageBox.Icon.NoIcon, f"Gliascope {version}", lines)
