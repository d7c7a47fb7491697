"""The file that helps to find a fault is saved where its user wants it, who is told of it first."""

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from desktop_app import composition
from desktop_app.services.export.run_log import RUN_LOG
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui import supporting
from ui.app import WindowApp


@pytest.fixture
def app(qtbot, qapp, tmp_path):
    with composition.build(user_data=tmp_path / "kept") as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        yield app
        for box in app.window.findChildren(QMessageBox):
            box.close()
        app.window.has_unsaved = lambda: False
        app.window.close()


@pytest.fixture
def asked(monkeypatch):
    said = []
    monkeypatch.setattr(supporting, "agrees", lambda *what: said.append(what[1]) or True)
    return said


def save_to(file, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))


def told(app):
    return [box.text() for box in app.window.findChildren(QMessageBox)]


def test_what_it_holds_is_said_before_it_is_written(app, asked, tmp_path, monkeypatch):
    file = tmp_path / "support.txt"
    save_to(file, monkeypatch)
    app.window.menus.support.trigger()
    assert "Nothing is sent" in asked[0]
    assert "Gliascope" in file.read_text("utf-8")
    assert told(app) == ["The support file is saved."]


def test_it_holds_the_log_of_the_last_export(app, asked, tmp_path, monkeypatch):
    study = make_study()
    session = app.services.session
    session.open_study(study)
    (tmp_path / RUN_LOG).write_text("Device cpu, precision fp32\nWarning: Müller is cut off.\n")
    result = make_result(study, np.zeros(GEOMETRY.shape_kji, np.uint8))
    session.accept_result(result, session.generation, saved_in=tmp_path)
    save_to(tmp_path / "support.txt", monkeypatch)
    app.window.menus.support.trigger()
    text = (tmp_path / "support.txt").read_text("utf-8")
    assert "Device cpu, precision fp32" in text
    assert "is cut off." in text
    assert "Müller" not in text


@pytest.mark.parametrize("says", [True, False])
def test_nothing_is_written_unless_wanted(app, tmp_path, monkeypatch, says):
    file = tmp_path / "support.txt"
    monkeypatch.setattr(supporting, "agrees", lambda *_: says)
    save_to("" if says else file, monkeypatch)
    app.window.menus.support.trigger()
    assert not file.exists()
    assert told(app) == []


def test_a_file_that_cannot_be_written_is_told(app, asked, tmp_path, monkeypatch):
    (tmp_path / "taken").mkdir()
    save_to(tmp_path / "taken", monkeypatch)
    app.window.menus.support.trigger()
    assert "The support file is saved." not in told(app)
    assert len(told(app)) == 1
