"""A result in the window: corrected, exported, and asked about."""

import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QMessageBox

from desktop_app import composition
from desktop_app.domain.correction import PaintOver
from desktop_app.domain.segmentation import NO_TUMOUR_FOUND, Region
from desktop_app.errors import Cancelled
from desktop_app.services.batch import CaseState, CaseStatus
from desktop_app.services.batch.records import read_state, write_state
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from tests.viewer_cases import drag
from ui.app import WindowApp
from ui.dialogs.export_dialog import ExportChoice, ExportDialog
from ui.viewers.planes import Plane


@pytest.fixture
def app(qtbot, qapp, tmp_path):
    with composition.build(user_data=tmp_path) as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        yield app
        app.window.close()


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
