"""What the menus hold, and what they say of it."""

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QMenu, QPushButton, QToolTip

from tests.window_cases import nested_segmentation
from ui.theme import ThemeName
from ui.views.study_view import Actions


def tip_at(action, qapp):
    """Return what is said beside an item of a menu while the pointer rests on it."""
    (menu,) = (one for one in action.associatedObjects() if isinstance(one, QMenu))
    QToolTip.hideText()
    menu.popup(menu.parentWidget().mapToGlobal(menu.parentWidget().rect().center()))
    place = menu.actionGeometry(action).center()
    qapp.sendEvent(menu, QHelpEvent(QEvent.Type.ToolTip, place, menu.mapToGlobal(place)))
    said = QToolTip.text() if QToolTip.isVisible() else ""
    menu.hide()
    return said


@pytest.mark.qt_log_ignore("This plugin does not support")
@pytest.mark.parametrize("name", ["over_time", "compare_earlier", "open_labels"])
def test_what_is_said_of_an_item_is_seen(study_window, qapp, name):
    action = getattr(study_window.menus, name)
    assert tip_at(action, qapp) == action.toolTip()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_an_item_that_says_it_all_has_no_tip(study_window, qapp):
    action = study_window.menus.export
    assert tip_at(action, qapp) == ""


def test_segment_stands_in_the_menu_with_its_key(study_window, qtbot):
    segment = study_window.menus.segment
    study_window.show_actions(Actions(segment=False))
    assert not segment.isEnabled()
    study_window.show_actions(Actions(segment=True))
    study_window._tabs.setCurrentIndex(1)
    with qtbot.waitSignal(study_window.study_page.segment_requested):
        segment.trigger()
    assert study_window._tabs.currentIndex() == 0


@pytest.mark.parametrize("has_result", [False, True])
def test_one_press_of_its_key_segments_once(study_window, qtbot, has_result):
    if has_result:
        study_window.show_segmentation(nested_segmentation())
    study_window.show_actions(Actions(segment=True))
    asked = []
    study_window.study_page.segment_requested.connect(lambda: asked.append(True))
    study_window.activateWindow()
    qtbot.waitUntil(study_window.isActiveWindow)
    qtbot.keyClick(study_window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(asked))
    QCoreApplication.processEvents()
    assert asked == [True]


def test_light_and_dark_stand_under_a_title(study_window):
    view = next(one for one in study_window.menuBar().actions() if one.text() == "&View").menu()
    titles = [one.text() for one in view.actions()]
    appearance = next(one.menu() for one in view.actions() if one.text() == "A&ppearance")
    assert appearance.actions() == list(study_window.menus.themes.values())
    assert set(study_window.menus.themes) == set(ThemeName)
    assert "Dark" not in titles


def test_a_batch_bears_one_name(window):
    name = "Batch of studies"
    offered = {one.text() for one in window.start_page.findChildren(QPushButton)}
    assert f"{name} …" in offered
    (file,) = (one.menu() for one in window.menuBar().actions() if one.text() == "&File")
    assert f"{name} …" in {one.text().replace("&", "") for one in file.actions()}
    assert name in {one.text() for one in window.menus.help.actions()}
    assert name.startswith(window._tabs.tabText(1))
