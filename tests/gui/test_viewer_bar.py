"""The bar above the views and the views' keys: other series, slices, overlay and crosshair."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from tests.study_cases import GEOMETRY, PROVENANCE
from tests.window_cases import IMAGE, texts
from ui.viewers.planes import Plane
from ui.views.correction_view import CorrectionState
from ui.views.study_view import SeriesChoice


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


def test_labels_turn_the_views_to_the_tumour(study_window):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[3, 1, 4] = 2
    study_window.show_segmentation(Segmentation(labels, GEOMETRY, PROVENANCE))
    cursor = study_window.study_page.views.cursor_lps_mm
    np.testing.assert_allclose(cursor, GEOMETRY.to_patient_mm(np.array([3.0, 1.0, 4.0])))


def test_keys_scroll_slices_as_soon_as_a_study_is_open(study_window, qtbot):
    axial = study_window.study_page.views.slice_views[Plane.AXIAL]
    qtbot.waitUntil(axial.hasFocus)
    step = axial.step
    qtbot.keyClick(study_window.focusWidget(), Qt.Key.Key_Up)
    assert axial.step == step + 1


def test_keys_of_the_bar_act_at_once(study_window):
    bar = study_window.study_page.viewer_bar
    bar.show_sequences((Sequence.T1C, Sequence.FLAIR), Sequence.T1C)
    bar.show_correction(CorrectionState(is_possible=True, is_active=False))
    chosen, asked = [], []
    bar.sequence_chosen.connect(chosen.append)
    bar.correction_toggled.connect(asked.append)
    axial = study_window.study_page.views.slice_views[Plane.AXIAL]
    # T1 is not there, and its key does nothing
    for key in (Qt.Key.Key_1, Qt.Key.Key_4, Qt.Key.Key_E, Qt.Key.Key_E):
        QTest.keyClick(axial, key)
    assert chosen == [Sequence.FLAIR]
    assert asked == [True, False]
    for key, button in (
        (Qt.Key.Key_D, bar.ruler),
        (Qt.Key.Key_O, bar.overlay),
        (Qt.Key.Key_S, bar.four),
    ):
        before = button.isChecked()
        QTest.keyClick(axial, key)
        assert button.isChecked() is not before


def test_no_two_tools_above_the_slices_look_alike(study_window):
    page = study_window.study_page
    page.show_correction(CorrectionState(is_possible=True, is_active=True))
    seen = []
    for button in (page.viewer_bar.overlay, page.viewer_bar.crosshair, *page.correction_bar.tools):
        picture = button.icon().pixmap(32, 32).toImage()
        assert not picture.isNull()
        assert picture not in seen
        seen.append(picture)


def test_tools_wait_for_an_image(study_window):
    bar = study_window.study_page.viewer_bar
    names = ("All sequences in one plane", "Measure in millimetres", "Show or hide the regions")
    names += ("Show or hide the crosshair", "Choose window and level anew")
    names += ("Show all views whole again",)
    tools = [one for one in bar.findChildren(QToolButton) if one.accessibleName() in names]
    assert [one.isEnabled() for one in tools] == [True] * len(names)
    study_window.show_image(None, reference=None)
    assert not any(one.isEnabled() for one in tools)
    study_window.show_image(IMAGE, reference=IMAGE)
    assert all(one.isEnabled() for one in tools)


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


def test_every_tool_has_an_icon_of_its_own(study_window):
    page = study_window.study_page
    tools = [tool for tool, _ in page.viewer_bar._tools]
    tools += [tool for tool, _ in page.correction_bar._with_icon]
    pictures = [tool.icon().pixmap(24, 24).toImage() for tool in tools]
    alike = [
        (one.accessibleName(), other.accessibleName())
        for (one, first), (other, second) in combinations(zip(tools, pictures, strict=True), 2)
        if first == second
    ]
    assert alike == []
