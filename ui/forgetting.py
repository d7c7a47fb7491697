"""Removes what is kept of earlier studies, when its user agrees, and says what it was."""

from collections.abc import Callable

from PySide6.QtWidgets import QMessageBox

from desktop_app.errors import UserFacingError
from desktop_app.services.forgetting import forget_earlier_studies
from ui.main_window import MainWindow
from ui.presenters.correction_presenter import CorrectionPresenter
from ui.widgets.questions import agrees

_QUESTION = (
    "Forget what is kept of earlier studies?\n\n"
    "Removed are the list of earlier scans, which holds names of patients, the list of studies "
    "opened last, the folders of the last batch, which series you chose for which sequence, and "
    "corrections that were never exported. Your results and settings stay."
)


class Forgetting:
    """Asks, forgets, and tells.

    Parameters
    ----------
    empty_lists
        Has the settings forget the paths of studies.
    """

    def __init__(
        self,
        window: MainWindow,
        correction: CorrectionPresenter,
        empty_lists: Callable[[], None],
    ) -> None:
        self._window = window
        self._correction = correction
        self._empty_lists = empty_lists
        window.forget_asked.connect(self.ask)

    def ask(self) -> None:
        """Say what would be removed, and remove it if the user agrees."""
        if agrees(self._window, _QUESTION, QMessageBox.StandardButton.Yes):
            self._forget()

    def _forget(self) -> None:
        self._empty_lists()
        self._window.batch_page.folders.remember("", "")
        try:
            self._correction.forget()
            gone = forget_earlier_studies()
        except UserFacingError as error:
            self._window.show_error(error)
            return
        choices = "1 choice" if gone.choices == 1 else f"{gone.choices} choices"
        lines = (
            "List of studies opened last: emptied.",
            f"List of earlier scans: {gone.scan_bytes / 1e6:.1f} MB removed.",
            f"Series you chose: {choices} removed.",
            f"Corrections never exported: of {gone.corrections} "
            f"{'study' if gone.corrections == 1 else 'studies'} removed.",
        )
        self._window.show_message("Forgotten.", lines)
