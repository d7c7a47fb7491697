from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from tests.study_cases import make_series, make_study
from tests.window_cases import shown_texts
from ui.dialogs.study_dialog import StudyDialog
from ui.dialogs.time_dialog import TimeDialog
from ui.views.time_view import TimeRow


def test_volumes_over_time_are_listed_and_copied(qtbot):
    rows = (
        TimeRow("2026-01-01", ("10.00", "5.00", "2.00"), ("", "", ""), ""),
        TimeRow("2026-03-01", ("12.00", "5.00", "1.00"), ("+20 %", "0 %", "−50 %"), "a note"),
    )
    dialog = TimeDialog("Doe, Jo · 7", Path("results"), rows)
    qtbot.addWidget(dialog)
    assert dialog.table.item(1, 6).text() == "−50 %"
    dialog.copy()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[2] == "2026-03-01\t12.00\t+20 %\t5.00\t0 %\t1.00\t−50 %\ta note"
    assert lines[3] == "For research use. Not a medical device."


def test_a_note_is_read_whole(qtbot):
    note = (
        "cut off by the end of the image: too small; without FLAIR; another network: slim-unetrpp-2"
    )
    dialog = TimeDialog(
        "Doe, Jo · 7",
        Path("results"),
        [TimeRow("2026-01-01", ("122.99", "50.00", "20.00"), ("+12 %", "0 %", "0 %"), note)],
        note="What is open is not listed.",
    )
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    table = dialog.table
    cell = table.visualItemRect(table.item(0, 7))
    words = Qt.TextFlag.TextWordWrap
    needed = table.fontMetrics().boundingRect(cell, words, note)
    assert cell.height() >= needed.height()
    assert table.item(0, 7).toolTip() == note
    assert "What is open is not listed." in shown_texts(dialog)
    dialog.copy()
    assert "What is open is not listed." in QApplication.clipboard().text()


@pytest.mark.parametrize(("column", "order"), [(1, ["a", "c", "b"]), (3, ["b", "a", "c"])])
def test_studies_can_be_sorted_and_the_one_seen_is_opened(qtbot, column, order):
    studies = [
        make_study(
            name=name, date=date, series=tuple(make_series(str(i)) for i in range(count)), roles={}
        )
        for name, date, count in (("a", "20250101", 9), ("b", "20260101", 3), ("c", "20250601", 10))
    ]
    dialog = StudyDialog(studies)
    qtbot.addWidget(dialog)
    assert dialog.chosen() is studies[0]
    dialog._table.sortByColumn(column, Qt.SortOrder.AscendingOrder)
    seen = []
    for row in range(3):
        dialog._table.selectRow(row)
        seen.append(dialog.chosen().name)
    assert seen == order
