import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QActionGroup, QDesktopServices
from PySide6.QtWidgets import QMessageBox

from desktop_app import composition
from desktop_app.domain.correction import PaintOver
from desktop_app.domain.segmentation import NO_TUMOUR_FOUND, Region
from desktop_app.domain.study import Sequence
from desktop_app.errors import Cancelled
from desktop_app.io.header_cache import HeaderCache, cache_file
from desktop_app.jobs.runner import Lane
from desktop_app.jobs.worker import WorkerState
from desktop_app.services.batch import CaseState, CaseStatus
from desktop_app.services.batch.records import read_state, write_state
from desktop_app.services.series_memory import user_series_memory
from desktop_app.services.settings import SETTINGS_FILE
from model.network import UNETRppConfig, build_network
from model.weights import save_network
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from tests.viewer_cases import drag
from ui.app import WindowApp, run
from ui.dialogs.export_dialog import ExportChoice, ExportDialog
from ui.presenters.reopening import Reopening
from ui.theme import ThemeName, current_theme
from ui.viewers.planes import Plane
from ui.views.study_view import SeriesChoice
from ui.window_place import WindowPlace, clamped


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


def test_settings_outlive_the_window(app, qapp, tmp_path):
    app.set_theme(ThemeName.DARK)
    app.window.open_path(Path(tmp_path / "patients" / "one"))
    app.window.close()
    kept = app.services.load_settings()
    assert kept.theme == "dark"
    assert kept.open_folder == str(tmp_path / "patients")


@pytest.mark.parametrize("chosen", [ThemeName.SYSTEM, ThemeName.LIGHT])
def test_a_desktop_that_turns_dark_takes_a_window_along_that_follows_it(
    app, qapp, monkeypatch, chosen
):
    # Windows of earlier tests would follow too.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    app.set_theme(ThemeName.LIGHT)
    app.set_theme(chosen)
    assert not current_theme().dark
    hints = SimpleNamespace(colorScheme=lambda: Qt.ColorScheme.Dark)
    monkeypatch.setattr("ui.theme.QGuiApplication", SimpleNamespace(styleHints=lambda: hints))
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert current_theme().dark is (chosen is ThemeName.SYSTEM)
    assert app.settings.theme == chosen.value


def test_the_window_comes_back_as_it_was_left(app, qtbot, qapp, tmp_path):
    page = app.window.study_page
    page.regions.set_overlay(20, outline=True)
    page.correction_bar.set_brush(14, is_ball=True)
    app.window.last_result_folder = "/results"
    app.window.setGeometry(5, 40, 810, 600)
    app.study.on_opened(tmp_path / "one & two")
    app.window.close()
    again = WindowApp(qapp, app.services)
    qtbot.addWidget(again.window)
    page = again.window.study_page
    assert (page.regions.opacity, page.regions.outline) == (0.2, True)
    assert page.correction_bar.brush == (14, True)
    assert page.views.overlay_style.opacity == 0.2
    assert again.window.last_result_folder == "/results"
    assert again.window.geometry().height() == 600
    recent = again.window.menus.recent
    assert recent.isEnabled()
    assert recent.actions()[0].toolTip() == str(tmp_path / "one & two")
    with qtbot.waitSignal(again.window.path_opened) as opened:
        again.dispatcher.close()
        recent.actions()[0].trigger()
    assert opened.args == [tmp_path / "one & two"]
    again.window.menus.recent.actions()[-1].trigger()
    assert not recent.isEnabled()
    assert again.settings.recent_studies == ()
    again.window.close()


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ((100, 100, 900, 600), (100, 100, 900, 600)),
        ((-50, 700, 900, 600), (0, 300, 900, 600)),
        ((1400, 100, 900, 600), (1500, 100, 900, 600)),
        ((5000, 5000, 9000, 9000), (0, 0, 1500, 900)),
        ((10, 10, 1, 1), (10, 10, 800, 500)),
    ],
)
def test_the_window_lies_on_a_screen_that_is_there(kept, expected):
    screens = [QRect(0, 0, 1500, 900), QRect(1500, 0, 1500, 900)]
    assert clamped(QRect(*kept), screens).getRect() == expected


def test_at_the_first_start_nothing_lies_below_the_edge_of_the_screen(app):
    free, window = app.window.screen().availableGeometry(), app.window.geometry()
    assert free.top() < window.top()
    assert window.bottom() <= free.bottom()
    assert window.width() <= max(free.width(), app.window.minimumSizeHint().width())


@pytest.mark.parametrize(
    "kept",
    [
        '{"theme": "contrast"}',
        '{"window_place": "99999999999,0,900,600,0"}',
        '{"overlay_percent": 100000000000000000000}',
        '{"brush_mm": 1000000000000}',
    ],
)
def test_the_window_opens_whatever_is_kept(qtbot, qapp, tmp_path, kept):
    (tmp_path / SETTINGS_FILE).write_text(kept)
    with composition.build(user_data=tmp_path) as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        assert app.settings.theme == "auto"
        assert app.window.study_page.regions.opacity == 0.45
        assert app.window.study_page.correction_bar.brush == (8, False)
        app.window.close()


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "a,b,c,d,e", "1.5,2,3,4,5", "99999999999,0,900,600,0", "0,0,9,-100001,0"]
)
def test_a_place_that_makes_no_sense_is_none(text):
    assert WindowPlace.parse(text) is None
    place = WindowPlace(QRect(1, -2, 900, 600), is_maximised=True)
    assert WindowPlace.parse(str(place)) == place


def test_a_loaded_network_is_not_told_as_a_study_that_is_ready(app, monkeypatch):
    monkeypatch.setattr(type(app.services.worker), "state", WorkerState.READY)
    app.readiness.show()
    assert app.window._readiness.text() == "Network loaded"


def install_model(folder: Path, name: str, **card: object) -> None:
    config = UNETRppConfig(dims=(4, 4, 4, 4), depths=(1, 1, 1, 1), reference=(32, 32, 32), heads=2)
    save_network(folder / "weights", name, config, build_network(config).state_dict(), card)


def test_the_network_is_chosen_in_the_menu_and_remembered(app, tmp_path):
    install_model(tmp_path, "heavier")
    install_model(tmp_path, "spleens", task={"name": "spleen"})
    menu = app.window.menus.models
    menu.aboutToShow.emit()
    names = [action.data() for action in menu.actions() if action.data()]
    assert names == ["slim_unetrpp", "heavier"]
    assert [a.data() for a in menu.actions() if a.isChecked()] == ["slim_unetrpp"]
    menu.actions()[1].trigger()
    assert app.preferences.segment_options().weights == tmp_path / "weights" / "heavier.safetensors"
    menu.aboutToShow.emit()
    assert [a.data() for a in menu.actions() if a.isChecked()] == ["heavier"]
    assert menu.actions()[1].text() == "UNETR++ (heavier)"
    app.window.close()
    assert app.services.load_settings().model == "heavier"


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


def test_the_device_is_chosen_in_the_menu_and_remembered(app, monkeypatch):
    warmed = []
    monkeypatch.setattr(app.services.worker, "warm", lambda *where: warmed.append(where))
    devices = app.window.menus.devices
    assert [name for name, action in devices.items() if action.isChecked()] == ["auto"]
    devices["cpu"].trigger()
    assert warmed == [("cpu", "auto")]
    assert app.preferences.segment_options().device == "cpu"
    app.window.close()
    assert app.services.load_settings().device == "cpu"


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


def test_a_network_that_is_gone_is_told(app):
    app.preferences.use_model("gone")
    box = app.window.findChild(QMessageBox)
    assert "no model named gone" in box.text()
    box.close()
    assert app.preferences.segment_options().model_name == "slim_unetrpp"
    assert app.settings.model == ""


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


def test_similar_brightness_is_not_that_of_a_series_nobody_sees(app, monkeypatch):
    begun = []
    monkeypatch.setattr(app.correction, "begin", lambda *one: begun.append(one))
    settings = SimpleNamespace(over=PaintOver.SIMILAR)
    bar = app.window.study_page.correction_bar
    monkeypatch.setattr(bar, "settings", lambda *, erases: settings)
    stroke = np.zeros(3), np.array([0.0, 0.0, 1.0]), False
    app.study.image.others.volume = object()
    app.window.study_page.views.stroke_began.emit(*stroke)
    box = app.window.findChild(QMessageBox)
    assert "one of the four sequences first" in box.text()
    box.close()
    assert not begun
    app.study.image.others.volume = None
    app.window.study_page.views.stroke_began.emit(*stroke)
    assert len(begun) == 1


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


def test_closing_asks_before_an_export_is_stopped(app, monkeypatch, segmented, tmp_path):
    asked, goes_on = [], threading.Event()
    monkeypatch.setattr(
        QMessageBox,
        "question",
        lambda *said: asked.append(said[2]) or QMessageBox.StandardButton.Cancel,
    )

    def save(*_args, **_options):
        assert goes_on.wait(10)
        raise Cancelled

    monkeypatch.setattr("ui.presenters.export_presenter.save_results", save)
    app.study.exporting.export(tmp_path / "out", ("nifti",), anonymise=False)
    assert not app.window.close()
    goes_on.set()
    assert "Results are being written." in asked[0]
    assert "goes on from there" not in asked[0]
    app.window.what_runs = lambda: ""


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


@pytest.fixture
def segmented(app, qtbot):
    """The window with a result that has no tumour, and its axial view."""
    study = make_study()
    app.services.session.open_study(study)
    result = make_result(study, np.zeros(GEOMETRY.shape_kji, np.uint8), (NO_TUMOUR_FOUND,))
    with qtbot.waitExposed(app.window):
        app.window.show()
    app.services.session.accept_result(result, app.services.session.generation)
    # Nobody is there to answer when the test's window is closed
    app.window.has_unsaved = lambda: False
    return result


def paint(app, start=(0, 0), end=(12, 6)):
    axial = app.window.study_page.views.slice_views[Plane.AXIAL]
    middle = QPointF(axial.width() / 2, axial.height() / 2)
    drag(axial, Qt.MouseButton.LeftButton, middle + QPointF(*start), middle + QPointF(*end))


def test_labels_are_corrected_by_hand(app, segmented):
    session, page, menus = app.services.session, app.window.study_page, app.window.menus
    assert page.correction_bar.isHidden()
    paint(app)
    assert session.result is segmented
    page.viewer_bar._correct.click()
    assert page.correction_bar.isVisible()
    assert app.window.minimumSizeHint().width() <= 1280
    paint(app)
    corrected = session.result
    assert corrected.segmentation.labels_kji.any()
    assert corrected.segmentation.provenance.edited
    assert "corrected by hand" in page.regions._origin.text()
    assert app.study.unsaved
    assert menus.undo.text() == "&Undo paint enhancing tumour"
    menus.undo.trigger()
    assert session.result is segmented
    menus.redo.trigger()
    assert np.array_equal(session.result.segmentation.labels_kji, corrected.segmentation.labels_kji)
    menus.correct.trigger()
    assert page.correction_bar.isHidden()


@pytest.mark.parametrize(("button", "wanted"), [("Restore them", True), ("Discard them", False)])
def test_corrections_of_before_a_crash_are_offered(app, button, wanted):
    answers = []
    started = datetime(2026, 1, 31, 14, 32, tzinfo=UTC)
    app.window.offer_restore(started, 3, answers.append)
    box = app.window.findChild(QMessageBox)
    assert box.text() == "3 corrections of 2026-01-31 14:32 were never exported."
    next(one for one in box.buttons() if one.text() == button).click()
    assert answers == [wanted]


class Exports:
    """Stands for the dialog: keeps what it proposes and chooses that, or another folder."""

    DialogCode = ExportDialog.DialogCode

    def __init__(self, monkeypatch):
        self.proposed = []
        self.chosen = None
        monkeypatch.setattr("ui.results_home.ExportDialog", self)

    def __call__(self, choices, folder, parent, *, anonymise, **_):
        self.proposed.append((folder, anonymise))
        choice = ExportChoice(self.chosen or folder, ("nifti",), anonymise, ("nifti",))
        dialog = MagicMock()
        dialog.exec.return_value = ExportDialog.DialogCode.Accepted
        dialog.choice.return_value = choice
        return dialog


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


@pytest.mark.parametrize("name", ["study", "ANON-0123456789AB", "study/corrected-20260131-143200"])
def test_a_result_goes_back_to_the_folder_it_came_from(app, segmented, monkeypatch, tmp_path, name):
    monkeypatch.setattr(app.study.exporting, "export", lambda *_, **__: None)
    exports = Exports(monkeypatch)
    session, output = app.services.session, tmp_path / "batch"
    before = app.settings.export_folder
    session.accept_result(segmented, session.generation, saved_in=output / name)
    app._ask_export()
    assert exports.proposed == [(output, name.startswith("ANON"))]
    assert app.settings.export_folder == before
    exports.chosen = tmp_path / "other"
    app._ask_export()
    assert app.settings.export_folder == str(tmp_path / "other")


def test_volumes_over_time_are_those_beside_the_open_result(app, segmented, tmp_path):
    session = app.services.session
    session.accept_result(segmented, session.generation, saved_in=tmp_path / "batch" / "study")
    assert app.home.folder_of_result == tmp_path / "batch"


def test_a_corrected_export_is_noted_where_a_batch_wrote(app, qtbot, segmented, tmp_path):
    session, output = app.services.session, tmp_path / "batch"
    write_state(output, CaseState("study", "1", CaseStatus.DONE, files=("report.pdf",)))
    session.accept_result(segmented, session.generation, saved_in=output / "study")
    app.correction.set_active(True)
    paint(app)
    app.study.exporting.export(output, ("nifti", "json"), anonymise=False)
    qtbot.waitUntil(lambda: read_state(output, "study").corrected, timeout=20_000)
    state = read_state(output, "study")
    assert state.volumes_mm3[Region.ET] > 0
    assert {"segmentation.nii.gz", "measurements.json"} <= set(state.files)
    assert "report.pdf" not in state.files
    qtbot.waitUntil(lambda: app.window.findChild(QMessageBox) is not None)
    app.window.findChild(QMessageBox).close()


def test_segmenting_again_asks_before_corrections_are_lost(app, segmented, monkeypatch):
    asked = []
    monkeypatch.setattr(app.window, "may_leave", lambda *_: asked.append(1) or False)
    started = []
    monkeypatch.setattr(app.study, "segment", lambda: started.append(1))
    app.window.study_page.segment_requested.emit()
    assert (asked, started) == ([], [1])
    app.correction.set_active(True)
    paint(app)
    app.window.study_page.segment_requested.emit()
    assert (asked, started) == ([1], [1])
