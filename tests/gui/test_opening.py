"""What is opened in the window, what is offered with it, and the questions before it is left."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMessageBox

from tests.study_cases import make_study
from ui.dialogs.study_dialog import StudyDialog
from ui.views.study_view import Actions, JobStatus


def drop(window, *paths):
    """Drop local paths, as a desktop does where the window accepts them."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    how = (
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    entering = QDragEnterEvent(QPoint(5, 5), *how)
    entering.ignore()
    window.dragEnterEvent(entering)
    if entering.isAccepted():
        window.dropEvent(QDropEvent(QPointF(5, 5), *how))


@pytest.mark.parametrize(
    ("names", "expected"),
    [((".",), "."), (("t1.nii.gz", "t2.nii.gz"), "."), (("a/1.dcm", "a/2.dcm"), "a")],
)
def test_what_is_dropped_is_opened(window, qtbot, tmp_path, names, expected):
    with qtbot.waitSignal(window.path_opened) as opened:
        drop(window, *(tmp_path / name for name in names))
    assert opened.args == [tmp_path / expected]


def test_a_whole_disk_is_opened_where_it_is_dropped(window, qtbot):
    disk = Path(Path.cwd().anchor)
    with qtbot.waitSignal(window.path_opened) as opened:
        drop(window, disk)
    assert opened.args == [disk]


def test_dropped_things_without_a_folder_in_common_are_refused_in_words(window, qtbot):
    root = Path(Path.cwd().anchor)
    with qtbot.assertNotEmitted(window.path_opened):
        drop(window, root / "one", root / "two")
    box = window.findChild(QMessageBox)
    assert "no folder in common" in box.text()
    box.close()


@pytest.mark.parametrize(("button", "wanted"), [("Open the result", True), ("Only the", False)])
def test_an_earlier_result_is_offered(window, button, wanted):
    answers = []
    window.offer_result(datetime(2026, 1, 31, 14, 32, tzinfo=UTC), True, answers.append)
    box = window.findChild(QMessageBox)
    assert box.text() == "There is a result of 2026-01-31 14:32, corrected by hand."
    next(one for one in box.buttons() if one.text().startswith(button)).click()
    assert answers == [wanted]


def test_an_earlier_result_needs_an_open_study(window, qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    window.show_actions(Actions())
    assert not window.menus.reopen.isEnabled()
    window.show_actions(Actions(reopen=True))
    with qtbot.waitSignal(window.result_opened) as opened:
        window.menus.reopen.trigger()
    assert opened.args == [tmp_path]


def test_a_failed_first_opening_leads_back_to_the_start(window):
    assert window.start_page.isVisible()
    window.show_job(JobStatus("Opening", "", -1.0, None))
    assert window.study_page.isVisible()
    assert not window.study_page.sequences.isVisible()
    window.show_job(None)
    assert window.start_page.isVisible()


def test_studies_found_together_are_offered(study_window, qtbot):
    page = study_window.study_page
    study_window.show_studies(("2026-01-31 · Brain",), 0)
    assert not page._studies.isVisible()
    study_window.show_studies(("2026-01-31 · Brain", "2026-04-01 · Brain"), 1)
    assert page._studies.isVisible()
    assert page._studies.currentIndex() == 1
    with qtbot.waitSignal(page.study_chosen) as chosen:
        page._studies.activated.emit(0)
    assert chosen.args == [0]


def test_studies_are_offered_with_readable_names_and_dates(window, qtbot):
    dialog = StudyDialog((make_study(), make_study(name="other")), window)
    qtbot.addWidget(dialog)
    assert dialog._table.accessibleName()
    cells = [dialog._table.item(0, column).text() for column in (0, 1)]
    assert cells == ["Müller, Änne · ID7", "2026-01-31"]


def test_the_folder_of_the_last_study_is_remembered(window):
    window.open_path(Path("somewhere") / "study")
    assert window.last_folder == "somewhere"


def test_opening_another_study_keeps_an_unsaved_result_unless_told(window, tmp_path):
    opened = []
    window.path_opened.connect(opened.append)
    window.has_unsaved = lambda: True
    answers = iter([False, True])
    window.ask_to_leave = lambda _verb, _again: next(answers)
    window.open_path(tmp_path)
    assert opened == []
    window.open_path(tmp_path)
    assert opened == [tmp_path]
    window.has_unsaved = lambda: False


@pytest.mark.parametrize("agrees", [True, False])
def test_closing_asks_before_a_batch_is_stopped(window, qtbot, monkeypatch, agrees):
    button = QMessageBox.StandardButton
    asked = []
    monkeypatch.setattr(
        QMessageBox,
        "question",
        lambda *said: asked.append(said[2]) or (button.Close if agrees else button.Cancel),
    )
    window.what_runs = lambda: "A batch of studies is being segmented."
    close = QCloseEvent()
    window.closeEvent(close)
    assert close.isAccepted() == agrees
    assert asked[0].startswith("A batch of studies is being segmented.")
    window.what_runs = lambda: ""
    window.closeEvent(QCloseEvent())
    assert len(asked) == 1


def test_closing_with_an_unsaved_result_asks_first(window, qtbot):
    window.has_unsaved = lambda: True
    answers = iter([False, True])
    asked = []
    window.ask_to_leave = lambda verb, again: asked.append((verb, again)) or next(answers)
    stay, leave = QCloseEvent(), QCloseEvent()
    window.closeEvent(stay)
    assert not stay.isAccepted()
    with qtbot.waitSignal(window.close_asked):
        window.closeEvent(leave)
    assert leave.isAccepted()
    assert asked == [("Close", window.close)] * 2
    window.has_unsaved = lambda: False
