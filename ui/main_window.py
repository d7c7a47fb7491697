"""The window: two pages, a menu, a status line; passive, driven by the presenters."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from ui.dropped import common_path
from ui.export_formats import format_choices
from ui.icons import Icons
from ui.menus import Menus
from ui.panels.batch_page import BatchPage
from ui.panels.review_bar import ReviewBar
from ui.splash import NOTICE
from ui.study_window import StudyWindow
from ui.views.correction_view import CorrectionState
from ui.views.review_view import ReviewStatus
from ui.views.study_view import Actions
from ui.widgets.card import styled_label
from ui.widgets.message import message_box
from ui.widgets.questions import agrees, offer

_STUDY_TAB, _BATCH_TAB = 0, 1
_LABEL_FILES = "Labels (*.nii *.nii.gz *.dcm);;All files (*)"


class MainWindow(StudyWindow):
    """Shows what the presenters tell it and reports what the user does.

    Signals
    -------
    path_opened(Path)
        A study was chosen or dropped.
    sample_requested()
    result_opened(Path)
        The folder of an earlier result of the open study was chosen.
    labels_opened(Path)
        Labels that another program made of the open study were chosen.
    file_dropped(Path)
        A file was dropped on the open study: its labels, or another study.
    export_asked()
    recent_cleared()
        The list of studies opened last is to be emptied.
    forget_asked()
        What is kept of earlier studies is to be removed.
    close_asked()
        The window is about to close; the presenters stop their jobs.
    desktop_turned()
        The desktop became dark or light.
    """

    path_opened = Signal(object)
    sample_requested = Signal()
    result_opened = Signal(object)
    labels_opened = Signal(object)
    file_dropped = Signal(object)
    export_asked = Signal()
    recent_cleared = Signal()
    forget_asked = Signal()
    close_asked = Signal()
    desktop_turned = Signal()

    def __init__(self, icons: Icons, last_folder: str = "") -> None:
        super().__init__(icons)
        self.setWindowTitle("Gliascope")
        self.setWindowIcon(icons.get("gliascope"))
        self.setAcceptDrops(True)
        self.resize(1440, 900)
        self._last_folder = last_folder
        self.last_result_folder = ""
        self.has_unsaved: Callable[[], bool] = lambda: False
        self.ask_to_leave: Callable[[str, Callable[[], object]], bool] = lambda _verb, _again: False
        self.what_runs: Callable[[], str] = lambda: ""
        self.batch_page = BatchPage(icons, format_choices())
        self.batch_page.crash_shown.connect(self.show_crash)
        self._tabs = QTabBar()
        self._tabs.addTab("Study")
        self._tabs.addTab("Batch")
        self._tabs.setAccessibleName("One study, or a batch")
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(False)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._study_stack)
        self._pages.addWidget(self.batch_page)
        self._tabs.currentChanged.connect(self._turn_to)
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.review_bar = ReviewBar()
        self._reviews = False
        line = QHBoxLayout()
        line.addWidget(self._tabs)
        line.addWidget(self.review_bar, 1)
        layout.addLayout(line)
        layout.addWidget(self._pages, 1)
        self.setCentralWidget(centre)
        self._fill_status_bar()
        self.menus = Menus(self)
        self._connect()

    def _fill_status_bar(self) -> None:
        self._readiness = styled_label("", "muted")
        self._readiness.setContentsMargins(0, 0, 10, 0)
        self.statusBar().addPermanentWidget(self._readiness)
        self.statusBar().addPermanentWidget(styled_label(NOTICE, "notice"))

    @property
    def last_folder(self) -> str:
        """Folder of the study opened last."""
        return self._last_folder

    def _connect(self) -> None:
        self.start_page.open_requested.connect(self.ask_folder)
        self.start_page.sample_requested.connect(self.sample_requested)
        self.start_page.batch_requested.connect(self.show_batch_page)
        self.study_page.export_requested.connect(self.export_asked)

    def show_batch_page(self) -> None:
        """Turn to the table of the batch; ask for its folder if there is none yet."""
        self._tabs.setCurrentIndex(_BATCH_TAB)
        self.batch_page.take_keys()
        self.batch_page.choose_root_if_empty()

    def show_readiness(self, text: str) -> None:
        """Tell in the status line whether the network is loaded."""
        self._readiness.setText(text)

    def show_study_page(self) -> None:
        """Turn to the study."""
        self._tabs.setCurrentIndex(_STUDY_TAB)

    def segment_now(self) -> None:
        """Turn to the study and report that it is to be segmented."""
        self.show_study_page()
        self.study_page.segment_requested.emit()

    def _turn_to(self, page: int) -> None:
        self._pages.setCurrentIndex(page)
        self.review_bar.setVisible(page == _STUDY_TAB and self._reviews)
        self._readout.setVisible(page == _STUDY_TAB)
        self._outcome.setVisible(page == _STUDY_TAB and bool(self._outcome.text()))

    def show_review(self, status: ReviewStatus | None) -> None:
        """Show how the review of a batch's result stands, beside the study only."""
        self._reviews = status is not None
        self.review_bar.show_status(status)
        self.review_bar.setVisible(self._reviews and self._tabs.currentIndex() == _STUDY_TAB)

    def ask_folder(self) -> None:
        """Ask for the folder of a study and report it."""
        folder = QFileDialog.getExistingDirectory(self, "Open a study", self._last_folder)
        if folder:
            self.open_path(Path(folder))

    def ask_file(self) -> None:
        """Ask for a ZIP, a DICOMDIR, a DICOM or a NIfTI file and report it."""
        file, _ = QFileDialog.getOpenFileName(self, "Open a study", self._last_folder)
        if file:
            self.open_path(Path(file))

    def ask_result(self) -> None:
        """Ask for the folder of an earlier result of the open study and report it."""
        folder = QFileDialog.getExistingDirectory(
            self, "Open an earlier result", self.last_result_folder
        )
        if folder:
            self._open_result(Path(folder))

    def _open_result(self, folder: Path) -> None:
        if self.may_leave("Open", lambda: self._open_result(folder)):
            self.last_result_folder = str(folder.parent)
            self.result_opened.emit(folder)

    def ask_labels_file(self) -> None:
        """Ask for labels that another program made of the open study and report them."""
        start = self.last_result_folder or self._last_folder
        file, _ = QFileDialog.getOpenFileName(self, "Open labels", start, _LABEL_FILES)
        if file:
            self._open_labels(Path(file))

    def _open_labels(self, file: Path) -> None:
        if self.may_leave("Open", lambda: self._open_labels(file)):
            self.labels_opened.emit(file)

    def offer_labels(self, file: Path) -> None:
        """Offer to open a file as labels of the open study; returns before the user answers."""

        def answer(wanted: bool) -> None:
            if wanted:
                self._open_labels(file)

        titles = ("Open the labels", "Cancel")
        offer(self, f"{file.name} holds labels.", "Open them on this study?", titles, answer)

    def open_path(self, path: Path) -> None:
        """Report a study to open, unless an unsaved result is to be kept."""
        if not self.may_leave("Open", lambda: self.open_path(path)):
            return
        self._last_folder = str(path.parent)
        self.show_study_page()
        self.path_opened.emit(path)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept local files and folders."""
        urls = event.mimeData().urls()
        if urls and all(url.isLocalFile() for url in urls):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped; of several things the folder that holds them all.

        On the batch's page a folder is the one with the studies; a file is of the open study, which
        is then shown.
        """
        event.acceptProposedAction()
        path = common_path([url.toLocalFile() for url in event.mimeData().urls()])
        if path is not None and self._tabs.currentIndex() == _BATCH_TAB and path.is_dir():
            self.batch_page.use_root(path)
            return
        if path is not None and self.study_page.has_study and path.is_file():
            self.show_study_page()
            self.file_dropped.emit(path)
            return
        if path is not None:
            self.open_path(path)
            return
        title = "What was dropped has no folder in common to search."
        lines = ("Put it into one folder, and open that.",)
        message_box(self, QMessageBox.Icon.Information, title, lines)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask before a result that was never exported is lost, or work is stopped."""
        if not (self.may_leave("Close", self.close) and self._may_stop()):
            event.ignore()
            return
        # What stands beside the window goes with it, and its size is kept
        for dialog in self.findChildren(QDialog):
            if not dialog.isModal():
                dialog.close()
        self.close_asked.emit()
        super().closeEvent(event)

    def may_leave(self, verb: str, again: Callable[[], object]) -> bool:
        """Whether nothing is lost by going on, or the user agrees to; see `Leaving.ask`."""
        return not self.has_unsaved() or self.ask_to_leave(verb, again)

    def _may_stop(self) -> bool:
        """Whether nothing runs that goes on for long, or the user agrees to stop it."""
        running = self.what_runs()
        question = f"{running}\n\nStop and close the window?"
        return not running or agrees(self, question, QMessageBox.StandardButton.Close)

    def changeEvent(self, event: QEvent) -> None:
        """Redraw the icons when the theme changes."""
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "batch_page"):
            self.study_page.refresh_icons()
            self.batch_page.refresh_icons()
        super().changeEvent(event)

    def show_actions(self, actions: Actions) -> None:
        """Enable what can be done now."""
        super().show_actions(actions)
        self.menus.show_actions(actions, has_study=self.study_page.has_study)

    def show_correction(self, state: CorrectionState) -> None:
        """Offer the tools, or take them away; tell what the last command did."""
        super().show_correction(state)
        self.menus.show_correction(state)
