"""Choosing the earlier study that the open one is compared with."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ui.views.follow_up_view import EarlierRow
from ui.widgets.card import styled_label
from ui.widgets.dialog_size import give_size

_COLUMNS = ("Date", "Study", "Sequences", "Result", "Note")
_NONE = "No other study of this patient was found together with the open one."
_SOME = "Studies of this patient"
_MEANING = (
    "The study is laid on the open one and shown beside it. Nothing of either is changed. Without "
    "a result it is segmented first."
)


class EarlierStudyDialog(QDialog):
    """Lists studies with what speaks against each; a double click or Compare takes one.

    Signals
    -------
    chosen(int)
        Which of the rows.
    folder_requested()
        The study is to be looked for somewhere else.
    """

    chosen = Signal(int)
    folder_requested = Signal()

    def __init__(self, who: str, rows: Many[EarlierRow], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare with an earlier study")
        give_size(self, 940, 380)
        self._rows = tuple(rows)
        self.table = self._make_table()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        folder = buttons.addButton("Choose folder …", QDialogButtonBox.ButtonRole.ActionRole)
        folder.setToolTip("Look for studies of this patient in another folder")
        folder.clicked.connect(self._ask_folder)
        self.compare = buttons.addButton("Compare", QDialogButtonBox.ButtonRole.AcceptRole)
        self.compare.setDefault(bool(rows))
        buttons.accepted.connect(self._choose)
        buttons.rejected.connect(self.reject)
        self.table.itemSelectionChanged.connect(self._show_choice)
        self.table.doubleClicked.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.addWidget(styled_label(who, "title", wrap=True))
        layout.addWidget(styled_label(_SOME if rows else _NONE, "muted", wrap=True))
        layout.addWidget(self.table, 1)
        layout.addWidget(styled_label(_MEANING, "muted", wrap=True))
        layout.addWidget(buttons)
        first = next((index for index, row in enumerate(rows) if row.is_ready), -1)
        if first >= 0:
            self.table.selectRow(first)
        self._show_choice()
        if rows:
            self.table.setFocus()
        else:
            folder.setFocus()

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(len(self._rows), len(_COLUMNS))
        table.setAccessibleName("Studies of this patient")
        table.setHorizontalHeaderLabels(list(_COLUMNS))
        table.verticalHeader().hide()
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        for index, row in enumerate(self._rows):
            for column, text in enumerate(
                (row.date, row.study, row.sequences, row.result, row.note)
            ):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(index, column, item)
        # Notes are sentences, which break into lines
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        return table

    def _row(self) -> int | None:
        """Return which row is chosen, if it can be compared."""
        selected = self.table.selectionModel().selectedRows()
        index = selected[0].row() if selected else -1
        return index if index >= 0 and self._rows[index].is_ready else None

    def _show_choice(self) -> None:
        self.compare.setEnabled(self._row() is not None)

    def _choose(self) -> None:
        row = self._row()
        if row is not None:
            self.accept()
            self.chosen.emit(row)

    def _ask_folder(self) -> None:
        self.reject()
        self.folder_requested.emit()
