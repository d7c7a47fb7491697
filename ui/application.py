"""The Qt application: the product's name, and studies that the desktop hands over."""

from collections.abc import Sequence as Many
from pathlib import Path

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

import desktop_app


class Application(QApplication):
    """Reports what the desktop wants opened.

    Signals
    -------
    file_opened(Path)
        macOS hands a study over by an event, to a program that runs as to one that starts.
    """

    file_opened = Signal(object)

    def event(self, event: QEvent) -> bool:
        """Take in a file that was opened with this program."""
        if isinstance(event, QFileOpenEvent) and event.file():
            self.file_opened.emit(Path(event.file()))
            return True
        return super().event(event)


def make_application(arguments: Many[str]) -> Application:
    """Return the Qt application with the product's name."""
    application = Application(list(arguments))
    application.setApplicationName("Gliascope")
    application.setApplicationDisplayName("Gliascope")
    application.setApplicationVersion(desktop_app.__version__)
    application.setDesktopFileName("gliascope")
    return application
