"""The batch in the program's window: what is remembered, dropped, and gives way."""

import threading
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QMessageBox

from desktop_app import composition
from desktop_app.services.export.formats import DEFAULT_FORMATS, ExportFormat
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui.app import WindowApp


def test_a_batch_writes_what_is_ticked_and_the_ticks_are_remembered(qtbot, qapp, tmp_path):
    for seen in ((*DEFAULT_FORMATS,), (ExportFormat.CSV,)):
        with composition.build(user_data=tmp_path / "kept") as services:
            app = WindowApp(qapp, services)
            qtbot.addWidget(app.window)
            page = app.window.batch_page
            assert page.ticks.formats == seen
            page.ticks.tick(("csv",), anonymise=True)
            export = app.batching.make(tmp_path, tmp_path / "out", print).options.case.export
            assert export.formats == (ExportFormat.CSV,)
            assert export.anonymise
            app.window.close()


@pytest.fixture
def app(qtbot, qapp, tmp_path):
    with composition.build(user_data=tmp_path / "kept") as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        yield app
        app.window.has_unsaved = lambda: False
        app.window.close()


def test_the_batch_is_found_as_it_was_left(qtbot, qapp, tmp_path):
    with composition.build(user_data=tmp_path / "kept") as services:
        for seen in (("", ""), (str(tmp_path), "/mine")):
            app = WindowApp(qapp, services)
            qtbot.addWidget(app.window)
            page = app.window.batch_page
            assert page.folders.last == seen
            assert page.watches is bool(seen[0])
            page.folders.remember(str(tmp_path), "/mine")
            page.set_watches(True)
            app.window.close()
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        app.forgetting._forget()
        app.window.findChild(QMessageBox).close()
        assert app.window.batch_page.folders.last == ("", "")
        app.window.close()
        assert services.load_settings().batch_folder == ""


def drop(window, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    left = Qt.MouseButton.LeftButton
    modifier = Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, modifier))


def test_a_folder_dropped_on_the_batch_is_the_one_with_the_studies(app, qtbot, tmp_path):
    window, folder = app.window, tmp_path / "night"
    folder.mkdir()
    window._tabs.setCurrentIndex(1)
    with (
        qtbot.assertNotEmitted(window.path_opened),
        qtbot.waitSignal(window.batch_page.folders_chosen) as chosen,
    ):
        drop(window, folder)
    assert chosen.args == [folder, None]
    output = tmp_path / "night-gliascope"
    qtbot.waitUntil(lambda: window.batch_page.folders.output == output)
    # There is nothing in it, which is said.
    qtbot.waitUntil(lambda: window.batch_page.findChild(QMessageBox) is not None)
    window.batch_page.findChild(QMessageBox).close()


def test_a_batch_gives_way_to_a_study_in_the_window(app, tmp_path, monkeypatch):
    asked = {}
    services = type(app.services)
    monkeypatch.setattr(services, "make_batch", lambda *_, **passed: asked.update(passed))
    app.batching.make(tmp_path, tmp_path / "out", print)
    assert not asked["gives_way"]()
    released = threading.Event()
    job = app.services.runner.submit(lambda *_: released.wait(10), print)
    assert asked["gives_way"]()
    released.set()
    assert job.wait(10)


def test_what_is_exported_of_a_failed_study_goes_to_its_batch(app, qtbot, tmp_path, monkeypatch):
    study, output = make_study(name="one"), tmp_path / "results"
    monkeypatch.setattr(app.study.reading, "open_study", opens := MagicMock())
    app.batching.open_images(study, output / "one")
    opens.assert_called_once_with(study)
    session = app.services.session
    session.set_studies((study,))
    session.open_study(study)
    assert app.home.folder_to_look_in == output
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    session.accept_result(make_result(study, labels), session.generation)
    shown = {}

    def dialog(_choices, folder, _parent, **passed):
        shown.update(passed, folder=folder)
        return MagicMock(**{"exec.return_value": None})

    monkeypatch.setattr("ui.results_home.ExportDialog", MagicMock(side_effect=dialog))
    app._ask_export()
    assert (shown["folder"], shown["anonymise"]) == (output, False)
    session.open_study(make_study(name="another", study_uid="2"))
    assert app.home.folder_to_look_in == app.home.chosen_folder
