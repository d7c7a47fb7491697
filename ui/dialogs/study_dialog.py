"""Choosing one of several studies that a folder holds."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Qt
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

from desktop_app.domain.readable import readable_date, readable_name
from desktop_app.domain.study import Study
from ui.widgets.card import styled_label
from ui.widgets.dialog_size import give_size

_COLUMNS = ("Patient", "Date", "Study", "Series", "Sequences found")
_INDEX = Qt.ItemDataRole.UserRole


class StudyDialog(QDialog):
    """Lists studies, to be sorted by any column; a double click or Open takes one."""

    def __init__(self, studies: Many[Study], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose a study")
        give_size(self, 760, 420)
        self._studies = tuple(studies)
        self._table = QTableWidget(len(studies), len(_COLUMNS))
        self._table.setHorizontalHeaderLabels(list(_COLUMNS))
        self._table.setAccessibleName("Studies that were found")
        self._table.verticalHeader().hide()
        self._table.setTabKeyNavigation(False)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setAlternatingRowColors(True)
        self._table.setShowGrid(False)
        for row, study in enumerate(self._studies):
            self._fill(row, study)
        header = self._table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self._table.setSortingEnabled(True)
        # As they were found, until the user sorts them.
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._table.selectRow(0)
        self._table.doubleClicked.connect(self.accept)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        choose = buttons.addButton("Open", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(styled_label(f"{len(studies)} studies were found here.", "title"))
        layout.addWidget(self._table)
        layout.addWidget(buttons)
        choose.setDefault(True)  # outside the dialog it would not be what Return presses

    def chosen(self) -> Study | None:
        """Return the selected study."""
        item = self._table.item(self._table.currentRow(), 0)
        return self._studies[item.data(_INDEX)] if item is not None else None

    def _fill(self, row: int, study: Study) -> None:
        roles = ", ".join(sequence.value for sequence in study.roles) or "none"
        named = (readable_name(study.patient.name), study.patient.patient_id)
        patient = " · ".join(part for part in named if part)
        cells = (
            patient or study.name,
            readable_date(study.date),
            study.description or study.name,
            len(study.series),  # sorted as a number
            roles,
        )
        for column, text in enumerate(cells):
            item = QTableWidgetItem()
            item.setData(Qt.ItemDataRole.DisplayRole, text)
            item.setData(_INDEX, row)
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self._table.setItem(row, column, item)
