"""How the window looks and is walked through: colours, icons, focus, and the next step."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QPushButton

from desktop_app.domain.study import Sequence
from desktop_app.paths import assets_dir
from tests.window_cases import buttons_of, contrast, findings_of_one_voxel, nested_segmentation
from ui.theme import DARK, LIGHT, apply_theme
from ui.views.study_view import Actions, StudyHeader


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_of_text_reads_well(theme):
    for name in ("text", "muted", "accent", "good", "fair", "poor"):
        for ground in (theme.panel, theme.window):
            assert contrast(QColor(getattr(theme, name)), QColor(ground)) >= 4.5, name
    assert contrast(QColor(theme.on_accent), QColor(theme.accent)) >= 4.5


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


def test_the_tab_order_names_what_it_stops_at(study_window):
    stops, widget = [], study_window
    while (widget := widget.nextInFocusChain()) is not study_window:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            stops.append(widget)
    for widget in stops:
        named = widget.accessibleName() or getattr(widget, "text", str)()
        assert named, widget


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


def test_the_button_for_the_next_step_stands_out(study_window):
    def primary():
        buttons = study_window.study_page.findChildren(QPushButton)
        return [one.text().strip() for one in buttons if one.property("kind") == "primary"]

    assert primary() == ["Segment"]
    study_window.show_segmentation(nested_segmentation())
    assert primary() == ["Export …"]
    study_window.show_segmentation(None)
    assert primary() == ["Segment"]


@pytest.mark.parametrize("has_result", [False, True])
def test_the_next_step_is_in_sight_on_a_small_screen(study_window, qtbot, has_result):
    study_window.resize(1280, 600)
    page = study_window.study_page
    page.show_header(StudyHeader("W" * 90, "MR brain " * 9, "3 items were left out."))
    if has_result:
        study_window.show_segmentation(nested_segmentation())
        page.sequences.set_folded(False)
    (button,) = (one for one in buttons_of(page) if one.property("kind") == "primary")
    assert button.text().strip() == ("Export …" if has_result else "Segment")
    last = page.sequences.checks_button
    qtbot.waitUntil(lambda: last.visibleRegion().boundingRect() != last.rect())
    qtbot.waitUntil(lambda: button.visibleRegion().boundingRect() == button.rect())
