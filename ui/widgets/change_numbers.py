"""The numbers of a comparison beside its views, and what makes comparing doubtful."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop_app.domain.segmentation import REGION_TITLES
from desktop_app.services.export.report import DISCLAIMER
from desktop_app.services.follow_up.table import REGIONS, TableRow
from ui.views.follow_up_view import ShownFollowUp
from ui.widgets.card import set_kind, styled_label

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_ROW_PX = 24
_LEAST_PX = 400
# Beside the table: what scrolls, and the gap before it.
_BESIDE_PX = 20


class ChangeNumbers(QWidget):
    """A table that is seen whole, and sentences below it; where there is no room they scroll."""

    def __init__(self, shown: ShownFollowUp) -> None:
        super().__init__()
        self.setFixedWidth(_LEAST_PX)
        self.table = _table(shown)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.addWidget(styled_label(shown.who, "title", wrap=True))
        column.addWidget(styled_label(shown.summary, wrap=True))
        column.addWidget(self.table)
        for doubt in shown.doubts:
            column.addWidget(styled_label(doubt, "fair", wrap=True))
        for remark in shown.remarks:
            column.addWidget(styled_label(remark, "muted", wrap=True))
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll, 1)
        layout.addWidget(styled_label(DISCLAIMER, "notice"))

    def showEvent(self, event: QShowEvent) -> None:
        """Take the room that every number needs, in the font that is used."""
        super().showEvent(event)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        title, *numbers = (header.sectionSize(column) for column in range(header.count()))
        needed = title + len(numbers) * max(numbers)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.setFixedWidth(max(_LEAST_PX, needed + _BESIDE_PX))


def _table(shown: ShownFollowUp) -> QTableWidget:
    table = QTableWidget(len(shown.rows), 1 + len(REGIONS))
    table.setAccessibleName("Numbers of both studies")
    for part in (table, table.horizontalHeader()):
        set_kind(part, "tight")
    table.setHorizontalHeaderItem(0, QTableWidgetItem(""))
    for column, region in enumerate(REGIONS, start=1):
        heading = QTableWidgetItem(region.value)
        heading.setToolTip(REGION_TITLES[region])
        table.setHorizontalHeaderItem(column, heading)
    table.horizontalHeader().setDefaultAlignment(_RIGHT)
    table.verticalHeader().hide()
    table.verticalHeader().setMinimumSectionSize(_ROW_PX)
    table.verticalHeader().setDefaultSectionSize(_ROW_PX)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setAlternatingRowColors(True)
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    for index, row in enumerate(shown.rows):
        _fill(table, index, row)
    table.setCurrentCell(-1, -1)
    heights = table.horizontalHeader().sizeHint().height() + len(shown.rows) * _ROW_PX
    table.setFixedHeight(heights + 2 * table.frameWidth() + 2)
    return table


def _fill(table: QTableWidget, index: int, row: TableRow) -> None:
    for column, text in enumerate((row.title, *row.cells)):
        item = QTableWidgetItem(text)
        item.setToolTip(row.hint[:1].upper() + row.hint[1:])
        if column:
            item.setTextAlignment(_RIGHT)
        if row.is_main:
            font = item.font()
            font.setBold(True)
            item.setFont(font)
        table.setItem(index, column, item)
