"""Many studies: choose a folder, let them run, look through what came of it."""

from collections.abc import Sequence as Many
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import UserFacingError
from ui.icons import Icons, beside_icon
from ui.panels.batch_folders import BatchFolders
from ui.panels.batch_table import CaseTable
from ui.panels.job_bar import time_left
from ui.views.batch_view import BatchStatus, CaseRow, Review
from ui.widgets.card import Card, styled_label
from ui.widgets.choice_box import ChoiceBox
from ui.widgets.export_ticks import ExportTicks, FormatChoice
from ui.widgets.message import error_box, message_box, open_outside

_MARGIN = 10


class BatchPage(QWidget):
    """Lays out the batch; knows nothing of how studies are run.

    Parameters
    ----------
    formats
        The files that can be written.

    Signals
    -------
    folders_chosen(Path, Path | None)
        Folder with the studies, folder for the results; ``None`` where none was chosen.
    start_requested(bool, bool)
        Whether to keep watching for new studies, and whether to do again what is done.
    stop_requested()
    open_requested(int)
        Open the study in this row, counted as the rows were shown.
    crash_shown(str)
        A defect is to be told to the user; its trace.
    """

    folders_chosen = Signal(object, object)
    start_requested = Signal(bool, bool)
    stop_requested = Signal()
    open_requested = Signal(int)
    crash_shown = Signal(str)

    def __init__(self, icons: Icons, formats: Many[FormatChoice]) -> None:
        super().__init__()
        self.setObjectName("page")
        self._icons = icons
        self._shown = BatchStatus("Choose a folder that holds studies.", 0.0, None, False, False)
        self.folders = BatchFolders()
        self.folders.chosen.connect(self.folders_chosen)
        self.ticks = ExportTicks(formats, columns=3)
        self.ticks.changed.connect(self._use_ticks)
        self._leaves_names_out = self.ticks.anonymise
        self._watch = self._tick(
            "Keep watching for new studies",
            "Segment studies as they appear in the folder, each once its files are complete.",
        )
        self._again = self._tick(
            "Do finished ones again",
            "Segment all studies, also those with results. Corrected results are kept aside.",
        )
        self._start = QPushButton(beside_icon("Start"))
        self._start.setProperty("kind", "primary")
        self._start.clicked.connect(self._ask_to_start)
        self._stop = QPushButton(beside_icon("Stop"))
        self._stop.clicked.connect(self.stop_requested)
        self._status = styled_label("", "title")
        self._hint = styled_label("", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self.table = CaseTable()
        self.table.selection_changed.connect(self._enable_open)
        self.table.open_requested.connect(self._open_selected)
        self.filter = self._make_filter()
        self._results = QPushButton(beside_icon("Open results folder"))
        self._results.clicked.connect(self._open_results)
        self._open = QPushButton("Open selected study")
        self._open.setToolTip("Its result; or its images, where it failed or was not done yet.")
        self._open.clicked.connect(self._open_selected)
        self._lay_out()
        self.show_cases(())
        self.show_status(self._shown)
        self.refresh_icons()

    @property
    def watches(self) -> bool:
        """Whether to keep watching for new studies."""
        return self._watch.isChecked()

    def set_watches(self, watches: bool) -> None:
        """Keep watching for new studies, or not."""
        self._watch.setChecked(watches)

    def _ask_to_start(self) -> None:
        if self.watches:
            # An empty folder may be meant.
            self.folders.keep()
        self.start_requested.emit(self._watch.isChecked(), self._again.isChecked())

    def use_root(self, root: Path) -> None:
        """Take a folder with studies that was dropped."""
        if self._shown.running:
            lines = ("Stop first, then drop the folder again.",)
            title = "Another folder is being worked on."
            message_box(self, QMessageBox.Icon.Information, title, lines)
        else:
            self.folders.use_root(root)

    def choose_root_if_empty(self) -> None:
        """Ask for the folder unless one is shown."""
        if self.folders.root is None:
            self.folders.ask_root()

    def take_keys(self) -> None:
        """Have the keys go to the studies, where there are any."""
        self.table.take_keys()

    def show_folders(self, root: str, output: str) -> None:
        """Show where studies come from and where results go."""
        self.folders.show_folders(root, output)

    def show_cases(self, rows: Many[CaseRow]) -> None:
        """Fill the table."""
        if rows:
            self.folders.keep()
        self.table.show_cases(rows)
        self._count()

    def show_case(self, index: int, row: CaseRow) -> None:
        """Replace one row."""
        self.table.show_case(index, row)
        self._count()

    def show_status(self, status: BatchStatus) -> None:
        """Show how far the batch is."""
        self._shown = status
        self._status.setText(status.text)
        self._status.setToolTip(status.text)
        self._bar.setValue(round(1000 * status.fraction))
        self._enable_start()
        self._stop.setEnabled(status.running)
        self._results.setEnabled(self.folders.output is not None)
        for choice in (self._watch, self._again, self.ticks):
            choice.setEnabled(not status.running)
        self.folders.set_choosable(not status.running)

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""
        error_box(self, error)

    def show_crash(self, traceback: str) -> None:
        """Tell of a defect in the program."""
        self.crash_shown.emit(traceback)

    def refresh_icons(self) -> None:
        """Draw the icons anew after a change of theme."""
        self._start.setIcon(self._icons.get("play", on_accent=True))
        self._stop.setIcon(self._icons.get("stop"))
        self._results.setIcon(self._icons.get("folder"))

    def _tick(self, text: str, tip: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setToolTip(tip)
        box.toggled.connect(self._enable_start)
        return box

    def _make_filter(self) -> ChoiceBox:
        box = ChoiceBox()
        box.setAccessibleName("Which studies are shown")
        for review in Review:
            box.addItem(review.value, review)
        box.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToContents)
        box.setToolTip("To check: neither accepted nor rejected yet, those with warnings first.")
        box.currentIndexChanged.connect(self._narrow)
        return box

    def _lay_out(self) -> None:
        status = Card()
        line = QHBoxLayout()
        line.addWidget(self._status, 1)
        line.addWidget(self._hint)
        buttons = QHBoxLayout()
        buttons.addWidget(self._bar, 1)
        for widget in (self._watch, self._again, self._start, self._stop):
            buttons.addWidget(widget)
        status.body.addLayout(line)
        status.body.addLayout(buttons)
        review = QHBoxLayout()
        review.addWidget(styled_label("Show"))
        review.addWidget(self.filter)
        review.addStretch(1)
        review.addWidget(self._results)
        review.addWidget(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        layout.setSpacing(10)
        self._above = _Above(self.folders, self.ticks)
        layout.addWidget(self._above)
        layout.addWidget(status)
        layout.addLayout(review)
        layout.addWidget(self.table, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Have the files in as many columns as there is room for."""
        self.ticks.fit(event.size().width() - 2 * _MARGIN)
        super().resizeEvent(event)

    def _narrow(self) -> None:
        self.table.narrow(Review(self.filter.currentData()))
        self._enable_open()

    def _count(self) -> None:
        for number, review in enumerate(Review):
            text = f"{review.value} ({self.table.count(review)})"
            if self.filter.itemText(number) != text:
                self.filter.setItemText(number, text)

    def _use_ticks(self) -> None:
        """Leaving names out changes which results are whose: the studies are listed anew."""
        if self.ticks.anonymise is not self._leaves_names_out:
            self._leaves_names_out = self.ticks.anonymise
            self.folders.report_again()
        self._enable_start()

    def _enable_start(self) -> None:
        status = self._shown
        why_not = "" if status.running else self._why_not()
        self._start.setEnabled(not status.running and not why_not)
        self._start.setToolTip(why_not)
        self._hint.setText(time_left(status.seconds_left) if status.running else why_not)

    def _why_not(self) -> str:
        """Return why nothing can be started; empty where it can."""
        status = self._shown
        if not status.can_watch:
            return "Start waits for a folder with studies."
        if not self.ticks.formats:
            return "Start waits for a tick at one of the files."
        watches = self._watch.isChecked()
        if status.can_start or watches or (status.can_repeat and self._again.isChecked()):
            return ""
        if status.can_repeat:
            return "Every study is done: tick to do them again, or to watch for new ones."
        return "There is no study yet: tick to watch for new ones."

    def _enable_open(self) -> None:
        self._open.setEnabled(self.table.selected is not None)

    def _open_selected(self) -> None:
        row = self.table.selected
        if row is not None:
            self.open_requested.emit(row)

    def _open_results(self) -> None:
        output = self.folders.output
        if output is None:
            return
        if output.is_dir():
            open_outside(QUrl.fromLocalFile(str(output)), self)
            return
        lines = (str(output), "", "It is made when the first study runs.")
        message_box(self, QMessageBox.Icon.Information, "There is no such folder yet.", lines)


class _Above(QScrollArea):
    """What is chosen before a start; on a small screen it is scrolled, and the rest stays seen."""

    def __init__(self, *cards: QWidget) -> None:
        super().__init__()
        contents = self._contents = QWidget()
        layout = QVBoxLayout(contents)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for card in cards:
            layout.addWidget(card)
        self.setWidget(contents)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # What the keyboard reaches in it is brought into sight; itself it has nothing to say.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask for more or less room when what lies in it changes."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self._contents:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        """Return the room that all of it takes."""
        return self._contents.sizeHint()
