"""Saves the file that helps to find a fault, and says first what it holds."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox

from desktop_app.errors import OutputError
from desktop_app.services.crash_report import PASS_ON
from desktop_app.services.session import Session
from desktop_app.services.settings import Settings
from desktop_app.services.support_file import support_text, write_support_file
from ui.main_window import MainWindow
from ui.widgets.questions import agrees

_FILE_NAME = "gliascope-support.txt"
_QUESTION = (
    "Save a support file?\n\n"
    "It holds the versions of the program and its parts, facts of this computer, your settings, "
    "where in the program it last failed, and the log of the result exported last in this window. "
    "Names, numbers and dates of patients, folders and your own name are left out. It is a plain "
    "text, to be read before you pass it on. Nothing is sent."
)


class Supporting:
    """Asks, writes, and tells where the file is.

    Parameters
    ----------
    settings
        Returns what the user chose.
    user_data
        Folder for what the program keeps for this user.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        settings: Callable[[], Settings],
        user_data: Path,
    ) -> None:
        self._window = window
        self._session = session
        self._settings = settings
        self._user_data = user_data
        window.menus.support.triggered.connect(lambda: self.ask())

    def ask(self) -> None:
        """Say what the file would hold, and write it if the user agrees."""
        if not agrees(self._window, _QUESTION, QMessageBox.StandardButton.Save):
            return
        start = str(Path.home() / _FILE_NAME)
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save support file", start, "Text (*.txt)"
        )
        if name:
            self._write(Path(name))

    def _write(self, file: Path) -> None:
        folders = tuple(self._session.written)
        study = self._session.study
        text = support_text(
            self._settings(),
            self._user_data,
            () if study is None else (study,),
            folders[-1] if folders else None,
        )
        try:
            write_support_file(text, file)
        except OutputError as error:
            self._window.show_error(error)
            return
        lines = (str(file), f"Please read it, then pass it on to {PASS_ON}.")
        self._window.show_message("The support file is saved.", lines, file.parent)
