from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QFileDialog, QLabel, QMessageBox, QPushButton, QSlider

from desktop_app.domain.preflight import Light
from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.paths import assets_dir
from desktop_app.services.measure import measure
from desktop_app.services.preflight.headers import check_headers
from tests.study_cases import GEOMETRY, PROVENANCE, make_study, roles_of
from ui.dialogs.compare_dialog import CompareDialog
from ui.dialogs.study_dialog import StudyDialog
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.presenters.rows import header_of, region_rows
from ui.presenters.slots import slots_of
from ui.splash import NOTICE
from ui.theme import DARK, LIGHT, apply_theme
from ui.viewers.planes import Plane
from ui.views.correction_view import CorrectionState
from ui.views.study_view import (
    Actions,
    Comparison,
    Findings,
    JobStatus,
    SeriesChoice,
    StudyHeader,
    Verdict,
)

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


def test_a_failed_first_opening_leads_back_to_the_start(window):
    assert window.start_page.isVisible()
    window.show_job(JobStatus("Opening", "", -1.0, None))
    assert window.study_page.isVisible()
    assert not window.study_page.sequences.isVisible()
    window.show_job(None)
    assert window.start_page.isVisible()


def test_a_job_that_ends_leaves_the_study_in_sight(study_window):
    study_window.show_job(JobStatus("Opening", "", -1.0, None))
    study_window.show_job(None)
    assert study_window.study_page.isVisible()
    assert study_window.study_page.sequences.isVisible()


def test_series_can_be_chosen_while_images_are_read_and_not_while_segmenting(study_window):
    box = study_window.study_page.sequences.choice_box(Sequence.T2)
    study_window.show_job(JobStatus("Reading", "", -1.0, None, can_choose=True))
    assert box.isEnabled()
    study_window.show_job(JobStatus("Segmenting", "", -1.0, None))
    assert not box.isEnabled()


@pytest.mark.qt_log_ignore("This plugin does not support")
@pytest.mark.parametrize("does_choose", [True, False])
def test_an_open_drop_down_stays_under_the_hand(study_window, qtbot, does_choose):
    study = make_study()
    box = study_window.study_page.sequences.choice_box(Sequence.T1C)
    other = {**roles_of(study), Sequence.T1C: study.series_by_uid("flair")}
    box.showPopup()
    box.view().setCurrentIndex(box.model().index(0, 0))
    study_window.show_slots(slots_of(study, check_headers(study, other)))
    assert box.view().currentIndex().row() == 0
    assert box.currentData() == "t1c"
    key = Qt.Key.Key_Return if does_choose else Qt.Key.Key_Escape
    with qtbot.waitSignal(box.closed):
        qtbot.keyClick(box.view(), key)
    if does_choose:
        assert box.currentData() == "flair"
    else:
        qtbot.waitUntil(lambda: box.currentData() == "flair")


def test_the_same_choices_are_not_made_anew(study_window):
    study = make_study()
    box = study_window.study_page.sequences.choice_box(Sequence.T1C)
    box.setItemData(0, "mine", Qt.ItemDataRole.ToolTipRole)
    study_window.show_slots(slots_of(study, check_headers(study, roles_of(study))))
    assert box.itemData(0, Qt.ItemDataRole.ToolTipRole) == "mine"


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


def test_other_series_are_offered_and_said_not_to_be_used(study_window, qtbot):
    bar = study_window.study_page.viewer_bar
    assert not bar.others.isEnabled()
    choices = (SeriesChoice("swi", "9: SWI & mIP"), SeriesChoice("dwi", "7: DWI"))
    study_window.show_other_series(choices, "swi", "Not used for segmentation")
    assert [(one.text(), one.isChecked()) for one in bar.others.menu().actions()] == [
        ("9: SWI && mIP", True),
        ("7: DWI", False),
    ]
    assert "Not used for segmentation   ·   " in texts(study_window.statusBar())
    with qtbot.waitSignal(bar.series_chosen) as chosen:
        bar.others.menu().actions()[1].trigger()
    assert chosen.args == ["dwi"]


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_an_open_menu_of_other_series_changes_only_once_it_is_closed(study_window, qtbot):
    others = study_window.study_page.viewer_bar.others
    others.show_choices((SeriesChoice("swi", "9: SWI"),), "")
    menu = others.menu()
    menu.popup(others.mapToGlobal(others.rect().bottomLeft()))
    others.show_choices((SeriesChoice("dwi", "7: DWI"),), "dwi")
    assert [one.text() for one in menu.actions()] == ["9: SWI"]
    with qtbot.waitSignal(others.series_chosen) as chosen:
        qtbot.mouseClick(
            menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(menu.actions()[0]).center()
        )
    assert chosen.args == ["swi"]
    qtbot.waitUntil(lambda: [one.text() for one in menu.actions()] == ["7: DWI"])
    assert menu.actions()[0].isChecked()


def test_the_crosshair_stays_where_the_grid_changes(study_window):
    views = study_window.study_page.views
    views.go_to((1.0, 1.0, 5.0))
    finer = replace(GEOMETRY, shape_kji=(8, 5, 6), affine_lps_mm=np.diag([1.0, 1.0, 2.5, 1.0]))
    study_window.show_image(None, reference=Volume(np.zeros(finer.shape_kji, np.float32), finer))
    assert views.cursor_lps_mm == pytest.approx((1, 1, 5))
    far = replace(GEOMETRY, affine_lps_mm=np.diag([1.0, 1.0, 5.0, 1.0]) + 100 * np.eye(4, k=3))
    study_window.show_image(None, reference=Volume(np.zeros(far.shape_kji, np.float32), far))
    assert views.cursor_lps_mm[0] > 50


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
    findings = Findings(region_rows(segmentation, measure(segmentation)))
    regions = study_window.study_page.regions
    study_window.show_findings(findings)
    enhancing = next(one for one in regions.findChildren(QCheckBox) if "(ET)" in one.text())
    with qtbot.waitSignal(regions.visibility_changed) as changed:
        enhancing.click()
    assert changed.args == [3, False]
    study_window.show_findings(findings)
    fresh = [one for one in regions.findChildren(QCheckBox) if "(ET)" in one.text()][-1]
    assert not fresh.isChecked()


def test_nothing_stays_hidden_for_the_next_result_or_the_tool_in_hand(study_window):
    page = study_window.study_page
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    rows = region_rows(Segmentation(labels, GEOMETRY, PROVENANCE), ())
    study_window.show_findings(Findings(rows))
    box = next(one for one in page.regions.findChildren(QCheckBox) if "(ET)" in one.text())
    slider = page.regions.findChild(QSlider)
    box.setChecked(False)
    slider.setValue(0)
    assert page.views.overlay_style.hidden == {3}
    study_window.show_segmentation(Segmentation(labels, GEOMETRY, PROVENANCE))
    assert not page.views.overlay_style.hidden
    assert page.views.overlay_style.opacity > 0
    assert box.isChecked()
    study_window.show_correction(CorrectionState(True, True, "", ""))
    page.correction_bar._tools.button(1).click()
    value = page.correction_bar.settings().value
    box.setChecked(False)
    page.correction_bar._tools.button(2).click()
    assert value not in page.views.overlay_style.hidden


def test_the_status_line_says_what_a_command_did(study_window):
    told = "Filled 2 axial slices: ET +0.10 cm³."
    study_window.show_correction(CorrectionState(True, True, outcome=told))
    assert study_window._outcome.text() == told
    assert study_window._outcome.isVisibleTo(study_window)
    study_window.show_correction(CorrectionState(True, True))
    assert not study_window._outcome.isVisibleTo(study_window)


def test_what_is_hidden_is_not_corrected(study_window):
    page = study_window.study_page
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    study_window.show_findings(
        Findings(region_rows(Segmentation(labels, GEOMETRY, PROVENANCE), ()))
    )
    box = next(one for one in page.regions.findChildren(QCheckBox) if "(ED)" in one.text())
    box.setChecked(False)
    assert page.correction_bar.settings().hidden == {2}
    study_window.show_segmentation(Segmentation(labels, GEOMETRY, PROVENANCE))
    assert not page.correction_bar.settings().hidden


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


@pytest.mark.parametrize("has_result", [False, True])
def test_the_next_step_is_in_sight_on_a_small_screen(study_window, qtbot, has_result):
    study_window.resize(1280, 600)
    page = study_window.study_page
    page.show_header(StudyHeader("W" * 90, "MR brain " * 9, "3 items were left out."))
    if has_result:
        study_window.show_segmentation(nested_segmentation())
        page.sequences.set_folded(False)
    (button,) = (one for one in buttons_of(page) if one.property("kind") == "primary")
    assert button.text() == ("Export …" if has_result else "Segment")
    last = page.sequences.checks_button
    qtbot.waitUntil(lambda: last.visibleRegion().boundingRect() != last.rect())
    qtbot.waitUntil(lambda: button.visibleRegion().boundingRect() == button.rect())


def buttons_of(page):
    return page.findChildren(QPushButton)


def test_a_button_that_refuses_says_why(study_window):
    (button,) = (one for one in buttons_of(study_window.study_page) if one.text() == "Segment")
    usual = button.toolTip()
    refusal = Verdict(Light.POOR, "Cannot be segmented: that takes more.", refuses=True)
    study_window.show_verdict(refusal)
    assert button.toolTip() == refusal.sentence
    study_window.show_verdict(Verdict(Light.POOR, "Can be segmented, but with care."))
    assert button.toolTip() == usual


def test_more_room_shows_more_of_a_series_name(study_window, qtbot):
    page = study_window.study_page
    for width, expected in ((1366, 392), (1700, 425), (2400, 460), (1300, 392)):
        study_window.resize(width, 700)
        qtbot.waitUntil(lambda wanted=expected: page._column.width() == wanted)


def test_a_long_name_shows_its_end_and_gives_way_before_it(study_window):
    box = study_window.study_page.sequences.choice_box(Sequence.T1C)
    box.clear()
    name = "5: KM Kopf neuroonko standard t1_tra_gd"
    box.add_choice(f"{name}, 09:31 (256×256×176, 1.0 mm)", "1", (f"{name}, 09:31", name))
    assert box.shown_text.startswith("5: KM")
    assert box.shown_text.endswith("_gd")
    box.clear()
    box.add_choice("5: t1_gd, 09:31 (256×256×176, 1.0 mm)", "1", ("5: t1_gd, 09:31", "5: t1_gd"))
    assert box.shown_text == "5: t1_gd, 09:31"


def test_the_tab_order_names_what_it_stops_at(study_window):
    stops, widget = [], study_window
    while (widget := widget.nextInFocusChain()) is not study_window:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            stops.append(widget)
    for widget in stops:
        named = widget.accessibleName() or getattr(widget, "text", str)()
        assert named, widget


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_focus_is_seen_on_what_is_chosen(study_window, qtbot, qapp, theme):
    apply_theme(qapp, theme, assets_dir() / "styles" / "gliascope.qss")
    bar = study_window.study_page.viewer_bar
    bar.show_sequences(tuple(Sequence), Sequence.T1C)
    for button in (bar._buttons[Sequence.T1C], bar.overlay):
        assert button.isChecked()
        study_window.study_page.views.first_view.setFocus()
        before = button.grab().toImage()
        button.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.waitUntil(button.hasFocus)
        after = button.grab().toImage()
        middle = button.width() // 2
        edge = [(x, 1) for x in range(middle - 5, middle + 5)]
        assert all(before.pixel(x, y) != after.pixel(x, y) for x, y in edge), button.text()


def test_an_error_shows_what_where_and_what_to_do(window, qtbot):
    window.show_error(InputError("<b>What</b>", "Where", "Remedy"))
    box = window.findChild(QMessageBox)
    assert box.text() == "<b>What</b>"
    assert box.textFormat() is Qt.TextFormat.PlainText
    assert "Where" in box.informativeText()
    assert "Remedy" in box.informativeText()
    box.close()


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


def test_studies_are_offered_with_readable_names_and_dates(window, qtbot):
    dialog = StudyDialog((make_study(), make_study(name="other")), window)
    qtbot.addWidget(dialog)
    assert dialog._table.accessibleName()
    cells = [dialog._table.item(0, column).text() for column in (0, 1)]
    assert cells == ["Müller, Änne · ID7", "2026-01-31"]


def findings_of_one_voxel(**others) -> Findings:
    segmentation = nested_segmentation()
    return Findings(region_rows(segmentation, measure(segmentation)), **others)


def shown_texts(widget):
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]


def test_there_is_no_panel_of_results_before_there_are_results(study_window):
    regions = study_window.study_page.regions
    assert not regions.isVisible()
    study_window.show_findings(findings_of_one_voxel(origin="Network x on CPU"))
    assert "Network x on CPU" in shown_texts(regions)
    study_window.show_findings(None)
    assert not regions.isVisible()


def test_a_small_volume_is_not_shown_as_nothing(study_window):
    study_window.show_findings(findings_of_one_voxel())
    assert "< 0.01 cm³" in texts(study_window.study_page.regions)


def test_no_tumour_found_cannot_be_missed(study_window, qtbot):
    regions = study_window.study_page.regions
    study_window.show_findings(findings_of_one_voxel())
    study_window.show_findings(Findings((), "No tumour found", "Look yourself."))
    headline = next(one for one in regions.findChildren(QLabel) if one.text() == "No tumour found")
    assert headline.isVisible()
    assert headline.font().pointSizeF() >= 14
    assert "Look yourself." in shown_texts(regions)
    assert regions.findChildren(QCheckBox, options=Qt.FindChildOption.FindDirectChildrenOnly) == []
    assert not any(box.isVisible() for box in regions.findChildren(QCheckBox))
    study_window.show_findings(findings_of_one_voxel())
    assert not headline.isVisible()
    assert any(box.isVisible() for box in regions.findChildren(QCheckBox))


def test_warnings_of_a_result_stand_out_and_go_with_it(study_window, qtbot):
    regions = study_window.study_page.regions
    study_window.show_findings(findings_of_one_voxel(warnings=("T2 is missing.",)))
    told = {"T2 is missing.", Light.FAIR.sign}
    qtbot.waitUntil(lambda: told <= set(shown_texts(regions)))
    study_window.show_findings(findings_of_one_voxel())
    assert "T2 is missing." not in shown_texts(regions)


def test_the_button_for_the_next_step_stands_out(study_window):
    def primary():
        buttons = study_window.study_page.findChildren(QPushButton)
        return [one.text() for one in buttons if one.property("kind") == "primary"]

    assert primary() == ["Segment"]
    study_window.show_segmentation(nested_segmentation())
    assert primary() == ["Export …"]
    study_window.show_segmentation(None)
    assert primary() == ["Segment"]


def test_the_wheel_over_a_series_does_not_choose_another(study_window, qtbot):
    box = study_window.study_page.sequences.choice_box(Sequence.T2)
    before = box.currentIndex()
    middle = QPointF(box.rect().center())
    wheel = QWheelEvent(
        middle,
        QPointF(box.mapToGlobal(box.rect().center())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    with qtbot.assertNotEmitted(study_window.study_page.sequences.role_changed):
        box.wheelEvent(wheel)
    assert box.currentIndex() == before
    assert not wheel.isAccepted()


def test_keys_scroll_slices_as_soon_as_a_study_is_open(study_window, qtbot):
    axial = study_window.study_page.views.slice_views[Plane.AXIAL]
    qtbot.waitUntil(axial.hasFocus)
    step = axial.step
    qtbot.keyClick(study_window.focusWidget(), Qt.Key.Key_Up)
    assert axial.step == step + 1


def test_overlay_and_crosshair_can_be_switched_wherever_the_focus_is(study_window, qtbot):
    views = study_window.study_page.views
    axial = views.slice_views[Plane.AXIAL]
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[:] = 3
    study_window.show_segmentation(Segmentation(labels, GEOMETRY, PROVENANCE))
    study_window.study_page.sequences.checks_button.setFocus()
    both = axial.grab().toImage()
    qtbot.keyClick(study_window.focusWidget(), Qt.Key.Key_X)
    qtbot.waitUntil(lambda: axial.grab().toImage() != both)
    coloured = axial.grab().toImage()
    qtbot.keyClick(study_window.focusWidget(), Qt.Key.Key_O)
    qtbot.waitUntil(lambda: axial.grab().toImage() != coloured)
    # Another result is seen, whatever was hidden before.
    study_window.show_segmentation(Segmentation(labels, GEOMETRY, PROVENANCE))
    assert axial.grab().toImage() == coloured


def test_long_names_do_not_widen_the_column(study_window):
    page = study_window.study_page
    for name in ("W" * 120, "欧阳" * 40):
        page.show_header(StudyHeader(name, name))
        assert page._title.minimumSizeHint().width() < 200
        assert page._title.toolTip() == name


def test_an_export_offers_to_open_its_folder(window, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    window.show_message("Exported.", ("Folder",), tmp_path)
    box = window.findChild(QMessageBox)
    next(one for one in box.buttons() if one.text() == "Open folder").click()
    assert opened == [QUrl.fromLocalFile(str(tmp_path))]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_of_text_reads_well(theme):
    def luminance(colour):
        channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    def contrast(one, other):
        dark, bright = sorted((luminance(one), luminance(other)))
        return (bright + 0.05) / (dark + 0.05)

    for name in ("text", "muted", "accent", "good", "fair", "poor"):
        for ground in (theme.panel, theme.window):
            assert contrast(getattr(theme, name), ground) >= 4.5, name
    assert contrast(theme.on_accent, theme.accent) >= 4.5


def test_tab_goes_down_the_column_and_then_to_the_views(study_window, qtbot):
    page = study_window.study_page
    study_window.show_segmentation(nested_segmentation())
    for _ in range(2):
        study_window.show_findings(findings_of_one_voxel())
    study_window.show_actions(Actions(segment=True, export=True))
    boxes = page.regions._boxes
    qtbot.waitUntil(lambda: all(box.isVisible() for box in boxes))
    first = page.sequences.checks_button
    order, widget = [first], first
    while (widget := widget.nextInFocusChain()) is not first:
        if widget.isVisibleTo(page) and widget.isEnabled() and widget.parent() is not None:
            order.append(widget)
    regions = page.regions
    controls = (regions._opacity, regions._outline, page._segment, page._export)
    expected = [first, *boxes, *controls, *page.views.views]
    places = [order.index(one) for one in expected]
    assert places == sorted(places)


def test_a_long_sentence_of_a_series_is_not_cut(study_window, qtbot):
    panel = study_window.study_page.sequences
    slots = tuple(
        replace(slot, sentence="From the words of its description. " * repeats)
        for repeats, slot in enumerate(panel._slots, start=1)
    )
    panel.show_slots(slots)
    labels = [row.sentence for row in panel._rows.values()]
    qtbot.waitUntil(lambda: all(one.height() >= one.heightForWidth(one.width()) for one in labels))


def test_sentences_are_whole_at_once_and_preparing_moves_nothing(study_window, qtbot):
    panel = study_window.study_page.sequences
    qtbot.waitUntil(lambda: panel.height() == panel.heightForWidth(panel.width()))
    slots = tuple(replace(slot, sentence="From its words. " * 9) for slot in panel._slots)
    panel.show_slots(slots)
    labels = [row.sentence for row in panel._rows.values()]
    assert all(one.height() >= one.heightForWidth(one.width()) for one in labels)
    panel.show_verdict(Verdict(Light.FAIR, "Ready to segment; please check FLAIR."))
    height, before = panel.height(), set(shown_texts(panel))
    panel.show_verdict(
        Verdict(Light.FAIR, "Ready to segment; please check FLAIR.", is_looking=True)
    )
    assert set(shown_texts(panel)) - before == {"Preparing the images …"}
    qtbot.wait(50)
    assert panel.height() == height
    assert all(one.height() >= one.heightForWidth(one.width()) for one in labels)
