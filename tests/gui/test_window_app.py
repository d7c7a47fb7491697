"""The program's window as a whole: what is told, asked and forgotten."""

import sys
import threading
from unittest.mock import MagicMock

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QUrl
from PySide6.QtGui import QActionGroup, QDesktopServices
from PySide6.QtWidgets import QMessageBox

from desktop_app import composition
from desktop_app.domain.study import Sequence
from desktop_app.io.dicom.header_cache import HeaderCache, cache_file
from desktop_app.jobs.runner import Lane
from desktop_app.jobs.worker import WorkerState
from desktop_app.services.opening.series_memory import user_series_memory
from desktop_app.services.settings import SETTINGS_FILE
from tests.study_cases import make_study
from ui.app import WindowApp, run
from ui.presenters.reopening import Reopening
from ui.views.study_view import SeriesChoice


@pytest.fixture
def app(qtbot, qapp, tmp_path):
    with composition.build(user_data=tmp_path) as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        yield app
        app.window.close()


@pytest.fixture
def sample_choices(monkeypatch, tmp_path):
    """One remembered choice and a list of earlier scans."""
    monkeypatch.setenv("GLIASCOPE_USER_DATA", str(tmp_path / "kept"))
    study = make_study()
    user_series_memory().remember(study, {Sequence.T1C: study.series[0]})
    with HeaderCache(cache_file()) as cache:
        cache.keep(str(tmp_path), {})
    assert len(user_series_memory().choices()) == 1


def test_a_loaded_network_is_not_told_as_a_study_that_is_ready(app, monkeypatch):
    monkeypatch.setattr(type(app.services.worker), "state", WorkerState.READY)
    app.readiness.show()
    assert app.window._readiness.text() == "Network loaded"


def test_menus_that_are_filled_again_and_again_leave_nothing_behind(app):
    def groups():
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return len(app.window.findChildren(QActionGroup))

    def fill():
        app.window.menus.models.aboutToShow.emit()
        for uid in ("1", "2"):
            choices = (SeriesChoice("1", "DWI"), SeriesChoice("2", "SWI"))
            app.window.show_other_series(choices, uid, "")

    fill()
    before = groups()
    for _ in range(3):
        fill()
    assert groups() == before


def test_closing_asks_before_a_batch_is_stopped(app, monkeypatch):
    monkeypatch.setattr(type(app.batch), "what_runs", "A batch is being segmented.")
    asked = []
    monkeypatch.setattr(
        QMessageBox,
        "question",
        lambda *said: asked.append(said[2]) or QMessageBox.StandardButton.Cancel,
    )
    assert not app.window.close()
    assert "A batch is being segmented." in asked[0]
    app.window.what_runs = lambda: ""


def test_opening_a_folder_without_studies_says_so(app, qtbot, tmp_path):
    empty = tmp_path / "ä 文 empty"
    empty.mkdir()
    app.window.show()
    app.window.path_opened.emit(empty)
    qtbot.waitUntil(lambda: app.window.findChild(QMessageBox) is not None, timeout=20_000)
    box = app.window.findChild(QMessageBox)
    assert str(empty) in box.informativeText()
    box.close()


def test_what_is_kept_of_earlier_studies_is_forgotten(app, monkeypatch, tmp_path, sample_choices):
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    app.study.on_opened(tmp_path)
    assert app.services.load_settings().recent_studies  # kept at once, not when the window closes
    app.forgetting.ask()
    assert app.services.load_settings().recent_studies == ()
    box = app.window.findChild(QMessageBox)
    assert "opened last: emptied" in box.informativeText()
    assert "1 choice removed" in box.informativeText()
    assert "0.0 MB removed" in box.informativeText()
    box.close()
    assert user_series_memory().choices() == ()
    assert app.settings.recent_studies == ()
    assert not cache_file().exists()


def test_nothing_is_forgotten_unless_the_user_agrees(app, monkeypatch, sample_choices):
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Cancel)
    app.forgetting.ask()
    assert len(user_series_memory().choices()) == 1
    assert cache_file().exists()


def test_a_defect_on_the_gui_thread_is_shown_and_kept(app, monkeypatch, tmp_path):
    error = RuntimeError("a defect")
    app.on_exception(type(error), error, None)
    (report,) = (tmp_path / "crashes").glob("crash-*.txt")
    assert "a defect" in report.read_text("utf-8")
    box = app.window.findChild(QMessageBox)
    assert "a defect" in box.detailedText()
    assert f"The details are in {report}." in box.informativeText()
    assert "already exported are untouched" in box.informativeText()
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    next(one for one in box.buttons() if one.text() == "Open folder").click()
    assert opened == [QUrl.fromLocalFile(str(report.parent))]
    box.close()


def test_a_defect_in_a_batch_is_shown_once_and_kept(app, tmp_path):
    app.window.batch_page.show_crash("Traceback of a batch")
    (box,) = app.window.findChildren(QMessageBox)
    (report,) = (tmp_path / "crashes").glob("crash-*.txt")
    assert "Traceback of a batch" in report.read_text("utf-8")
    box.close()


def test_a_defect_is_told_once_where_nothing_can_be_written(app, tmp_path):
    (tmp_path / "crashes").write_text("a file in the place of the folder")
    error = RuntimeError("a defect")
    app.on_exception(type(error), error, None)
    (box,) = app.window.findChildren(QMessageBox)
    assert "a defect" in box.detailedText()
    assert "The details are below." in box.informativeText()
    box.close()


def test_a_defect_in_telling_of_one_goes_to_the_terminal(app, monkeypatch, capsys):
    shown = []

    def show_crash(trace):
        shown.append(trace)
        failure = ValueError("no box")
        app.on_exception(type(failure), failure, None)

    monkeypatch.setattr(app.window, "show_crash", show_crash)
    for name in ("first", "second"):
        error = RuntimeError(name)
        app.on_exception(type(error), error, None)
    assert ["first" in shown[0], "second" in shown[1], len(shown)] == [True, True, 2]
    assert capsys.readouterr().err.count("ValueError: no box") == 2


def test_the_window_closes_where_nothing_can_be_written(app, monkeypatch, tmp_path):
    (tmp_path / SETTINGS_FILE).mkdir()
    assert app.window.close()
    assert app.window.findChild(QMessageBox) is None


def test_closing_asks_before_a_comparison_is_saved_in_part(app, monkeypatch):
    asked, goes_on = [], threading.Event()
    monkeypatch.setattr(
        QMessageBox,
        "question",
        lambda *said: asked.append(said[2]) or QMessageBox.StandardButton.Cancel,
    )
    app.study.jobs.start(
        "Saving the comparison",
        lambda _progress, _token: goes_on.wait(10),
        lambda _: None,
        lane=Lane.IO,
        is_kept=True,
    )
    assert not app.window.close()
    goes_on.set()
    assert "Results are being written." in asked[0]
    app.window.what_runs = lambda: ""


@pytest.mark.parametrize("offers_results", [True, False])
def test_a_rehearsal_offers_no_result(qtbot, qapp, monkeypatch, tmp_path, offers_results):
    looks = MagicMock()
    monkeypatch.setattr(Reopening, "_look", looks)
    with composition.build(user_data=tmp_path) as services:
        app = WindowApp(qapp, services, offers_results=offers_results)
        qtbot.addWidget(app.window)
        services.session.open_study(make_study())
        app.window.close()
    assert looks.called is offers_results


@pytest.mark.parametrize("rehearsal", [None, MagicMock()])
def test_only_a_rehearsal_looks_for_no_results(monkeypatch, rehearsal):
    make = MagicMock()
    monkeypatch.setattr("ui.app.WindowApp", make)
    monkeypatch.setattr("ui.app.RehearsalWatch", MagicMock())
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    run(MagicMock(), MagicMock(), (), rehearsal=rehearsal)
    assert make.call_args.kwargs == {"offers_results": rehearsal is None}
