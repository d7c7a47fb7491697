"""What an opened folder holds that is not used, and why: to read, copy and save."""

from collections import Counter
from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import OutputError
from desktop_app.io.export.csv_table import write_csv
from ui.widgets.card import styled_label
from ui.widgets.dialog_size import give_size
from ui.widgets.message import error_box

_COLUMNS = ("File, folder or series", "Why it is not used")
_FILE_NAME = "left-out.csv"
_COMMONEST = 3

_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class _LeftOutModel(QAbstractTableModel):
    """Rows of (what, why); a table of widgets would take seconds for 100,000 of them."""

    def __init__(self, rows: Many[tuple[str, str]], parent: QWidget) -> None:
        super().__init__(parent)
        self._rows = tuple(rows)

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        """Return how many there are."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        """Return two."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text; a long path is whole in its tool tip."""
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._rows[index.row()][index.column()]
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the columns' titles."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section]
        return None


class LeftOutDialog(QDialog):
    """Lists what was left out; can be searched, sorted, copied and saved.

    Parameters
    ----------
    title
        How much it is, in a sentence.
    rows
        (path or series, reason).
    """

    def __init__(self, title: str, rows: Many[tuple[str, str]], parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Left out")
        give_size(self, 820, 480)
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(_LeftOutModel(_counted(rows), self))
        self._shown.setFilterKeyColumn(-1)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._table = self._make_table()
        search = QLineEdit()
        search.setPlaceholderText("Search names and reasons")
        search.setAccessibleName("Search names and reasons")
        search.setClearButtonEnabled(True)
        search.textChanged.connect(self._shown.setFilterFixedString)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.setToolTip("Copy the selected lines, or all of them")
        copy.clicked.connect(self.copy)
        save = buttons.addButton("Save …", QDialogButtonBox.ButtonRole.ActionRole)
        save.setToolTip("Save the whole list as a table")
        save.clicked.connect(self._ask_and_save)
        buttons.rejected.connect(self.reject)
        # Return in the search is to do nothing that was not asked for
        for button in buttons.findChildren(QPushButton):
            button.setAutoDefault(False)
        QShortcut(QKeySequence.StandardKey.Copy, self._table, self.copy)
        layout = QVBoxLayout(self)
        layout.addWidget(styled_label(title, "title", wrap=True))
        layout.addWidget(styled_label(_commonest(rows), "muted", wrap=True))
        layout.addWidget(search)
        layout.addWidget(self._table, 1)
        layout.addWidget(buttons)
        self._rows = tuple(rows)
        search.setFocus()

    def copy(self) -> None:
        """Put the selected lines, or all that are shown, on the clipboard."""
        selected = self._table.selectionModel().selectedRows()
        numbers = sorted(index.row() for index in selected) or range(self._shown.rowCount())
        lines = ("\t".join(self._text(row, column) for column in (0, 1)) for row in numbers)
        QGuiApplication.clipboard().setText("\n".join(lines))

    def save(self, path: Path) -> None:
        """Write the whole list as CSV.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        write_csv([{"skipped": what, "reason": why} for what, why in self._rows], path)

    def _ask_and_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save the list", _FILE_NAME, "Table (*.csv)")
        if not name:
            return
        try:
            self.save(Path(name))
        except OutputError as error:
            error_box(self, error)

    def _text(self, row: int, column: int) -> str:
        return str(self._shown.index(row, column).data())

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._shown)
        table.setAccessibleName("What was left out")
        table.setSortingEnabled(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        # The end of a path tells the file.
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.verticalHeader().hide()
        table.setTabKeyNavigation(False)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.resizeSection(0, 480)
        return table


def _counted(rows: Many[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each row once, with how often it is there."""
    return [
        (f"{what} × {count}" if count > 1 else what, why)
        for (what, why), count in Counter(rows).items()
    ]


def _commonest(rows: Many[tuple[str, str]]) -> str:
    """Return the reasons that are given most often."""
    counts = Counter(why for _, why in rows).most_common()
    told = [f"{count} × {why}" for why, count in counts[:_COMMONEST]]
    return "; ".join(told) + ("; …" if len(counts) > _COMMONEST else "")
