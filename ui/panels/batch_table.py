"""The studies of a batch as a table: sorted by any column, and narrowed down to some of them."""

import html
import re
from collections.abc import Sequence as Many
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from ui.theme import current_theme
from ui.views.batch_view import CaseRow, Figure, Review

_COLUMNS = ("Study", "State", "WT cm³", "TC cm³", "ET cm³", "Time", "Message", "Folder")
_WIDTHS = (200, 190, 80, 80, 80, 70, 540)
_NAME_COLUMN, _STATE_COLUMN = 0, 1
_FIGURE_COLUMNS = range(2, 6)
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
# Of name and state; longer ones are cut in their middle until somebody draws the column wider.
_WIDEST = (420, 260)
_LEAST_ROWS = 4
_SORTED_BY = Qt.ItemDataRole.UserRole
_NO_SORTING = -1
_WIDTH = re.compile(r"[1-9][0-9]{0,3}")

_Index = QModelIndex | QPersistentModelIndex


class CaseModel(QAbstractTableModel):
    """The rows, in the order in which their studies run."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[CaseRow] = []

    @property
    def rows(self) -> tuple[CaseRow, ...]:
        """All rows."""
        return tuple(self._rows)

    def show_rows(self, rows: Many[CaseRow]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def show_row(self, index: int, row: CaseRow) -> None:
        """Replace one row."""
        self._rows[index] = row
        self.dataChanged.emit(self.index(index, 0), self.index(index, len(_COLUMNS) - 1))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """Return the number of studies."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the heading of a column, above figures on their side."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and section in _FIGURE_COLUMNS:
            return _RIGHT
        return _COLUMNS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows, how, and by what it is sorted."""
        row, column = self._rows[index.row()], index.column()
        cell = _cells(row)[column]
        text = cell.text if isinstance(cell, Figure) else cell
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text
            case Qt.ItemDataRole.ToolTipRole:
                # Long sentences are broken into lines only where they are markup.
                return f"<p>{html.escape(text)}</p>" if text else None
            case Qt.ItemDataRole.TextAlignmentRole if isinstance(cell, Figure):
                return _RIGHT
            case Qt.ItemDataRole.ForegroundRole if column == _STATE_COLUMN and row.style:
                return QColor(getattr(current_theme(), row.style))
            case _ if role == _SORTED_BY:
                return cell.value if isinstance(cell, Figure) else cell
            case _:
                return None


class _SomeCases(QSortFilterProxyModel):
    """The rows under one choice, names with numbers in them sorted by these."""

    def __init__(self, model: CaseModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cases = model
        self._review = Review.ALL
        self._asked = (_NO_SORTING, Qt.SortOrder.AscendingOrder)
        self._is_warned_first = False
        self.setSourceModel(model)
        self.setSortRole(_SORTED_BY)

    def narrow(self, review: Review) -> None:
        """Show only what belongs under a choice."""
        self._review = review
        self.invalidate()
        self._put_in_order()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort as asked; unasked, what is to check has those with warnings first."""
        self._asked = (column, order)
        self._put_in_order()

    def filterAcceptsRow(self, row: int, parent: _Index) -> bool:
        """Whether a row belongs under the choice."""
        del parent
        return self._review in self._cases.rows[row].reviews

    def lessThan(self, left: _Index, right: _Index) -> bool:
        """Whether one cell comes before another."""
        if self._is_warned_first:
            first, second = (self._cases.rows[index.row()] for index in (left, right))
            return (not first.is_warned, left.row()) < (not second.is_warned, right.row())
        one, other = left.data(_SORTED_BY), right.data(_SORTED_BY)
        if isinstance(one, str) and isinstance(other, str):
            return _natural(one) < _natural(other)
        return float(one) < float(other)

    def _put_in_order(self) -> None:
        column, order = self._asked
        before = self._is_warned_first
        self._is_warned_first = column == _NO_SORTING and self._review is Review.TO_CHECK
        if self._is_warned_first:
            super().sort(_NAME_COLUMN, Qt.SortOrder.AscendingOrder)
        else:
            super().sort(column, order)
        if before is not self._is_warned_first:
            self.invalidate()


class CaseTable(QTableView):
    """Shows the studies; one of them may be selected.

    Signals
    -------
    selection_changed()
    open_requested()
        The selected study was double-clicked, or Enter was pressed.
    """

    selection_changed = Signal()
    open_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._cases = CaseModel(self)
        self._shown = _SomeCases(self._cases, self)
        self.setModel(self._shown)
        self.setAccessibleName("Studies of the batch")
        self._is_setting_widths = False
        self._are_widths_chosen = False
        self._lay_out()
        self.horizontalHeader().sectionResized.connect(self._note_width)
        self.selectionModel().selectionChanged.connect(self.selection_changed)
        self.doubleClicked.connect(self.open_requested)

    @property
    def selected(self) -> int | None:
        """Number of the selected study in the order of the rows that were shown."""
        chosen = self.selectionModel().selectedRows()
        return self._shown.mapToSource(chosen[0]).row() if chosen else None

    def show_cases(self, rows: Many[CaseRow]) -> None:
        """Replace all rows; a study that was selected and is still there stays selected."""
        before = self.selected
        name = self._cases.rows[before].name if before is not None else None
        self._cases.show_rows(rows)
        for number, row in enumerate(rows):
            if row.name == name:
                self.selectRow(self._shown.mapFromSource(self._cases.index(number, 0)).row())
        self._fit()
        self.selection_changed.emit()

    @property
    def widths(self) -> str:
        """The columns' widths with commas between them; empty as long as nobody drew any."""
        count = len(_COLUMNS)
        drawn = (str(self.columnWidth(column)) for column in range(count))
        return ",".join(drawn) if self._are_widths_chosen else ""

    def set_widths(self, text: str) -> None:
        """Draw the columns as `widths` told; a text that it did not tell changes nothing."""
        numbers = text.split(",")
        if len(numbers) == len(_COLUMNS) and all(_WIDTH.fullmatch(one) for one in numbers):
            self._draw([int(one) for one in numbers[:-1]])
            self._are_widths_chosen = True

    def take_keys(self) -> None:
        """Have the keys go to a study, the first where none is selected."""
        if not self.model().rowCount():
            return
        if self.selected is None:
            self.selectRow(0)
        self.setFocus()

    def show_case(self, index: int, row: CaseRow) -> None:
        """Replace one row."""
        self._cases.show_row(index, row)

    def narrow(self, review: Review) -> None:
        """Show only what belongs under a choice."""
        self._shown.narrow(review)

    def count(self, review: Review) -> int:
        """Return how many studies belong under a choice."""
        return sum(review in row.reviews for row in self._cases.rows)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the selected study on Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_requested.emit()
        else:
            super().keyPressEvent(event)

    def _draw(self, widths: Many[int]) -> None:
        self._is_setting_widths = True
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)
        self._is_setting_widths = False

    def _fit(self) -> None:
        """Show names and states whole, unless somebody drew the columns."""
        if not self._are_widths_chosen:
            limits = zip(range(len(_WIDEST)), _WIDTHS, _WIDEST, strict=False)
            self._draw(
                [min(max(least, self.sizeHintForColumn(one)), most) for one, least, most in limits]
            )

    def _note_width(self, column: int, _before: int, _now: int) -> None:
        # The last one follows the window.
        if not self._is_setting_widths and column < len(_COLUMNS) - 1:
            self._are_widths_chosen = True

    def _lay_out(self) -> None:
        self.verticalHeader().hide()
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSortingEnabled(True)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setSortIndicatorClearable(True)
        self.sortByColumn(_NO_SORTING, Qt.SortOrder.AscendingOrder)
        self._draw(_WIDTHS)
        rows = _LEAST_ROWS * self.verticalHeader().defaultSectionSize()
        bar = self.horizontalScrollBar().sizeHint().height()
        self.setMinimumHeight(header.sizeHint().height() + rows + bar)


def _natural(text: str) -> tuple[tuple[str, int], ...]:
    """Return what sorts a text as people do: 2 before 10."""
    words, numbers = re.split(r"\d+", text.casefold()), re.findall(r"\d+", text)
    return tuple((word, int(number)) for word, number in zip(words, [*numbers, "-1"], strict=True))


def _cells(row: CaseRow) -> tuple[str | Figure, ...]:
    return (
        row.name,
        row.state,
        row.whole_tumour,
        row.core,
        row.enhancing,
        row.seconds,
        row.message,
        row.where,
    )
