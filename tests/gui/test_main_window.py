"""The window as a whole: its notice, its jobs and actions, and what it tells."""

import numpy as np
import pytest
from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox

from desktop_app.domain.preflight import Light
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from tests.study_cases import GEOMETRY
from tests.window_cases import show_study, texts
from ui.dialogs.compare_dialog import CompareDialog
from ui.splash import NOTICE
from ui.views.correction_view import CorrectionState
from ui.views.study_view import Actions, Comparison, JobStatus, StudyHeader, Verdict


def test_says_that_it_is_for_research(window):
    assert NOTICE in texts(window.statusBar())
    assert NOTICE in texts(window.start_page)


def test_a_job_that_ends_leaves_the_study_in_sight(study_window):
    study_window.show_job(JobStatus("Opening", "", -1.0, None))
    study_window.show_job(None)
    assert study_window.study_page.isVisible()
    assert study_window.study_page.sequences.isVisible()


def test_slices_keep_their_size_while_jobs_come_and_go(window, qapp):
    window.resize(1366, 768)
    page, sizes = window.study_page, []
    opening = JobStatus("Opening", "Reading headers", -1.0, None)
    segmenting = JobStatus(
        "Segmenting", "A stage with words for more than one line " * 2, 0.5, 12.0
    )
    for status in (opening, None, segmenting, None):
        if status is None:
            show_study(window)
        window.show_job(status)
        qapp.processEvents()
        assert page.job_bar.isVisible() is (status is not None)
        sizes.append(page.views.size())
    assert len(set(map(QSize.toTuple, sizes))) == 1


def test_a_long_name_leaves_room_for_the_way_to_cancel(study_window, qapp):
    bar = study_window.study_page.job_bar
    name = "GLIASCOPE-SAMPLE-7_20250922_MR-brain-with-contrast_0000001"
    study_window.show_job(JobStatus(f"Opening {name}", f"{name}/{name}.dcm", 0.5, 5000.0))
    qapp.processEvents()
    for widget in (bar, bar._cancel, bar._left):
        parent = widget.parentWidget()
        assert widget.geometry().right() < parent.width()
        assert widget.width() >= widget.minimumSizeHint().width()


def test_a_running_job_locks_the_series_and_can_be_cancelled(study_window, qtbot):
    page = study_window.study_page
    study_window.show_job(JobStatus("Segmenting", "Registering", 0.5, 12.0))
    assert not page.sequences.choice_box(Sequence.T1).isEnabled()
    assert "12 s left" in texts(page.job_bar)
    assert page.job_bar.fraction == pytest.approx(0.5)
    with qtbot.waitSignal(page.job_bar.cancel_requested):
        page.job_bar._cancel.click()
    study_window.show_job(None)
    assert page.sequences.choice_box(Sequence.T1).isEnabled()
    assert not page.job_bar.isVisible()


def test_buttons_follow_what_can_be_done(study_window):
    page = study_window.study_page
    study_window.show_actions(Actions(segment=True, export=False))
    assert page._segment.isEnabled()
    assert not page._export.isEnabled()
    assert not study_window.menus.export.isEnabled()


def test_a_button_that_refuses_says_why(study_window):
    button = study_window.study_page._segment
    usual = button.toolTip()
    refusal = Verdict(Light.POOR, "Cannot be segmented: that takes more.", refuses=True)
    study_window.show_verdict(refusal)
    assert button.toolTip() == refusal.sentence
    study_window.show_verdict(Verdict(Light.POOR, "Can be segmented, but with care."))
    assert button.toolTip() == usual


def test_the_status_line_says_what_a_command_did(study_window):
    told = "Filled 2 axial slices: ET +0.10 cm³."
    study_window.show_correction(CorrectionState(True, True, outcome=told))
    assert study_window._outcome.text() == told
    assert study_window._outcome.isVisibleTo(study_window)
    study_window.show_correction(CorrectionState(True, True))
    assert not study_window._outcome.isVisibleTo(study_window)


def test_images_compared_are_closed_with_their_study(study_window):
    volumes = {
        Sequence.T1C: Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY),
        Sequence.FLAIR: Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY),
    }
    study_window.show_comparison(Comparison(volumes, GEOMETRY, "After registration.", {}))
    study_window.show_comparison(Comparison(volumes, GEOMETRY, "After registration.", {}))
    (dialog,) = (one for one in study_window.findChildren(CompareDialog) if one.isVisible())
    assert study_window.windowTitle() in dialog.windowTitle()
    study_window.show_image(volumes[Sequence.T1C], reference=volumes[Sequence.T1C])
    assert dialog.isVisible()
    study_window.show_study(StudyHeader("Another", "", "", ()), ())
    assert study_window._comparison is None


def test_an_error_shows_what_where_and_what_to_do(window, qtbot):
    window.show_error(InputError("<b>What</b>", "Where", "Remedy"))
    box = window.findChild(QMessageBox)
    assert box.text() == "<b>What</b>"
    assert box.textFormat() is Qt.TextFormat.PlainText
    assert "Where" in box.informativeText()
    assert "Remedy" in box.informativeText()
    box.close()


def test_an_export_offers_to_open_its_folder(window, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    window.show_message("Exported.", ("Folder",), tmp_path)
    box = window.findChild(QMessageBox)
    next(one for one in box.buttons() if one.text() == "Open folder").click()
    assert opened == [QUrl.fromLocalFile(str(tmp_path))]
