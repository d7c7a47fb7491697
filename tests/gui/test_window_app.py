from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox

from desktop_app import composition
from ui.app import WindowApp
from ui.theme import ThemeName


@pytest.fixture
def app(qtbot, qapp, tmp_path):
    with composition.build(user_data=tmp_path) as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        yield app
        app.window.close()


def test_settings_outlive_the_window(app, qapp, tmp_path):
    app.set_theme(ThemeName.DARK)
    app.window._open(Path(tmp_path / "patients" / "one"))
    app.window.close()
    kept = app.services.load_settings()
    assert kept.theme == "dark"
    assert kept.open_folder == str(tmp_path / "patients")


def test_opening_a_folder_without_studies_says_so(app, qtbot, tmp_path):
    empty = tmp_path / "ä 文 empty"
    empty.mkdir()
    app.window.show()
    app.window.path_opened.emit(empty)
    qtbot.waitUntil(lambda: app.window.findChild(QMessageBox) is not None, timeout=20_000)
    box = app.window.findChild(QMessageBox)
    assert str(empty) in box.informativeText()
    box.close()


def test_a_defect_on_the_gui_thread_is_shown_and_kept(app, tmp_path):
    error = RuntimeError("a defect")
    app.on_exception(type(error), error, None)
    box = app.window.findChild(QMessageBox)
    assert "a defect" in box.detailedText()
    box.close()
    (report,) = (tmp_path / "crashes").glob("crash-*.txt")
    assert "a defect" in report.read_text("utf-8")
