"""Nobody who has only a keyboard is caught in a table: Tab goes on to what follows it."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QTableView, QVBoxLayout, QWidget

from desktop_app.paths import assets_dir
from tests.study_cases import make_study
from ui.dialogs.earlier_study_dialog import EarlierStudyDialog
from ui.dialogs.left_out_dialog import LeftOutDialog
from ui.dialogs.study_dialog import StudyDialog
from ui.dialogs.time_dialog import TimeDialog
from ui.export_formats import format_choices
from ui.icons import Icons
from ui.panels.batch_page import BatchPage
from ui.views.batch_view import CaseRow, Figure, Review
from ui.views.follow_up_view import EarlierRow
from ui.views.time_view import TimeRow

_NONE = Figure()
_CASES = [
    CaseRow(name, "ward", "done", "", *[_NONE] * 4, "", frozenset({Review.ALL})) for name in "abc"
]
_TIMES = [TimeRow(f"2026-0{n}-01", ("1.00",) * 3, ("",) * 3, "") for n in (1, 2, 3)]
_EARLIER = [EarlierRow("2025-01-01", "MR", "T1", "none", "", is_ready=True)] * 2


def batch_page() -> BatchPage:
    page = BatchPage(Icons(assets_dir() / "icons"), format_choices())
    page.show_cases(_CASES)
    return page


@pytest.mark.parametrize(
    "make",
    [
        batch_page,
        lambda: TimeDialog("Doe, Jo", Path("results"), _TIMES),
        lambda: StudyDialog([make_study(name=name) for name in "abc"]),
        lambda: LeftOutDialog("Left out.", tuple((name, "why") for name in "abc"), None),
        lambda: EarlierStudyDialog("Doe, Jo", _EARLIER),
    ],
    ids=["batch", "over time", "studies", "left out", "earlier"],
)
def test_tab_leaves_a_table_at_both_ends(qtbot, make):
    held = QDialog()  # whose chain of widgets that take the keys is that of a window
    shown: QWidget = make()
    QVBoxLayout(held).addWidget(shown)
    shown.setWindowFlags(Qt.WindowType.Widget)
    before = QWidget(held)
    before.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    held.layout().insertWidget(0, before)
    qtbot.addWidget(held)
    held.show()
    held.activateWindow()
    qtbot.waitUntil(held.isActiveWindow)
    for table in shown.findChildren(QTableView):
        for key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            table.setCurrentIndex(table.model().index(1, 1))
            table.setFocus()
            assert table.hasFocus()
            qtbot.keyClick(table, key)
            now = QApplication.focusWidget()
            assert now is not None
            assert now is not table
            assert not table.isAncestorOf(now)
