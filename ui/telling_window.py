"""A window that tells and asks in dialogs of its own."""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QMainWindow, QMessageBox

from desktop_app.domain.label_part import LabelPart
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Study
from desktop_app.errors import UserFacingError
from desktop_app.paths import exchanged_error
from ui.dialogs.labels_dialog import LabelsDialog
from ui.dialogs.left_out_dialog import LeftOutDialog
from ui.dialogs.manual_dialog import ManualDialog
from ui.dialogs.margin_dialog import MarginDialog
from ui.dialogs.preflight_dialog import PreflightDialog
from ui.dialogs.reject_dialog import RejectDialog
from ui.dialogs.shortcuts import ShortcutsDialog
from ui.dialogs.study_dialog import StudyDialog
from ui.dialogs.time_dialog import TimeDialog
from ui.manual import manual_pages
from ui.views.study_view import SequenceSlot, StudyHeader
from ui.views.time_view import TimeRow
from ui.widgets.message import crash_box, error_box, message_box, offer_folder
from ui.widgets.questions import offer


class TellingWindow(QMainWindow):
    """Tells what happened, asks what is to be done, and lists what can be looked up.

    Signals
    -------
    message_closed()
        The user has read what `show_message` told.
    """

    message_closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._manual: ManualDialog | None = None
        self.keep_trace: Callable[[str], Path | None] = lambda _trace: None

    def show_shortcuts(self) -> None:
        """List what keys and mouse buttons do."""
        _open(ShortcutsDialog(self))

    def show_manual(self, file: Path) -> None:
        """Show a page of the manual, beside whatever goes on in the window."""
        if self._manual is None:
            self._manual = ManualDialog(manual_pages(file.parent), self)
        self._manual.show_page(file)
        self._manual.show()
        self._manual.raise_()

    def show_checks(self, slots: Many[SequenceSlot]) -> None:
        """List everything that the pre-flight look found."""
        _open(PreflightDialog(slots, self))

    def show_left_out(self, header: StudyHeader) -> None:
        """List what was left out of the study that is shown, and why."""
        _open(LeftOutDialog(header.note, header.left_out, self))

    def show_volumes_over_time(
        self, who: str, folder: Path, rows: Many[TimeRow], note: str
    ) -> None:
        """List volumes, the earliest first; `note` says what is missing among them."""
        _open(TimeDialog(who, folder, rows, self, note=note))

    def ask_rejection(self, answer: Callable[[str], None]) -> None:
        """Ask why a result is rejected; returns before the user answers."""
        RejectDialog(answer, self).open()

    def ask_margin(self, region: str, answer: Callable[[float, bool], None]) -> None:
        """Ask how far the border of a region is to be moved; returns before the user answers."""
        _open(MarginDialog(region, answer, self))

    def show_message(self, title: str, lines: Many[str], folder: Path | None = None) -> None:
        """Tell something good or neutral; offer to open a folder if one is given."""
        box = message_box(self, QMessageBox.Icon.Information, title, lines)
        if folder is not None:
            offer_folder(box, folder)
        box.finished.connect(self.message_closed)

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""
        error_box(self, error)

    def show_crash(self, traceback: str) -> None:
        """Tell of a defect in the program."""
        exchanged = exchanged_error()
        if exchanged is not None:
            self.show_error(exchanged)
            return
        crash_box(self, traceback, self.keep_trace(traceback))

    def offer_result(
        self, written: datetime, corrected: bool, answer: Callable[[bool], None]
    ) -> None:
        """Ask whether to open an earlier result; returns before the user answers."""
        by_hand = ", corrected by hand" if corrected else ""
        what = f"There is a result of {written:%Y-%m-%d %H:%M}{by_hand}."
        question = "Open it with the study?"
        offer(self, what, question, ("Open the result", "Only the images"), answer)

    def ask_labels(
        self,
        file_name: str,
        parts: Many[LabelPart],
        answer: Callable[[Mapping[int, Region]], None],
    ) -> None:
        """Ask which region each part of a file of labels is; returns before the user answers."""
        _open(LabelsDialog(file_name, parts, answer, self))

    def ask_study(self, studies: Many[Study]) -> Study | None:
        """Let the user choose one of several studies."""
        dialog = StudyDialog(studies, self)
        accepted = dialog.exec() == StudyDialog.DialogCode.Accepted
        chosen = dialog.chosen() if accepted else None
        dialog.deleteLater()
        return chosen

    def offer_restore(
        self, started: datetime, edit_count: int, answer: Callable[[bool], None]
    ) -> None:
        """Ask whether to go on with earlier corrections; returns before the user answers."""
        count = "1 correction" if edit_count == 1 else f"{edit_count} corrections"
        what = f"{count} of {started:%Y-%m-%d %H:%M} were never exported."
        question = "The program ended before. Go on with these labels?"
        offer(self, what, question, ("Restore them", "Discard them"), answer, loses=True)


def _open(dialog: QDialog) -> None:
    """Show a dialog that is gone once it is closed."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
