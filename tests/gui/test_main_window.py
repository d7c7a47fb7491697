from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QMessageBox, QPushButton

from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.paths import assets_dir
from desktop_app.services.measure import measure
from desktop_app.services.preflight.headers import check_headers
from tests.study_cases import GEOMETRY, PROVENANCE, make_study, roles_of
from ui.dialogs.study_dialog import StudyDialog
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.presenters.rows import header_of, region_rows
from ui.presenters.slots import slots_of
from ui.splash import NOTICE
from ui.theme import DARK, LIGHT, apply_theme
from ui.views.study_view import Actions, JobStatus

IMAGE = Volume(np.arange(120, dtype=np.float32).reshape(GEOMETRY.shape_kji), GEOMETRY)


@pytest.fixture
def window(qtbot, qapp):
    apply_theme(qapp, LIGHT, assets_dir() / "styles" / "gliascope.qss")
    window = MainWindow(Icons(assets_dir() / "icons"))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


@pytest.fixture
def study_window(window):
    study = make_study()
    window.show_study(header_of(study), slots_of(study, check_headers(study, roles_of(study))))
    window.show_image(IMAGE, reference=IMAGE)
    return window


def texts(widget):
    return [label.text() for label in widget.findChildren(QLabel)]


def test_says_that_it_is_for_research(window):
    assert NOTICE in texts(window.statusBar())
    assert NOTICE in texts(window.start_page)


def test_a_dropped_folder_is_opened(window, qtbot, tmp_path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    drop = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    with qtbot.waitSignal(window.path_opened) as opened:
        window.dropEvent(drop)
    assert opened.args == [tmp_path]


def test_choosing_a_series_reports_sequence_and_uid(study_window, qtbot):
    box = study_window.study_page.sequences.choice_box(Sequence.T2)
    with qtbot.waitSignal(study_window.study_page.sequences.role_changed) as changed:
        box.setCurrentIndex(2)
        box.activated.emit(2)
    assert changed.args == [Sequence.T2, "flair"]


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


def test_a_region_stays_hidden_when_the_table_is_filled_again(study_window, qtbot):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 2, 3] = 3
    segmentation = Segmentation(labels, GEOMETRY, PROVENANCE)
    rows = region_rows(segmentation, measure(segmentation))
    regions = study_window.study_page.regions
    study_window.show_regions(rows, ())
    enhancing = next(one for one in regions.findChildren(QCheckBox) if "(ET)" in one.text())
    with qtbot.waitSignal(regions.visibility_changed) as changed:
        enhancing.click()
    assert changed.args == [3, False]
    study_window.show_regions(rows, ())
    fresh = [one for one in regions.findChildren(QCheckBox) if "(ET)" in one.text()][-1]
    assert not fresh.isChecked()


def test_labels_turn_the_views_to_the_tumour(study_window):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[3, 1, 4] = 2
    study_window.show_segmentation(Segmentation(labels, GEOMETRY, PROVENANCE))
    cursor = study_window.study_page.views.cursor_lps_mm
    np.testing.assert_allclose(cursor, GEOMETRY.to_patient_mm(np.array([3.0, 1.0, 4.0])))


def nested_segmentation() -> Segmentation:
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 2, 3] = 3
    return Segmentation(labels, GEOMETRY, PROVENANCE)


def test_the_sequences_fold_up_when_there_is_a_result(study_window):
    panel = study_window.study_page.sequences
    box = panel.choice_box(Sequence.T1C)
    assert box.isVisible()
    study_window.show_segmentation(nested_segmentation())
    assert panel.is_folded
    assert not box.isVisible()
    # Unfolded by the user, they stay so until there is another result.
    panel.set_folded(False)
    study_window.show_segmentation(nested_segmentation())
    assert box.isVisible()
    study_window.show_segmentation(None)
    study_window.show_segmentation(nested_segmentation())
    assert panel.is_folded


def test_export_is_in_sight_on_a_small_screen(study_window, qtbot):
    study_window.resize(1280, 720)
    study_window.show_segmentation(nested_segmentation())
    (button,) = (one for one in study_window.findChildren(QPushButton) if "Export" in one.text())
    qtbot.waitUntil(lambda: not button.visibleRegion().isEmpty())
    assert button.visibleRegion().boundingRect() == button.rect()


def test_an_error_shows_what_where_and_what_to_do(window, qtbot):
    window.show_error(InputError("<b>What</b>", "Where", "Remedy"))
    box = window.findChild(QMessageBox)
    assert box.text() == "<b>What</b>"
    assert box.textFormat() is Qt.TextFormat.PlainText
    assert "Where" in box.informativeText()
    assert "Remedy" in box.informativeText()
    box.close()


def test_closing_with_an_unsaved_result_asks_first(window, monkeypatch, qtbot):
    window.has_unsaved = lambda: True
    answers = iter([QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    stay, leave = QCloseEvent(), QCloseEvent()
    window.closeEvent(stay)
    assert not stay.isAccepted()
    with qtbot.waitSignal(window.close_asked):
        window.closeEvent(leave)
    assert leave.isAccepted()
    window.has_unsaved = lambda: False


def test_icons_follow_the_theme(window, qapp):
    def ink():
        image = window.study_page.viewer_bar._tools[1][0].icon().pixmap(32, 32).toImage()
        opaque = [
            image.pixelColor(x, y).lightness()
            for x in range(32)
            for y in range(32)
            if image.pixelColor(x, y).alpha() > 200
        ]
        return float(np.mean(opaque))

    dark_ink = ink()
    apply_theme(qapp, DARK, assets_dir() / "styles" / "gliascope.qss")
    qapp.processEvents()
    assert ink() > dark_ink + 100


def test_the_folder_of_the_last_study_is_remembered(window):
    window.open_path(Path("somewhere") / "study")
    assert window.last_folder == "somewhere"


def test_opening_another_study_keeps_an_unsaved_result_unless_told(window, monkeypatch, tmp_path):
    opened = []
    window.path_opened.connect(opened.append)
    window.has_unsaved = lambda: True
    answers = iter([QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    window.open_path(tmp_path)
    assert opened == []
    window.open_path(tmp_path)
    assert opened == [tmp_path]
    window.has_unsaved = lambda: False


def test_studies_are_offered_with_readable_names_and_dates(window, qtbot):
    dialog = StudyDialog((make_study(), make_study(name="other")), window)
    qtbot.addWidget(dialog)
    cells = [dialog._table.item(0, column).text() for column in (0, 1)]
    assert cells == ["Müller, Änne · ID7", "2026-01-31"]
