"""Wires the comparison with an earlier study: menu, dialogs, presenter."""

from collections.abc import Callable
from collections.abc import Sequence as Many
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from desktop_app.composition import App
from desktop_app.services.segmenting.segment import SegmentOptions
from ui.dialogs.earlier_study_dialog import EarlierStudyDialog
from ui.dialogs.follow_up_dialog import FollowUpDialog
from ui.main_window import MainWindow
from ui.pdf_report import PdfReport
from ui.presenters.follow_up_presenter import FollowUpPresenter
from ui.presenters.job_line import JobLine
from ui.views.follow_up_view import EarlierRow, ShownFollowUp

_FILE_NAME = "follow-up.pdf"


class Comparing:
    """Shows what the presenter of comparisons tells, in windows beside the main one."""

    def __init__(
        self,
        window: MainWindow,
        services: App,
        jobs: JobLine,
        *,
        options: Callable[[], SegmentOptions],
        results_folder: Callable[[], Path],
        renderer: PdfReport,
    ) -> None:
        self._window = window
        self._choice: EarlierStudyDialog | None = None
        self._shown: FollowUpDialog | None = None
        self._folder = ""
        self.presenter = FollowUpPresenter(
            self,
            services.session,
            jobs,
            segmenter=services.worker,
            options=options,
            results_folder=results_folder,
            renderer=renderer,
        )
        window.menus.compare_earlier.triggered.connect(self.presenter.ask)

    @property
    def choice(self) -> EarlierStudyDialog | None:
        """The list of studies, while it is open."""
        return self._choice

    @property
    def shown(self) -> FollowUpDialog | None:
        """The comparison, while it is open."""
        return self._shown

    def offer_earlier(self, who: str, rows: Many[EarlierRow]) -> None:
        """Let the user choose a study, or a folder to look for others in."""
        self._close_choice()
        dialog = self._choice = EarlierStudyDialog(who, rows, self._window)
        dialog.chosen.connect(self.presenter.compare)
        dialog.folder_requested.connect(self._ask_folder)
        dialog.finished.connect(self._forget_choice)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_follow_up(self, shown: ShownFollowUp) -> None:
        """Show a comparison in a window of its own."""
        before = self._shown
        windows = self._window.study_page.views.sequence_windows()
        dialog = FollowUpDialog(shown, self._window, windows=windows)
        if before is not None:
            dialog.begin_as(before)
        self._close_shown()
        self._shown = dialog
        dialog.copy_requested.connect(self._copy)
        dialog.save_requested.connect(self._ask_and_save)
        dialog.files_requested.connect(self._ask_and_save_files)
        dialog.again_requested.connect(self.presenter.compare_again)
        dialog.finished.connect(self._forget_shown)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def note_outdated(self) -> None:
        """Say that the labels of the open study are no longer those that are compared."""
        if self._shown is not None:
            self._shown.note_outdated()

    def close_follow_up(self) -> None:
        """Close what belongs to another study or result."""
        self._close_choice()
        self._close_shown()

    def show_message(self, title: str, lines: Many[str], folder: Path | None = None) -> None:
        """Tell something good or neutral; offer to open a folder if one is given."""
        self._window.show_message(title, lines, folder)

    def _ask_folder(self) -> None:
        start = self._folder or self._window.last_folder
        folder = QFileDialog.getExistingDirectory(self._window, "Look for earlier studies", start)
        if folder:
            self._folder = str(Path(folder).parent)
            self.presenter.look_in(Path(folder))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.presenter.text_to_copy())

    def _ask_and_save(self) -> None:
        name = str(Path(self._window.last_result_folder) / _FILE_NAME)
        chosen, _ = QFileDialog.getSaveFileName(self._shown, "Save the report", name, "PDF (*.pdf)")
        if chosen:
            path = Path(chosen)
            self.presenter.save(path if path.suffix else path.with_name(f"{path.name}.pdf"))

    def _ask_and_save_files(self) -> None:
        start = self._window.last_result_folder
        folder = QFileDialog.getExistingDirectory(self._shown, "Save the comparison in", start)
        if folder:
            self.presenter.save_files(Path(folder))

    def _close_choice(self) -> None:
        dialog, self._choice = self._choice, None
        if dialog is not None:
            dialog.close()

    def _close_shown(self) -> None:
        dialog, self._shown = self._shown, None
        if dialog is not None:
            dialog.close()

    def _forget_choice(self) -> None:
        self._choice = None

    def _forget_shown(self) -> None:
        self._shown = None
        self.presenter.let_go()
