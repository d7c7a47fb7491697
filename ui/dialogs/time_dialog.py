"""A table of one patient's volumes over time."""

from collections.abc import Sequence as Many
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop_app.services.export.report import DISCLAIMER
from ui.views.time_view import TimeRow
from ui.widgets.card import styled_label
from ui.widgets.dialog_size import give_size

_COLUMNS = ("Date", "WT cm³", "change", "TC cm³", "change", "ET cm³", "change", "Note")
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_MEANING = (
    "Change since the study before, in per cent of its volume. Volumes alone are no assessment of "
    "response: segmentation errors, surgery and treatment change them too."
)


class TimeDialog(QDialog):
    """Lists date, volumes and changes; the table can be copied.

    Parameters
    ----------
    note
        What is missing among them; empty if nothing is.
    """

    def __init__(
        self,
        who: str,
        folder: Path,
        rows: Many[TimeRow],
        parent: QWidget | None = None,
        *,
        note: str = "",
    ) -> None:
        super().__init__(parent)
        self._note = note
        self.setWindowTitle("Volumes over time")
        give_size(self, 860, 420)
        self.table = QTableWidget(len(rows), len(_COLUMNS))
        self.table.setAccessibleName("Volumes over time")
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        self.table.verticalHeader().hide()
        self.table.setTabKeyNavigation(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setCurrentCell(-1, -1)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(_RIGHT)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        for column in (0, len(_COLUMNS) - 1):
            heading = QTableWidgetItem(_COLUMNS[column])
            heading.setTextAlignment(_LEFT)
            self.table.setHorizontalHeaderItem(column, heading)
        for index, row in enumerate(rows):
            self._fill(index, row)
        # Notes are sentences, which break into lines
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        source = f"By patient ID, from the results in {folder}. Anonymised ones are not among them."
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self.copy)
        copy.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.addWidget(styled_label(who, "title", wrap=True))
        layout.addWidget(styled_label(source, "muted", wrap=True))
        layout.addWidget(self.table, 1)
        if note:
            layout.addWidget(styled_label(note, "notice", wrap=True))
        layout.addWidget(styled_label(_MEANING, wrap=True))
        layout.addWidget(styled_label(DISCLAIMER, "notice"))
        layout.addWidget(buttons)
        buttons.setFocus()

    def copy(self) -> None:
        """Put the table onto the clipboard, with tabs between columns, and what it is for."""
        lines = ["\t".join(_COLUMNS)]
        for row in range(self.table.rowCount()):
            cells = (self.table.item(row, column) for column in range(len(_COLUMNS)))
            lines.append("\t".join(cell.text() if cell is not None else "" for cell in cells))
        lines += [self._note] * bool(self._note)
        lines.append(DISCLAIMER)
        QApplication.clipboard().setText("\n".join(lines))

    def _fill(self, index: int, row: TimeRow) -> None:
        pairs = [text for pair in zip(row.volumes, row.changes, strict=True) for text in pair]
        for column, text in enumerate((row.date, *pairs, row.note)):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            if 0 < column < len(_COLUMNS) - 1:
                item.setTextAlignment(_RIGHT)
            self.table.setItem(index, column, item)
