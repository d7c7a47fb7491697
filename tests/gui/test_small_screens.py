"""The window on small screens: nothing lies beyond the edge, names come back with the room."""

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QToolButton

from desktop_app.domain.segmentation import Region
from tests.follow_up_found import compared
from tests.window_cases import findings_of_one_voxel
from ui.dialogs.follow_up_dialog import FollowUpDialog
from ui.presenters.follow_up_rows import shown_follow_up
from ui.views.correction_view import CorrectionState

# In logical pixels: 1920 x 1080 at 200 %, 1366 x 768 at 125 %, less the title bar.
SMALL = [(960, 505), (1093, 580)]
LIMITS = dict.fromkeys((Region.WT, Region.TC, Region.ET), 0.5)
POSSIBLE = CorrectionState(is_possible=True, is_active=False)
DRAWING = CorrectionState(is_possible=True, is_active=True, limits=LIMITS)


@pytest.fixture
def page(study_window):
    """The page of a study with a result."""
    study_window.study_page.regions.show_findings(findings_of_one_voxel())
    return study_window.study_page


def named(bar):
    """The texts of buttons that are wide enough to show them."""
    return {
        one.text().strip()
        for one in bar.findChildren(QToolButton)
        if one.isVisible() and one.width() > one.fontMetrics().horizontalAdvance(one.text()) + 20
    }


def beyond(window, page):
    """What of the page above the slices lies beyond the edge of the window, or over another."""
    bars = (page.viewer_bar, page.correction_bar, page.limits_bar)
    controls = [
        one
        for bar in bars
        for kind in (QAbstractButton, QAbstractSlider)
        for one in bar.findChildren(kind)
        if one.isVisible()
    ]
    assert len(controls) > 10
    return [
        one.accessibleName() or one.text()
        for one in controls
        if one.mapTo(window, QPoint(one.width(), one.height())).x() > window.width()
        or one.width() < one.minimumSizeHint().width()
    ]


@pytest.mark.parametrize("size", SMALL)
@pytest.mark.parametrize("limits", [False, True])
@pytest.mark.parametrize("state", [POSSIBLE, DRAWING])
def test_the_window_fits_a_small_screen(study_window, page, qtbot, size, limits, state):
    page.correction_bar.limits.setChecked(limits)
    study_window.show_correction(state)
    # The widest left column first
    study_window.resize(1900, 900)
    qtbot.waitUntil(lambda: study_window.width() == 1900)
    study_window.resize(*size)
    qtbot.waitUntil(lambda: (study_window.width(), study_window.height()) == size)
    qtbot.waitUntil(lambda: study_window.minimumSizeHint().width() <= SMALL[0][0])
    qtbot.waitUntil(lambda: study_window.minimumSizeHint().height() <= SMALL[0][1])
    qtbot.waitUntil(lambda: not beyond(study_window, page))


def test_volumes_are_not_cut_on_a_small_screen(study_window, page, qtbot):
    study_window.resize(960, 505)
    qtbot.waitUntil(lambda: study_window.width() == 960)
    seen = page.regions.parentWidget().parentWidget()
    qtbot.waitUntil(lambda: page.regions.width() <= seen.width())
    assert page.regions.minimumSizeHint().width() <= seen.width()


@pytest.mark.parametrize("has_sequences", [False, True])
def test_names_come_back_where_there_is_room(study_window, page, qtbot, has_sequences):
    study_window.show_correction(DRAWING)
    page.viewer_bar.four.setChecked(has_sequences)
    tools = {"Correct", "Sequences", "Ruler"}
    obvious = {"Overlay", "Crosshair", "Contrast", "Reset"}
    study_window.resize(960, 505)
    qtbot.waitUntil(lambda: not named(page.viewer_bar) & (tools | obvious))
    two_rows = 2 * page.correction_bar.tools[0].height()
    qtbot.waitUntil(lambda: page.correction_bar.height() >= two_rows)
    study_window.resize(1280, 700)
    qtbot.waitUntil(lambda: named(page.viewer_bar) >= tools)
    qtbot.waitUntil(lambda: page.correction_bar.height() < two_rows)
    assert not named(page.viewer_bar) & obvious
    study_window.resize(1900, 700)
    qtbot.waitUntil(lambda: named(page.viewer_bar) >= tools | obvious)


def test_buttons_without_a_name_say_what_they_do(study_window, page, qtbot):
    study_window.resize(960, 505)
    qtbot.waitUntil(lambda: "Correct" not in named(page.viewer_bar))
    for one in page.viewer_bar.findChildren(QToolButton):
        assert one.toolTip()
        assert one.accessibleName() or one.text()


@pytest.mark.parametrize("size", SMALL)
def test_a_comparison_fits_a_small_screen(study_window, qtbot, size):
    dialog = FollowUpDialog(shown_follow_up(compared()), study_window)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    dialog.resize(*size)
    qtbot.waitUntil(lambda: (dialog.width(), dialog.height()) == size)
    buttons = [one for one in dialog.findChildren(QAbstractButton) if one.isVisible()]
    assert len(buttons) > 15
    assert [
        one.text()
        for one in buttons
        if not dialog.rect().contains(one.mapTo(dialog, one.rect().bottomRight()))
    ] == []
