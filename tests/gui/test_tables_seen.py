"""Tables are read along rows and down columns: headings stand over cells, nothing parts a row."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QTableView, QTableWidget, QTableWidgetItem, QWidget
from pytestqt.qtbot import QtBot

from desktop_app.paths import assets_dir
from tests.study_cases import make_study
from ui.dialogs.earlier_study_dialog import EarlierStudyDialog
from ui.dialogs.left_out_dialog import LeftOutDialog
from ui.dialogs.study_dialog import StudyDialog
from ui.dialogs.time_dialog import TimeDialog
from ui.panels.batch_table import CaseModel, CaseTable
from ui.theme import DARK, LIGHT, Theme, apply_theme
from ui.views.batch_view import CaseRow, Figure
from ui.widgets.card import set_kind

_WIDTH = 160


@pytest.fixture(params=[LIGHT, DARK], ids=["light", "dark"])
def theme(request: pytest.FixtureRequest, qapp: QApplication) -> Theme:
    apply_theme(qapp, request.param, assets_dir() / "styles" / "gliascope.qss")
    theme: Theme = request.param
    return theme


def inked(widget: QWidget, height: int, ground: QColor) -> list[int]:
    """Return where a line across a widget is far from its ground."""
    picture = widget.grab().toImage()
    lightness = [picture.pixelColor(x, height).lightness() for x in range(_WIDTH)]
    return [x for x, one in enumerate(lightness) if abs(one - ground.lightness()) > 60]


@pytest.mark.parametrize("kind", ["", "tight"])
@pytest.mark.parametrize("side", [Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight])
def test_headings_stand_over_what_they_name(
    qtbot: QtBot, theme: Theme, kind: str, side: Qt.AlignmentFlag
) -> None:
    table = QTableWidget(1, 1)
    qtbot.addWidget(table)
    for part in (table, table.horizontalHeader()):
        set_kind(part, kind)
    table.verticalHeader().hide()
    for add in (partial(table.setHorizontalHeaderItem, 0), partial(table.setItem, 0, 0)):
        item = QTableWidgetItem("\N{FULL BLOCK}" * 3)
        item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        add(item)
    table.setCurrentCell(-1, -1)
    table.setColumnWidth(0, _WIDTH)
    with qtbot.waitExposed(table):
        table.show()
    header, ground = table.horizontalHeader(), QColor(theme.panel)
    heading = inked(header.viewport(), header.height() // 2, ground)
    cell = inked(table.viewport(), table.rowHeight(0) // 2, ground)
    end = 0 if side is Qt.AlignmentFlag.AlignLeft else -1
    assert abs(heading[end] - cell[end]) <= 1
    header.setSortIndicatorShown(True)
    header.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
    assert inked(header.viewport(), header.height() // 2, ground) == heading


def test_headings_of_figures_stand_on_the_side_of_the_figures(qtbot: QtBot) -> None:
    model = CaseModel()
    model.show_rows([CaseRow("a", "b", "done", "", *[Figure("1.00", 1.0)] * 4, "", frozenset())])
    aligned = Qt.ItemDataRole.TextAlignmentRole
    for column in range(model.columnCount()):
        heading = model.headerData(column, Qt.Orientation.Horizontal, aligned)
        assert heading == model.index(0, column).data(aligned), column


@pytest.mark.parametrize(
    "make",
    [
        lambda: TimeDialog("Doe, Jo", Path("results"), []),
        lambda: StudyDialog([make_study()]),
        lambda: EarlierStudyDialog("Doe, Jo", []),
        lambda: LeftOutDialog("Left out.", (), None),
        CaseTable,
    ],
    ids=["over time", "studies", "earlier", "left out", "batch"],
)
def test_nothing_parts_a_row_into_cells(qtbot: QtBot, make: Callable[[], QWidget]) -> None:
    shown = make()
    qtbot.addWidget(shown)
    tables = [shown] if isinstance(shown, QTableView) else shown.findChildren(QTableView)
    assert [table.showGrid() for table in tables] == [False]
