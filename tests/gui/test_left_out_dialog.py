from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMessageBox, QPushButton, QTableView

from desktop_app.paths import assets_dir
from desktop_app.services.preflight.headers import check_headers
from tests.study_cases import make_study, roles_of
from ui.dialogs.left_out_dialog import LeftOutDialog
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.presenters.rows import header_of
from ui.presenters.slots import slots_of
from ui.theme import LIGHT, apply_theme

ROWS = (
    ("/cd/report.pdf", "not an image"),
    ("/cd/ä/scan.dcm", "damaged DICOM file (EOFError)"),
    ("Series 7 localizer", "a localizer"),
    ("/cd/notes.txt", "not an image"),
)


@pytest.fixture
def dialog(qtbot, qapp):
    apply_theme(qapp, LIGHT, assets_dir() / "styles" / "gliascope.qss")
    dialog = LeftOutDialog("4 items were left out.", ROWS, None)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    return dialog


def test_what_reads_the_same_is_one_line_with_its_number(qtbot, tmp_path):
    same = ("Series 1 localizer", "a localizer")
    dialog = LeftOutDialog("4 items were left out.", (same, ROWS[0], same, same), None)
    qtbot.addWidget(dialog)
    assert shown(dialog) == [("Series 1 localizer × 3", "a localizer"), ROWS[0]]
    dialog.save(tmp_path / "left-out.csv")
    assert (tmp_path / "left-out.csv").read_text("utf-8").count("a localizer") == 3


def shown(dialog):
    model = dialog.findChild(QTableView).model()
    return [
        (model.index(row, 0).data(), model.index(row, 1).data()) for row in range(model.rowCount())
    ]


def press(dialog, text):
    next(b for b in dialog.findChildren(QPushButton) if b.text() == text).click()


def test_lists_everything_in_its_order(dialog):
    assert tuple(shown(dialog)) == ROWS


def test_search_looks_at_names_and_reasons(dialog):
    search = dialog.findChild(QLineEdit)
    search.setText("NOT an")
    assert shown(dialog) == [ROWS[0], ROWS[3]]
    search.setText("ä/scan (")
    assert shown(dialog) == []
    search.setText("ä/scan")
    assert shown(dialog) == [ROWS[1]]


def test_copies_what_is_selected_or_all(dialog):
    press(dialog, "Copy")
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [tuple(line.split("\t")) for line in lines] == list(ROWS)
    dialog.findChild(QTableView).selectRow(2)
    press(dialog, "Copy")
    assert QGuiApplication.clipboard().text() == "Series 7 localizer\ta localizer"


def test_saves_the_whole_list(dialog, tmp_path, monkeypatch):
    target = tmp_path / "list.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    dialog.findChild(QLineEdit).setText("localizer")
    press(dialog, "Save …")
    lines = target.read_text("utf-8-sig").splitlines()
    assert lines[0] == "skipped,reason"
    assert len(lines) == 1 + len(ROWS)
    assert "/cd/ä/scan.dcm,damaged DICOM file (EOFError)" in lines


def test_says_why_a_list_cannot_be_saved(dialog, tmp_path, monkeypatch, qtbot):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "list.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    press(dialog, "Save …")
    (box,) = dialog.findChildren(QMessageBox)
    assert "in the place of the output folder" in box.text()
    box.close()


def test_a_long_list_opens_at_once(qtbot):
    rows = [(f"/cd/{number}", "not an image") for number in range(100_000)]
    dialog = LeftOutDialog("Many.", rows, None)
    qtbot.addWidget(dialog)
    assert len(shown(dialog)) == 100_000


def test_the_window_lists_what_the_note_counts(qtbot, qapp):
    window = MainWindow(Icons(assets_dir() / "icons"))
    qtbot.addWidget(window)
    study = make_study()
    header = header_of(study, ((str(Path("b.pdf")), "not an image"),))
    window.show_study(header, slots_of(study, check_headers(study, roles_of(study))))
    note = next(b for b in window.findChildren(QPushButton) if "left out" in b.text())
    note.click()
    (dialog,) = window.findChildren(LeftOutDialog)
    assert [what for what, _ in shown(dialog)] == ["a.txt", "b.pdf"]
    dialog.close()


def test_return_in_the_search_does_nothing_unasked(dialog, qtbot):
    QGuiApplication.clipboard().setText("mine")
    qtbot.keyClick(dialog.findChild(QLineEdit), Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert QGuiApplication.clipboard().text() == "mine"
