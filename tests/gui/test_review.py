"""Results of a batch are looked through by keyboard: accepted, rejected, the next one."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from desktop_app import composition
from desktop_app.services.batch import ReviewState
from desktop_app.services.batch.records import read_state
from desktop_app.services.results.saved_results import SavedResults
from tests.batch_cases import Stage, make_stage
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY
from ui.app import WindowApp
from ui.dialogs.reject_dialog import RejectDialog
from ui.presenters import batch_presenter

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
ACCEPTED, REJECTED, OPEN = ReviewState.ACCEPTED, ReviewState.REJECTED, ReviewState.OPEN
VOXEL_MM3 = GEOMETRY.voxel_volume_mm3


@pytest.fixture
def stage(tmp_path, monkeypatch) -> Stage:
    return make_stage(tmp_path, monkeypatch)


@pytest.fixture
def app(qtbot, qapp, tmp_path, stage, monkeypatch):
    with composition.build(user_data=tmp_path / "kept") as services:
        monkeypatch.setattr(
            type(services),
            "make_batch",
            lambda _services, _root, _output, options, *, on_case, **_: replaced(
                stage.batch(options), on_case
            ),
        )
        # The batch of these tests writes no labels.
        monkeypatch.setattr(batch_presenter, "can_reopen", lambda _files: True)
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        monkeypatch.setattr(
            app.study, "open_result", lambda study, folder: opened(app, study, folder)
        )
        app.window.show()
        qtbot.waitUntil(app.window.isActiveWindow)
        stage.batch().run()
        app.batch.choose_folders(stage.root, stage.output)
        qtbot.waitUntil(lambda: app.window.batch_page.table.model().rowCount() == 3)
        yield app
        app.window.has_unsaved = lambda: False
        app.window.close()


def replaced(batch, on_case):
    batch._journal._on_case = on_case
    return batch


def opened(app: WindowApp, study, folder: Path, value: int = 3) -> None:
    """Have a study with a result open, as reading it would."""
    session = app.services.session
    session.replace_study(study)
    session.open_study(study)
    session.accept_result(result_of(study, value), session.generation, saved_in=folder)


def result_of(study, value: int = 3, voxels: int = 3):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 1, 1 : 1 + voxels] = value
    return make_result(study, labels)


def review_of(stage: Stage, name: str) -> ReviewState:
    state = read_state(stage.output, name)
    assert state is not None
    return state.review


def open_first(app: WindowApp, qtbot) -> None:
    """Open the first study by keyboard alone."""
    app.window.show_batch_page()
    assert app.window.batch_page.table.hasFocus()
    qtbot.keyClick(app.window.batch_page.table, Qt.Key.Key_Return)
    assert app.window.review_bar.isVisible()


def shown(app: WindowApp) -> str:
    study = app.services.session.study
    return study.name if study is not None else ""


def test_results_are_accepted_and_rejected_by_keys(app, stage, qtbot):
    window, bar = app.window, app.window.review_bar
    open_first(app, qtbot)
    assert (shown(app), bar.text.text()) == ("anna", "Not reviewed yet · 2 more to check")
    qtbot.keyClick(window, Qt.Key.Key_A, CTRL_SHIFT)
    qtbot.waitUntil(lambda: shown(app) == "berta")
    assert review_of(stage, "anna") is ACCEPTED
    qtbot.keyClick(window, Qt.Key.Key_R, CTRL_SHIFT)
    dialog = window.findChild(RejectDialog)
    qtbot.keyClicks(dialog.reason.lineEdit(), "sinus")
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: shown(app) == "cäsar")
    assert bar.text.text() == "Not reviewed yet · nothing else to check"
    with (stage.output / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        told = [(row["review"], row["review_reason"]) for row in csv.DictReader(file)]
    assert told == [("accepted", ""), ("rejected", "sinus"), ("open", "")]
    assert not bar.next.isEnabled()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_A, CTRL_SHIFT)
    qtbot.waitUntil(lambda: bar.text.text() == "Accepted · nothing else to check")
    assert shown(app) == "cäsar"
    table = window.batch_page.table.model()
    assert [table.index(row, 1).data() for row in range(3)] == [
        "done, accepted (earlier)",
        "done, rejected (earlier)",
        "done, accepted (earlier)",
    ]


def test_going_on_says_nothing_and_comes_round_again(app, stage, qtbot):
    open_first(app, qtbot)
    for name in ("berta", "cäsar", "anna"):
        qtbot.keyClick(app.window, Qt.Key.Key_Right, CTRL)
        assert shown(app) == name
    assert {review_of(stage, name) for name in ("anna", "berta", "cäsar")} == {OPEN}


def test_a_rejection_that_is_cancelled_is_none(app, stage, qtbot):
    open_first(app, qtbot)
    app.window.review_bar.reject.click()
    dialog = app.window.findChild(RejectDialog)
    dialog.reason.setEditText("  ")
    assert not dialog._reject.isEnabled()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert (shown(app), review_of(stage, "anna")) == ("anna", OPEN)


def test_the_line_is_there_only_for_studies_of_the_batch_that_is_listed(app, stage, qtbot):
    bar, session = app.window.review_bar, app.services.session
    open_first(app, qtbot)
    app.window.show_batch_page()
    assert not bar.isVisible()
    app.window.show_study_page()
    assert bar.isVisible()
    session.set_studies((replace(stage.studies[1], study_uid="other"),))
    session.open_study(session.studies[0])
    assert not bar.isVisible()
    open_first(app, qtbot)
    app.batch.choose_folders(stage.root, stage.output)
    assert not bar.isVisible()


def test_what_is_corrected_and_exported_counts_as_accepted_only_when_that_is_said(
    app, stage, qtbot
):
    bar, session = app.window.review_bar, app.services.session
    open_first(app, qtbot)
    result = result_of(stage.studies[0], voxels=1)
    session.accept_correction(result)
    export(app, stage, session.chosen)
    qtbot.waitUntil(lambda: enhancing_mm3(stage) == pytest.approx(VOXEL_MM3, abs=0.1))
    assert review_of(stage, "anna") is OPEN
    # Said while the export is still being noted: it counts for what was exported.
    session.accept_correction(result_of(stage.studies[0], voxels=2))
    export(app, stage, session.chosen)
    bar.accept.click()
    qtbot.waitUntil(lambda: shown(app) == "berta")
    assert review_of(stage, "anna") is ACCEPTED
    assert enhancing_mm3(stage) == pytest.approx(2 * VOXEL_MM3, abs=0.1)


def enhancing_mm3(stage: Stage) -> float:
    return float(stage.summary()[0]["ET_mm3"])


def export(app: WindowApp, stage: Stage, result, folder: str = "") -> None:
    session = app.services.session
    where = Path(folder) if folder else stage.output / "anna"
    session.note_written(result, where, session.lineage, holds_labels=True)
    app.batch.note_export(result, SavedResults(where, (where / "measurements.json",)))


def test_unsaved_corrections_are_exported_or_nothing_is_accepted(app, stage, qtbot, monkeypatch):
    open_first(app, qtbot)
    app.services.session.accept_correction(result_of(stage.studies[0], voxels=1))
    offered = []

    def execute(box: QMessageBox) -> int:
        offered.extend(sorted(one.text().replace("&", "") for one in box.buttons()))
        box.button(QMessageBox.StandardButton.Cancel).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", execute)
    app.window.review_bar.accept.click()
    assert offered == ["Cancel", "Export …"]
    assert (shown(app), review_of(stage, "anna")) == ("anna", OPEN)


def test_labels_changed_outside_are_accepted_once_they_are_exported(app, stage, qtbot):
    open_first(app, qtbot)
    bar, session, study = app.window.review_bar, app.services.session, stage.studies[0]
    outside = result_of(study, voxels=1)
    folder = stage.output / "anna"
    session.accept_result(outside, session.generation, saved_in=folder, is_outdated=True)
    assert not session.saved
    assert app.window.study_page.export_note.text.startswith("Changed since the export")
    app.window.has_unsaved = lambda: False
    bar.accept.click()
    assert_refused(app)
    assert review_of(stage, "anna") is OPEN
    export(app, stage, session.chosen)
    bar.accept.click()
    qtbot.waitUntil(lambda: review_of(stage, "anna") is ACCEPTED)
    assert enhancing_mm3(stage) == pytest.approx(VOXEL_MM3, abs=0.1)


def test_another_result_of_the_study_is_not_told_as_the_batchs(app, stage, qtbot, tmp_path):
    open_first(app, qtbot)
    bar, session, study = app.window.review_bar, app.services.session, stage.studies[0]
    session.accept_result(result_of(study), session.generation, saved_in=tmp_path / "elsewhere")
    assert bar.text.text() == "Not the result of the batch · 2 more to check"
    assert not bar.accept.isEnabled()
    # Segmented again: it becomes the batch's by an export to it.
    session.accept_result(result_of(study, voxels=2), session.generation)
    assert not bar.accept.isEnabled()
    export(app, stage, session.chosen)
    assert bar.accept.isEnabled()
    assert bar.text.text() == "Not reviewed yet · 2 more to check"


def test_the_folder_of_the_batch_counts_however_it_is_spelt(app, stage, qtbot):
    open_first(app, qtbot)
    bar, session, study = app.window.review_bar, app.services.session, stage.studies[0]
    spelt = str(stage.output / "berta" / ".." / "anna")
    session.accept_result(result_of(study), session.generation)
    export(app, stage, session.chosen, spelt)
    assert bar.text.text() == "Not reviewed yet · 2 more to check"
    for voxels, folder in ((1, ""), (2, spelt)):
        session.accept_correction(result_of(study, voxels=voxels))
        export(app, stage, session.chosen, folder)
    bar.accept.click()
    qtbot.waitUntil(lambda: review_of(stage, "anna") is ACCEPTED)
    assert enhancing_mm3(stage) == pytest.approx(2 * VOXEL_MM3, abs=0.1)


def test_labels_exported_elsewhere_are_not_accepted_for_the_batchs(app, stage, qtbot, tmp_path):
    open_first(app, qtbot)
    session = app.services.session
    session.accept_correction(result_of(stage.studies[0], voxels=1))
    export(app, stage, session.chosen, str(tmp_path / "elsewhere" / "anna"))
    app.window.review_bar.accept.click()
    assert_refused(app)
    assert (shown(app), review_of(stage, "anna")) == ("anna", OPEN)


def assert_refused(app: WindowApp) -> None:
    told = app.window.findChild(QMessageBox)
    assert "not those of the batch" in told.text()
    told.close()


def test_the_next_one_in_the_order_of_the_review_is_read_ahead(app, stage, qtbot, monkeypatch):
    wanted = []
    reopening = app.study.reopening
    monkeypatch.setattr(reopening, "read_ahead", lambda study, _: wanted.append(study.name))
    monkeypatch.setattr(reopening.ahead, "drop", lambda: wanted.append(""))
    open_first(app, qtbot)
    assert wanted[-1] == "berta"
    qtbot.keyClick(app.window, Qt.Key.Key_A, CTRL_SHIFT)
    qtbot.waitUntil(lambda: wanted[-1] == "cäsar")
    qtbot.keyClick(app.window, Qt.Key.Key_A, CTRL_SHIFT)
    # Nothing else is to check, so nothing is kept.
    qtbot.waitUntil(lambda: shown(app) == "cäsar" and wanted[-1] == "")
