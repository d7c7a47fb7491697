"""The window: two pages, a menu, a status line; passive, driven by the presenters."""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import Sequence, Study
from desktop_app.domain.volume import Volume
from desktop_app.errors import UserFacingError
from ui.dialogs.compare_dialog import CompareDialog
from ui.dialogs.left_out_dialog import LeftOutDialog
from ui.dialogs.manual_dialog import ManualDialog
from ui.dialogs.preflight_dialog import PreflightDialog
from ui.dialogs.shortcuts import ShortcutsDialog
from ui.dialogs.study_dialog import StudyDialog
from ui.dialogs.time_dialog import TimeDialog
from ui.dropped import common_path
from ui.export_formats import format_choices
from ui.icons import Icons
from ui.manual import manual_pages
from ui.menus import Menus
from ui.panels.batch_page import BatchPage
from ui.panels.start_page import StartPage
from ui.panels.study_page import StudyPage
from ui.splash import NOTICE
from ui.views.correction_view import CorrectionState
from ui.views.diameter_view import DiameterRow
from ui.views.export_view import ExportState
from ui.views.sequences_view import SequenceImage
from ui.views.study_view import (
    Actions,
    Comparison,
    Findings,
    JobStatus,
    SequenceSlot,
    SeriesChoice,
    StudyHeader,
    Verdict,
)
from ui.views.time_view import TimeRow
from ui.widgets.card import styled_label
from ui.widgets.message import crash_box, error_box, message_box, offer_folder
from ui.widgets.questions import agrees, offer

_STUDY_TAB, _BATCH_TAB = 0, 1


class MainWindow(QMainWindow):
    """Shows what the presenters tell it and reports what the user does.

    Signals
    -------
    path_opened(Path)
        A study was chosen or dropped.
    sample_requested()
    result_opened(Path)
        The folder of an earlier result of the open study was chosen.
    export_asked()
    recent_cleared()
        The list of studies opened last is to be emptied.
    forget_asked()
        What is kept of earlier studies is to be removed.
    close_asked()
        The window is about to close; the presenters stop their jobs.
    message_closed()
        The user has read what `show_message` told.
    """

    path_opened = Signal(object)
    sample_requested = Signal()
    result_opened = Signal(object)
    export_asked = Signal()
    recent_cleared = Signal()
    forget_asked = Signal()
    close_asked = Signal()
    message_closed = Signal()

    def __init__(self, icons: Icons, last_folder: str = "") -> None:
        super().__init__()
        self.setWindowTitle("Gliascope")
        self.setWindowIcon(icons.get("gliascope"))
        self.setAcceptDrops(True)
        self.resize(1440, 900)
        self._last_folder = last_folder
        self.last_result_folder = ""
        self._manual: ManualDialog | None = None
        self._grid: Geometry | None = None
        self.has_unsaved: Callable[[], bool] = lambda: False
        self.ask_to_leave: Callable[[str, Callable[[], object]], bool] = lambda _verb, _again: False
        self._comparison: CompareDialog | None = None
        self.what_runs: Callable[[], str] = lambda: ""
        self.keep_trace: Callable[[str], Path | None] = lambda _trace: None
        self.start_page = StartPage(icons)
        self.study_page = StudyPage(icons)
        self.batch_page = BatchPage(icons, format_choices())
        self.batch_page.crash_shown.connect(self.show_crash)
        self._study_stack = QStackedWidget()
        self._study_stack.addWidget(self.start_page)
        self._study_stack.addWidget(self.study_page)
        self._tabs = QTabBar()
        self._tabs.addTab("Study")
        self._tabs.addTab("Batch")
        self._tabs.setAccessibleName("One study, or many")
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
        layout.addWidget(self._tabs)
        layout.addWidget(self._pages, 1)
        self.setCentralWidget(centre)
        self._fill_status_bar()
        self.menus = Menus(self)
        self._connect()

    def _fill_status_bar(self) -> None:
        self._readout = styled_label("", "muted")
        self._readout.setContentsMargins(8, 0, 0, 0)
        self._outcome = styled_label()
        self._outcome.setContentsMargins(8, 0, 0, 0)
        self._outcome.hide()
        self.statusBar().addWidget(self._outcome)
        self.statusBar().addWidget(self._readout, 1)
        self._other_note = styled_label("", "notice")
        self.statusBar().addPermanentWidget(self._other_note)
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
        self.study_page.left_out_requested.connect(self.show_left_out)
        self.study_page.sequences.checks_requested.connect(self.show_checks)
        self.study_page.views.value_probed.connect(self._readout.setText)
        self.study_page.viewer_bar.window_reset_requested.connect(
            self.study_page.views.reset_window
        )
        self.study_page.viewer_bar.crosshair_toggled.connect(
            self.study_page.views.set_crosshair_visible
        )
        self.study_page.viewer_bar.overlay_toggled.connect(
            self.study_page.views.set_overlay_visible
        )

    # What the user opens

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

    def show_batch_page(self) -> None:
        """Turn to the batch and ask for its folder if there is none yet."""
        self._tabs.setCurrentIndex(_BATCH_TAB)
        self.batch_page.choose_root_if_empty()

    def show_shortcuts(self) -> None:
        """List what keys and mouse buttons do."""
        dialog = ShortcutsDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_manual(self, file: Path) -> None:
        """Show a page of the manual, beside whatever goes on in the window."""
        if self._manual is None:
            self._manual = ManualDialog(manual_pages(file.parent), self)
        self._manual.show_page(file)
        self._manual.show()
        self._manual.raise_()

    def show_checks(self, slots: Many[SequenceSlot]) -> None:
        """List everything that the pre-flight look found."""
        dialog = PreflightDialog(slots, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_left_out(self, header: StudyHeader) -> None:
        """List what was left out of the study that is shown, and why."""
        dialog = LeftOutDialog(header.note, header.left_out, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_readiness(self, text: str) -> None:
        """Tell in the status line whether the network is loaded."""
        self._readiness.setText(text)

    def show_study_page(self) -> None:
        """Turn to the study."""
        self._tabs.setCurrentIndex(_STUDY_TAB)

    def _turn_to(self, page: int) -> None:
        self._pages.setCurrentIndex(page)
        self._readout.setVisible(page == _STUDY_TAB)

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

        On the batch's page a folder is the one with the studies.
        """
        event.acceptProposedAction()
        path = common_path([url.toLocalFile() for url in event.mimeData().urls()])
        if path is not None and self._tabs.currentIndex() == _BATCH_TAB and path.is_dir():
            self.batch_page.use_root(path)
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

    # StudyView

    def show_study(self, header: StudyHeader, slots: Many[SequenceSlot]) -> None:
        """Show the pre-flight table; forget images and results of the study before."""
        self._study_stack.setCurrentWidget(self.study_page)
        self.setWindowTitle(f"{header.title}[*] — Gliascope")
        self.study_page.show_header(header)
        self.show_slots(slots)
        self.show_image(None, reference=None)
        # The keys for slices are of use at once, and no drop-down takes them for its own
        self.study_page.views.first_view.setFocus()

    def show_studies(self, titles: Many[str], current: int) -> None:
        """Offer the studies that were found together."""
        self.study_page.show_studies(titles, current)

    def show_other_series(self, choices: Many[SeriesChoice], current: str, note: str) -> None:
        """Offer series that serve as no sequence, to look at; `note` says what is shown of them."""
        self.study_page.viewer_bar.show_other_series(choices, current)
        self._other_note.setText(f"{note}   ·   " if note else "")

    def show_slots(self, slots: Many[SequenceSlot]) -> None:
        """Replace the rows of the pre-flight table."""
        self.study_page.sequences.show_slots(slots)

    def show_verdict(self, verdict: Verdict) -> None:
        """Show what the pre-flight table comes to."""
        self.study_page.show_verdict(verdict)

    def show_comparison(self, comparison: Comparison) -> None:
        """Show two of the images over each other, in a window of their own."""
        self._close_comparison()
        views = self.study_page.views
        dialog = self._comparison = CompareDialog(
            comparison,
            self,
            cursor_lps_mm=views.cursor_lps_mm,
            windows=views.sequence_windows(),
        )
        dialog.setWindowTitle(f"Compare images: {self.windowTitle()}")
        dialog.finished.connect(self._take_comparison_back)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def _close_comparison(self) -> None:
        """Close the images of another study or choice, which nobody should take for these."""
        dialog, self._comparison = self._comparison, None
        if dialog is not None:
            dialog.close()

    def _take_comparison_back(self) -> None:
        """Show the place where its user stopped to look; that of other images is none here."""
        dialog, self._comparison = self._comparison, None
        if dialog is not None:
            self.study_page.views.go_to(dialog.cursor_lps_mm.tolist())

    def show_sequences(self, available: Many[Sequence], current: Sequence | None) -> None:
        """Offer these sequences above the slices."""
        self.study_page.viewer_bar.show_sequences(available, current)

    def show_sequence_images(self, images: Mapping[Sequence, SequenceImage]) -> None:
        """Have these images ready to stand beside each other."""
        self.study_page.views.set_sequence_images(images)

    def show_image(
        self,
        volume: Volume | None,
        *,
        reference: Volume | None,
        series_uid: str = "",
        sequence: Sequence | None = None,
    ) -> None:
        """Show an image in planes of the reference's grid."""
        if volume is None:
            self._close_comparison()
        views = self.study_page.views
        place, before = views.cursor_lps_mm, self._grid
        self._grid = reference.geometry if reference is not None else None
        views.set_reference(self._grid)
        if _is_within(place, before, self._grid):
            views.go_to(place.tolist())
        views.set_image(volume, series_uid, sequence)

    def show_segmentation(self, segmentation: Segmentation | None) -> None:
        """Show labels over the slices and as surfaces, and turn to where they are largest."""
        self.study_page.show_has_result(segmentation is not None)
        views = self.study_page.views
        # A result is never hidden from the start
        self.study_page.viewer_bar.overlay.setChecked(True)
        self.study_page.regions.show_all()
        if segmentation is None:
            views.set_labels(None, None, ())
            return
        views.set_labels(segmentation.labels_kji, segmentation.geometry, segmentation.definitions)
        views.go_to_labels([definition.value for definition in segmentation.definitions])

    def show_corrected(self, segmentation: Segmentation) -> None:
        """Show corrected labels as surfaces; the slices show them already."""
        self.study_page.views.set_surfaces(
            segmentation.labels_kji, segmentation.geometry, segmentation.definitions
        )

    def show_export_state(self, state: ExportState | None) -> None:
        """Show what became of the result, here and in the title."""
        self.study_page.show_export_state(state)
        self.setWindowModified(state is not None and not state.is_exported)

    def show_brain(self, brain_kji: NDArray[np.bool_] | None, geometry: Geometry | None) -> None:
        """Show the brain's outline around the surfaces."""
        self.study_page.views.set_brain(brain_kji, geometry)

    def show_findings(self, findings: Findings | None) -> None:
        """Show what was found; ``None`` where nothing was segmented yet."""
        self.study_page.regions.show_findings(findings)

    def show_diameters(self, rows: Many[DiameterRow] | None) -> None:
        """Show diameters below the volumes and over their slices."""
        self.study_page.regions.show_diameters(rows)
        if rows is not None:
            self.study_page.views.set_diameters([row.lines for row in rows])

    def show_job(self, status: JobStatus | None) -> None:
        """Show what runs; ``None`` hides the bar."""
        is_of_use = status is not None or self.study_page.has_study
        self._study_stack.setCurrentWidget(self.study_page if is_of_use else self.start_page)
        self.study_page.show_job(status)

    def show_actions(self, actions: Actions) -> None:
        """Enable what can be done now."""
        self.study_page.show_actions(actions)
        self.menus.show_actions(actions, has_study=self.study_page.has_study)

    def show_volumes_over_time(self, who: str, folder: Path, rows: Many[TimeRow]) -> None:
        """List volumes, the earliest first."""
        dialog = TimeDialog(who, folder, rows, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

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
        crash_box(self, traceback, self.keep_trace(traceback))

    def offer_result(
        self, written: datetime, corrected: bool, answer: Callable[[bool], None]
    ) -> None:
        """Ask whether to open an earlier result; returns before the user answers."""
        by_hand = ", corrected by hand" if corrected else ""
        what = f"There is a result of {written:%Y-%m-%d %H:%M}{by_hand}."
        question = "Open it with the study?"
        offer(self, what, question, ("Open the result", "Only the images"), answer)

    def ask_study(self, studies: Many[Study]) -> Study | None:
        """Let the user choose one of several studies."""
        dialog = StudyDialog(studies, self)
        accepted = dialog.exec() == StudyDialog.DialogCode.Accepted
        chosen = dialog.chosen() if accepted else None
        dialog.deleteLater()
        return chosen

    # CorrectionView

    def show_correction(self, state: CorrectionState) -> None:
        """Offer the tools, or take them away; tell what the last command did."""
        self._outcome.setText(state.outcome)
        self._outcome.setVisible(bool(state.outcome))
        self.menus.show_correction(state)
        self.study_page.show_correction(state)

    def show_live_labels(
        self,
        labels_kji: NDArray[np.uint8],
        before_kji: NDArray[np.uint8],
        geometry: Geometry,
    ) -> None:
        """Show labels over the slices that will change in place, and can be compared."""
        self.study_page.views.set_live_labels(labels_kji, geometry)
        self.study_page.views.set_labels_before(before_kji, geometry)

    def refresh_labels(self) -> None:
        """Draw the slices' labels anew: they have changed in place."""
        self.study_page.views.refresh_labels()

    def offer_restore(
        self, started: datetime, edit_count: int, answer: Callable[[bool], None]
    ) -> None:
        """Ask whether to go on with earlier corrections; returns before the user answers."""
        count = "1 correction" if edit_count == 1 else f"{edit_count} corrections"
        what = f"{count} of {started:%Y-%m-%d %H:%M} were never exported."
        question = "The program ended before. Go on with these labels?"
        offer(self, what, question, ("Restore them", "Discard them"), answer, loses=True)


def _is_within(
    point_lps_mm: NDArray[np.float64], before: Geometry | None, grid: Geometry | None
) -> bool:
    """Whether a place in one grid is to be shown in another one that takes its place."""
    if before is None or grid is None or grid.matches(before):
        return False
    index_kji = np.rint(grid.to_index_kji(point_lps_mm))
    is_inside = bool(np.all((index_kji >= 0) & (index_kji < grid.shape_kji)))
    return is_inside and before.frame_of_reference_uid == grid.frame_of_reference_uid
