"""Drawing over the slices: what reaches the labels, and what the user sees of it."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from desktop_app.domain.correction import PaintOver, Tool, ToolSettings
from desktop_app.paths import assets_dir
from tests.viewer_cases import drag, lesion_lps_mm, oblique_geometry, phantom
from ui.icons import Icons
from ui.panels.correction_bar import CorrectionBar
from ui.viewers import annotations
from ui.viewers.planes import Plane
from ui.viewers.quad_view import QuadView
from ui.views.correction_view import CorrectionState

GEOMETRY = oblique_geometry()
BRUSH = ToolSettings(Tool.BRUSH, 3, 3.0)
OUTLINE = ToolSettings(Tool.OUTLINE, 3, 3.0)


class Board:
    """Four views over labels that turn 3 where the pointer goes; notes what it is told."""

    def __init__(self, quad):
        self.quad = quad
        self.labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
        self.told = []
        quad.stroke_began.connect(self._began)
        quad.stroke_moved.connect(self._moved)
        quad.stroke_ended.connect(lambda: self.told.append("ended"))
        quad.stroke_cancelled.connect(lambda: self.told.append("cancelled"))
        quad.set_live_labels(self.labels, GEOMETRY)

    def _began(self, point, normal, erases):
        self.told.append(("began", np.round(normal, 3).tolist(), erases))
        self._moved(point)

    def _moved(self, point):
        self.told.append("moved")
        self.labels[tuple(np.rint(GEOMETRY.to_index_kji(point)).astype(int))] = 3
        self.quad.refresh_labels()


@pytest.fixture
def board(qtbot):
    quad = QuadView()
    qtbot.addWidget(quad)
    quad.resize(700, 640)
    quad.set_reference(GEOMETRY)
    quad.set_image(phantom(GEOMETRY))
    quad.set_cursor(lesion_lps_mm())
    with qtbot.waitExposed(quad):
        quad.show()
    yield Board(quad)
    quad.close()


def picture(view):
    return view.grab().toImage()


@pytest.mark.parametrize("plane", list(Plane), ids=lambda plane: plane.title)
def test_a_drag_with_a_tool_is_a_stroke_through_the_labels_on_that_slice(board, plane):
    view = board.quad.slice_views[plane]
    board.quad.set_tool(BRUSH)
    before = board.quad.cursor_lps_mm.copy()
    at = view.position_of(lesion_lps_mm())
    drag(view, Qt.MouseButton.LeftButton, at, at + QPointF(20, 0))
    assert board.told[0] == ("began", np.round(view.frame.axes_lps[:, 2], 3).tolist(), False)
    assert board.told[-1] == "ended"
    assert board.told.count("moved") >= 2
    assert board.labels[tuple(np.rint(GEOMETRY.to_index_kji(lesion_lps_mm())).astype(int))] == 3
    assert board.quad.cursor_lps_mm == pytest.approx(before)


def test_labels_changed_in_place_are_seen_in_all_slices(board):
    board.quad.set_crosshair_visible(False)
    views = board.quad.slice_views.values()
    before = [picture(view) for view in views]
    board.labels[:] = 2
    assert [picture(view) for view in views] == before
    board.quad.refresh_labels()
    assert all(picture(view) != one for view, one in zip(views, before, strict=True))


def test_what_was_before_is_outlined_on_demand(board):
    board.quad.set_crosshair_visible(False)
    views = board.quad.slice_views.values()
    before = np.zeros(GEOMETRY.shape_kji, np.uint8)
    before[tuple(slice(size // 4, -size // 4) for size in before.shape)] = 2
    plain = [picture(view) for view in views]
    board.quad.set_labels_before(before, GEOMETRY)
    assert [picture(view) for view in views] == plain
    board.quad.set_before_visible(True)
    assert all(picture(view) != one for view, one in zip(views, plain, strict=True))
    board.quad.set_labels(None, None, ())
    assert [picture(view) for view in views] == plain


def test_without_a_tool_the_crosshair_moves_and_nothing_is_drawn(board):
    view = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(BRUSH)
    board.quad.set_tool(None)
    drag(view, Qt.MouseButton.LeftButton, QPointF(100, 100), QPointF(120, 110))
    assert not board.told


def test_ctrl_erases_and_other_buttons_keep_their_meaning(board):
    view = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(BRUSH)
    ctrl = Qt.KeyboardModifier.ControlModifier
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, ctrl, QPoint(150, 150))
    assert board.told[0][2] is True
    board.told.clear()
    window = board.quad.window_level
    drag(view, Qt.MouseButton.RightButton, QPointF(100, 100), QPointF(150, 80))
    assert board.quad.window_level != window
    drag(view, Qt.MouseButton.MiddleButton, QPointF(100, 100), QPointF(150, 80))
    assert not board.told


def test_dabs_in_quick_succession_are_dabs_and_no_double_click(board):
    view = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(BRUSH)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    assert board.told.count("ended") == 2
    assert board.quad.maximised is None


def test_taking_the_tool_away_ends_the_stroke(board):
    view = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(BRUSH)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    board.quad.set_tool(None)
    assert board.told[-1] == "ended"
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    assert board.told.count("ended") == 1


@pytest.mark.parametrize("tool", [Tool.BRUSH, Tool.OUTLINE])
def test_the_tool_is_seen_under_the_pointer(board, tool):
    view = board.quad.slice_views[Plane.AXIAL]
    QTest.mouseMove(view, QPoint(90, 90))
    before = picture(view)
    board.quad.set_tool(ToolSettings(tool, 1, 6.0))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    QTest.mouseMove(view, QPoint(170, 150))
    QTest.mouseMove(view, QPoint(170, 170))
    board.labels[:] = 0
    board.quad.refresh_labels()
    assert picture(view) != before
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(170, 170))


def wheel(view, delta, modifier=Qt.KeyboardModifier.NoModifier):
    at = QPointF(150, 150)
    event = QWheelEvent(
        at,
        view.mapToGlobal(at),
        QPoint(),
        delta,
        Qt.MouseButton.NoButton,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def test_shift_and_wheel_resize_the_brush_and_do_not_scroll(board):
    view = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(BRUSH)
    steps = []
    board.quad.brush_resized.connect(steps.append)
    before = view.step
    shift = Qt.KeyboardModifier.ShiftModifier
    for delta in (QPoint(0, 120), QPoint(-120, 0)):
        wheel(view, delta, shift)
    assert steps == [1, -1]
    assert view.step == before


def test_a_notch_of_a_touchpad_is_one_step_however_often_it_tells(board):
    view = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(BRUSH)
    steps = []
    board.quad.brush_resized.connect(steps.append)
    for eighths in [1] * 8 + [0] + [-1] * 16 + [0]:
        wheel(view, QPoint(0, 15 * eighths), Qt.KeyboardModifier.ShiftModifier)
    assert steps == [1, -1, -1]


@pytest.mark.parametrize(
    "modifiers",
    [
        Qt.KeyboardModifier.AltModifier,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    ],
)
def test_the_crosshair_is_moved_with_a_tool_in_hand(board, modifiers):
    view = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(BRUSH)
    drag(view, Qt.MouseButton.LeftButton, QPointF(120, 120), QPointF(150, 140), modifiers)
    assert not board.told
    assert board.quad.cursor_lps_mm == pytest.approx(view.point_at(QPointF(150, 140)))


def test_a_key_brings_the_crosshair_under_the_pointer(board):
    view = board.quad.slice_views[Plane.CORONAL]
    other = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(BRUSH)
    before = board.quad.cursor_lps_mm.copy()
    QTest.keyClick(view, Qt.Key.Key_G)
    assert board.quad.cursor_lps_mm == pytest.approx(before)
    QTest.mouseMove(view, QPoint(110, 120))
    QTest.keyClick(view, Qt.Key.Key_G)
    assert board.quad.cursor_lps_mm == pytest.approx(view.point_at(QPointF(110, 120)))
    assert other.step == other.frame.step_at(board.quad.cursor_lps_mm)
    assert not board.told


def test_keys_reach_the_slice_under_the_pointer_while_a_tool_is_in_hand(board, qtbot):
    view = board.quad.slice_views[Plane.CORONAL]
    other = board.quad.slice_views[Plane.AXIAL]
    other.setFocus()
    enter = QEnterEvent(QPointF(9, 9), QPointF(9, 9), QPointF(9, 9))
    QApplication.sendEvent(view, enter)
    assert board.quad.focusWidget() is other
    board.quad.set_tool(BRUSH)
    QApplication.sendEvent(view, enter)
    assert board.quad.focusWidget() is view


def test_diameters_are_out_of_the_way_while_a_tool_is_in_hand(board):
    view = board.quad.slice_views[Plane.AXIAL]
    at = lesion_lps_mm()
    plain = picture(view)
    board.quad.set_diameters([[[at, at + view.frame.axes_lps[:, column] * 9] for column in (0, 1)]])
    measured = picture(view)
    assert measured != plain
    board.quad.set_tool(BRUSH)
    assert picture(view) == plain
    board.quad.set_tool(None)
    assert picture(view) == measured


@pytest.mark.parametrize("is_alone", [True, False])
def test_escape_gives_an_outline_up_and_the_view_stays(board, is_alone):
    view = board.quad.slice_views[Plane.AXIAL]
    if is_alone:
        board.quad.toggle_maximised(view)
    board.quad.set_tool(OUTLINE)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    QTest.mouseMove(view, QPoint(170, 150))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert board.told[-1] == "cancelled"
    assert board.quad.maximised is (view if is_alone else None)
    QTest.mouseMove(view, QPoint(170, 170))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(170, 170))
    assert board.told[-1] == "cancelled"
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert board.told.count("cancelled") == 1
    assert board.quad.maximised is None


def test_an_outline_stays_in_its_slice(board):
    view = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(OUTLINE)
    before = view.step
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    wheel(view, QPoint(0, 120))
    for key in (Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_End):
        QTest.keyClick(view, key)
    assert view.step == before
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    wheel(view, QPoint(0, 120))
    assert view.step == before + 1


def test_an_outline_lies_where_it_was_drawn_after_a_zoom(board, monkeypatch):
    view = board.quad.slice_views[Plane.AXIAL]
    board.quad.set_tool(OUTLINE)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    QTest.mouseMove(view, QPoint(170, 150))
    drawn = view.point_at(QPointF(170, 150))
    wheel(view, QPoint(0, 360), Qt.KeyboardModifier.ControlModifier)
    ways = []
    monkeypatch.setattr(annotations, "draw_outline", lambda _, way, _colour: ways.append(way))
    picture(view)
    assert ways[0][-1].x() > 171
    assert view.point_at(ways[0][-1]) == pytest.approx(drawn)


@pytest.fixture
def bar(qtbot):
    widget = CorrectionBar(Icons(assets_dir() / "icons"))
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def press(bar, text):
    button = next(b for b in bar.findChildren(type(bar._undo)) if b.accessibleName() == text)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_bar_tells_of_every_choice(bar):
    told = []
    bar.tool_changed.connect(told.append)
    assert bar.settings() == ToolSettings(Tool.BRUSH, 3, 4.0)
    press(bar, "Outline")
    assert told[-1].tool is Tool.OUTLINE
    press(bar, "Draw necrotic or non-enhancing core")
    assert told[-1].value == 1
    bar.resize_brush(3)
    assert told[-1].radius_mm == pytest.approx(5.5)
    bar._ball.click()
    assert told[-1].is_ball
    bar._over.setCurrentIndex(1)
    assert told[-1].over is PaintOver.TUMOUR
    press(bar, "Move the crosshair")
    assert told[-1] is None
    assert bar.settings(erases=True) is None


def test_erasing_may_change_any_voxel(bar):
    bar._over.setCurrentIndex(2)
    assert bar.settings(erases=True).value == 0
    assert bar.settings(erases=True).over is PaintOver.EVERYTHING
    press(bar, "Erase")
    assert bar.settings().over is PaintOver.EVERYTHING


def test_drawing_can_be_held_to_one_region(bar):
    bar._over.setCurrentIndex(bar._over.findText("Over NCR only"))
    assert bar.settings().only_over == 1
    assert (bar.settings(erases=True).value, bar.settings(erases=True).only_over) == (0, 1)
    bar._over.setCurrentIndex(3)
    assert (bar.settings().over, bar.settings().only_over) == (PaintOver.SIMILAR, None)


def test_undo_says_what_it_takes_back(bar):
    bar.show_state(CorrectionState(True, True, "Paint oedema", ""))
    assert bar._undo.isEnabled()
    assert "Paint oedema" in bar._undo.toolTip()
    assert not bar._redo.isEnabled()
    asked = []
    bar.undo_requested.connect(lambda: asked.append("undo"))
    press(bar, "Undo")
    assert asked == ["undo"]


def test_keys_choose_tools_and_regions_before_a_hand_draws(bar):
    for key, tool in ((Qt.Key.Key_P, Tool.PART), (Qt.Key.Key_L, Tool.OUTLINE)):
        QTest.keyClick(bar, key)
        assert bar.settings().tool is tool
    QTest.keyClick(bar, Qt.Key.Key_M)
    assert bar.settings() is None
    QTest.keyClick(bar, Qt.Key.Key_B)
    for key, value in ((Qt.Key.Key_7, 2), (Qt.Key.Key_8, 0), (Qt.Key.Key_5, 3)):
        QTest.keyClick(bar, key)
        assert (bar.settings().tool, bar.settings().value) == (Tool.BRUSH, value)


def test_keys_resize_the_brush_and_change_what_it_means(bar):
    before = bar.settings()
    QTest.keyClick(bar, Qt.Key.Key_BracketRight)
    assert bar.settings().radius_mm > before.radius_mm
    QTest.keyClick(bar, Qt.Key.Key_BracketLeft)
    assert bar.settings().radius_mm == before.radius_mm
    QTest.keyClick(bar, Qt.Key.Key_T)
    assert bar.settings().is_ball
    QTest.keyClick(bar, Qt.Key.Key_N)
    assert bar.settings().over is PaintOver.TUMOUR
    for _ in range(bar._over.count() - 1):
        QTest.keyClick(bar, Qt.Key.Key_N)
    assert bar.settings().over is PaintOver.EVERYTHING


def test_a_click_on_the_bar_leaves_the_keys_where_they_were(bar):
    before = QLineEdit(bar)
    before.show()
    before.setFocus()
    for widget in (bar._size, bar._ball, bar._over):
        assert not widget.focusPolicy() & Qt.FocusPolicy.ClickFocus
        if widget is not bar._over:  # it would open its list
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
        assert bar.focusWidget() is before
