"""Many studies: choose a folder, watch them run, open the finished ones."""

from collections.abc import Sequence as Many
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import UserFacingError
from ui.icons import Icons
from ui.panels.job_bar import time_left
from ui.theme import current_theme
from ui.views.batch_view import BatchStatus, CaseRow
from ui.widgets.card import Card, styled_label
from ui.widgets.export_ticks import ExportTicks, FormatChoice
from ui.widgets.message import crash_box, error_box

_COLUMNS = ("Study", "State", "WT cm³", "TC cm³", "ET cm³", "Time", "Message", "Folder")
_NUMBERS = range(2, 6)
_STATE_COLUMN = 1


class BatchPage(QWidget):
    """Lays out the batch; knows nothing of how studies are run.

    Parameters
    ----------
    formats
        The files that can be written.

    Signals
    -------
    folders_chosen(Path, Path)
        Folder with the studies, folder for the results.
    start_requested(bool)
        Whether to keep watching for new studies.
    stop_requested()
    formats_changed(tuple)
        Other files are to be written: keys of the formats.
    open_requested(int)
        Open the finished study in this row.
    crash_shown(str)
        A defect is told to the user; its trace.
    """

    folders_chosen = Signal(object, object)
    start_requested = Signal(bool)
    stop_requested = Signal()
    formats_changed = Signal(object)
    open_requested = Signal(int)
    crash_shown = Signal(str)

    def __init__(
        self, icons: Icons, formats: Many[FormatChoice], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._icons = icons
        self._shown = BatchStatus("Choose a folder that holds studies.", 0.0, None, False, False)
        self._openable: dict[int, bool] = {}
        self._root = self._path_field("Folder with the studies")
        self._output = self._path_field("Folder for the results")
        self.ticks = ExportTicks(formats, columns=3)
        self.ticks.changed.connect(self._use_ticks)
        self._leaves_names_out = self.ticks.anonymise
        self._watch = QCheckBox("Keep watching for new studies")
        self._watch.setToolTip(
            "Segment studies as they appear in the folder, each once its files are complete."
        )
        self._watch.toggled.connect(self._enable_start)
        self._start = QPushButton("Start")
        self._start.setProperty("kind", "primary")
        self._start.clicked.connect(lambda: self.start_requested.emit(self._watch.isChecked()))
        self._stop = QPushButton("Stop")
        self._stop.clicked.connect(self.stop_requested)
        self._open = QPushButton("Open selected study")
        self._open.clicked.connect(self._open_selected)
        self._status = styled_label("", "title")
        self._left = styled_label("", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._table = self._make_table()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.setSpacing(10)
        layout.addWidget(self._folders_card())
        layout.addWidget(self.ticks)
        layout.addWidget(self._status_card())
        layout.addWidget(self._table, 1)
        self.show_status(self._shown)
        self.refresh_icons()

    def choose_root(self) -> None:
        """Ask for the folder with the studies; results go beside it unless told otherwise."""
        folder = QFileDialog.getExistingDirectory(self, "Folder with the studies")
        if folder:
            root = Path(folder)
            self.folders_chosen.emit(root, root.with_name(f"{root.name}-gliascope"))

    def choose_root_if_empty(self) -> None:
        """Ask for the folder unless one is shown."""
        if not self._root.text():
            self.choose_root()

    def show_folders(self, root: str, output: str) -> None:
        """Show where studies come from and where results go."""
        self._root.setText(root)
        self._output.setText(output)

    def show_cases(self, rows: Many[CaseRow]) -> None:
        """Fill the table."""
        self._openable.clear()
        self._table.setRowCount(len(rows))
        for index, row in enumerate(rows):
            self.show_case(index, row)
        self._enable_open()

    def show_case(self, index: int, row: CaseRow) -> None:
        """Replace one row."""
        cells = (
            row.name,
            row.state,
            row.whole_tumour,
            row.core,
            row.enhancing,
            row.seconds,
            row.message,
            row.where,
        )
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            if column in _NUMBERS:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if column == _STATE_COLUMN and row.style:
                item.setForeground(QColor(getattr(current_theme(), row.style)))
            self._table.setItem(index, column, item)
        self._openable[index] = row.can_open
        self._enable_open()

    def show_status(self, status: BatchStatus) -> None:
        """Show how far the batch is."""
        self._shown = status
        self._status.setText(status.text)
        self._left.setText(time_left(status.seconds_left))
        self._bar.setValue(round(1000 * status.fraction))
        self._enable_start()
        self._stop.setEnabled(status.running)
        self._watch.setEnabled(not status.running)
        self.ticks.setEnabled(not status.running)
        for button in self._browse_buttons:
            button.setEnabled(not status.running)

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""
        error_box(self, error)

    def show_crash(self, traceback: str) -> None:
        """Tell of a defect in the program."""
        self.crash_shown.emit(traceback)
        crash_box(self, traceback)

    def refresh_icons(self) -> None:
        """Draw the icons anew after a change of theme."""
        self._start.setIcon(self._icons.get("play", on_accent=True))
        self._stop.setIcon(self._icons.get("stop"))
        self._open.setIcon(self._icons.get("folder"))

    def _path_field(self, name: str) -> QLineEdit:
        field = QLineEdit()
        field.setReadOnly(True)
        field.setAccessibleName(name)
        field.setPlaceholderText(name)
        return field

    def _folders_card(self) -> Card:
        card = Card()
        grid = QGridLayout()
        self._browse_buttons = (QPushButton("Choose …"), QPushButton("Choose …"))
        self._browse_buttons[0].clicked.connect(self.choose_root)
        self._browse_buttons[1].clicked.connect(self._choose_output)
        for row, (text, field) in enumerate(
            (("Studies in", self._root), ("Results to", self._output))
        ):
            grid.addWidget(styled_label(text), row, 0)
            grid.addWidget(field, row, 1)
            grid.addWidget(self._browse_buttons[row], row, 2)
        card.body.addLayout(grid)
        return card

    def _status_card(self) -> Card:
        card = Card()
        line = QHBoxLayout()
        line.addWidget(self._status, 1)
        line.addWidget(self._left)
        buttons = QHBoxLayout()
        buttons.addWidget(self._bar, 1)
        buttons.addWidget(self._watch)
        for button in (self._start, self._stop, self._open):
            buttons.addWidget(button)
        card.body.addLayout(line)
        card.body.addLayout(buttons)
        return card

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, len(_COLUMNS))
        table.setHorizontalHeaderLabels(list(_COLUMNS))
        table.setAccessibleName("Studies of the batch")
        table.verticalHeader().hide()
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        for column, width in enumerate((250, 180, 80, 80, 80, 70, 400)):
            table.setColumnWidth(column, width)
        table.itemSelectionChanged.connect(self._enable_open)
        table.doubleClicked.connect(self._open_selected)
        return table

    def _choose_output(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, "Folder for the results", self._output.text()
        )
        if folder and self._root.text():
            self.folders_chosen.emit(Path(self._root.text()), Path(folder))

    def _use_ticks(self) -> None:
        """Have other files written; leaving names out changes which results are whose."""
        if self.ticks.anonymise is not self._leaves_names_out:
            self._leaves_names_out = self.ticks.anonymise
            if self._root.text():
                self.folders_chosen.emit(Path(self._root.text()), Path(self._output.text()))
        self.formats_changed.emit(self.ticks.formats)
        self._enable_start()

    def _enable_start(self) -> None:
        status = self._shown
        can_watch = status.can_watch and self._watch.isChecked()
        possible = (status.can_start or can_watch) and bool(self.ticks.formats)
        self._start.setEnabled(not status.running and possible)

    def _enable_open(self) -> None:
        self._open.setEnabled(self._openable.get(self._table.currentRow(), False))

    def _open_selected(self) -> None:
        row = self._table.currentRow()
        if self._openable.get(row, False):
            self.open_requested.emit(row)
