"""One plane of the study under the user's hands: mouse, wheel, keys."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from desktop_app.domain.correction import Tool, ToolSettings
from ui.viewers import annotations, style
from ui.viewers.gestures import SLICE_HELP, Gesture, WheelSteps, gesture_for, pointer_for
from ui.viewers.planes import Plane, PlaneFrame
from ui.viewers.slice_canvas import SliceCanvas
from ui.viewers.view_buttons import ViewButtons
from ui.viewers.viewport import Viewport
from ui.viewers.window_field import WindowField
from ui.viewers.window_level import Window, auto_window

_WHEEL_NOTCH = 120
_ZOOM_PER_NOTCH = 1.15
_KEY_STEPS: dict[int, int] = {
    Qt.Key.Key_Up: 1,
    Qt.Key.Key_Down: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_PageUp: 5,
    Qt.Key.Key_PageDown: -5,
    Qt.Key.Key_Home: -(10**6),
    Qt.Key.Key_End: 10**6,
}
_KEY_MOVES: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class SliceView(SliceCanvas):
    """A slice the user scrolls, zooms, windows and picks points on.

    Setters change what is shown and emit nothing; signals tell what the user did.

    Parameters
    ----------
    title
        What the view is called; its plane if not given.

    Signals
    -------
    cursor_picked(ndarray)
        (3,) patient coordinates in millimetres the user moved the crosshair to.
    window_dragged(float, float)
        Centre and width the user dragged to, or typed.
    hovered(object)
        (3,) patient coordinates under the pointer, ``None`` when it leaves.
    viewport_changed()
        The user zoomed, panned, or showed the whole slice again.
    zoomed()
        The user did so, but did not pan.
    maximise_requested()
        The user wants this view alone, or all of them again.
    crosshair_toggled(), overlay_hidden(bool)
        Keys X and H.
    stroke_began(ndarray, bool), stroke_moved(ndarray), stroke_ended(), stroke_cancelled()
        A tool is drawn with, from (3,) patient coordinates on; whether it erases. In the end it
        stays, or the user gives it up.
    brush_resized(int)
        The brush is to grow by so many steps, or shrink.
    """

    cursor_picked = Signal(object)
    window_dragged = Signal(float, float)
    hovered = Signal(object)
    viewport_changed = Signal()
    zoomed = Signal()
    maximise_requested = Signal()
    crosshair_toggled = Signal()
    overlay_hidden = Signal(bool)
    stroke_began = Signal(object, bool)
    stroke_moved = Signal(object)
    stroke_ended = Signal()
    stroke_cancelled = Signal()
    brush_resized = Signal(int)

    def __init__(self, plane: Plane, parent: QWidget | None = None, *, title: str = "") -> None:
        super().__init__(plane, parent)
        self._space_held = False
        self._gesture = Gesture.NONE
        self._last = QPointF()
        self._slice_wheel, self._brush_wheel = WheelSteps(), WheelSteps()
        self._tool: ToolSettings | None = None
        self._tool_colour = style.TEXT
        self._pointer: QPointF | None = None
        self._way_mm: list[tuple[float, float]] = []
        title = title or plane.title
        self.setObjectName(f"{title.lower()}_view")
        self.setAccessibleName(f"{title} view")
        self.setAccessibleDescription(SLICE_HELP)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(pointer_for(Gesture.NONE))
        self._buttons = ViewButtons(self.accessibleName(), SLICE_HELP, self)
        self._buttons.maximise_requested.connect(self.maximise_requested)

    def set_maximised(self, is_maximised: bool) -> None:
        """Tell the corner button which way it leads."""
        self._buttons.show_maximised(is_maximised)

    def set_tool(self, tool: ToolSettings | None, colour: QColor = style.TEXT) -> None:
        """Let the left button draw with a tool in a colour; ``None``: move the crosshair."""
        if tool is None and self._gesture is Gesture.DRAW:
            self.end_gesture()
        self._tool, self._tool_colour = tool, colour
        self.update()

    def type_window(self) -> None:
        """Ask for window and level as numbers."""
        if self._source is not None:
            proposed = Window(*auto_window(self._source.array_kji))
            field = WindowField(self._windowed(), self._renderer.window, proposed, self)
            field.chosen.connect(self._choose_window)
            field.open()

    def _windowed(self) -> str:
        """Return the image whose window that is; empty where there is only one."""
        return ""

    def _choose_window(self, window: Window) -> None:
        self.set_window(window)
        self.window_dragged.emit(window.center, window.width)

    def end_gesture(self) -> None:
        """End what the mouse is doing, as a release would; a release to come finds nothing."""
        was_drawing = self._gesture is Gesture.DRAW
        self._let_go()
        if was_drawing:
            self.stroke_ended.emit()

    def _give_stroke_up(self) -> None:
        self._let_go()
        self.stroke_cancelled.emit()

    def _let_go(self) -> None:
        self._gesture = Gesture.NONE
        self._way_mm = []
        self._follows_cursor = True
        self.setCursor(pointer_for(Gesture.NONE))
        self.update()

    @property
    def _is_outlining(self) -> bool:
        """Whether an area is being enclosed: it lies in one slice, so no other may be shown."""
        tool = self._tool
        return self._gesture is Gesture.DRAW and tool is not None and tool.tool is Tool.OUTLINE

    @property
    def holds_space(self) -> bool:
        """Whether the left button pans."""
        return self._space_held

    def scroll_slices(self, steps: int) -> None:
        """Move so many slices on, as the user does with the wheel."""
        if self._frame is None or self._is_outlining:
            return
        step = min(max(self._step + steps, 0), self._frame.counts[2] - 1)
        u_mm, v_mm, _ = self._frame.to_uvw_mm(self._cursor_lps)
        if step != self._step:
            self._pick(self._frame.to_patient_mm(u_mm, v_mm, step * self._frame.spacing_mm[2]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the buttons in their corner."""
        super().resizeEvent(event)
        self._buttons.place(self.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the slice, and the tool over it."""
        super().paintEvent(event)
        if self._tool is None or self._pointer is None or self._viewport is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._tool.tool is Tool.BRUSH:
            radius = self._tool.radius_mm * self._viewport.scale
            annotations.draw_brush(painter, self._pointer, radius, self._tool_colour)
        elif self._tool.tool is Tool.OUTLINE and len(self._way_mm) > 1:
            way = [QPointF(*self._viewport.to_pixel(*at_mm)) for at_mm in self._way_mm]
            annotations.draw_outline(painter, way, self._tool_colour)
        painter.end()

    def _paint_diameters(self, painter: QPainter, frame: PlaneFrame, viewport: Viewport) -> None:
        """Leave the place free where a tool is at work."""
        if self._tool is None:
            super()._paint_diameters(painter, frame, viewport)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a gesture."""
        if self._gesture is Gesture.NONE:
            self._gesture = gesture_for(
                event.button(),
                event.modifiers(),
                space_held=self._space_held,
                has_tool=self._tool is not None,
            )
            if self._gesture is Gesture.DRAW:
                self._begin_stroke(event)
            elif self._gesture is Gesture.CURSOR and self._is_on_window_lines(event.position()):
                self._gesture = Gesture.NONE  # a second click types them
        self._last = event.position()
        self.setCursor(pointer_for(self._gesture))
        self._follows_cursor = self._gesture is not Gesture.CURSOR
        if self._gesture is Gesture.CURSOR:
            self._pick(self.point_at(event.position()))

    @property
    def pointed_lps_mm(self) -> NDArray[np.float64] | None:
        """The place under the pointer, while it rests on the view."""
        return None if self._pointer is None else self.point_at(self._pointer)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Continue the gesture; without one, tell what is under the pointer."""
        at = event.position()
        if event.buttons() == Qt.MouseButton.NoButton and self._gesture is not Gesture.NONE:
            self.end_gesture()  # the button was released where this view could not see it
        moved = at - self._last
        self._last = at
        self._pointer = at
        if self._tool is not None:
            self.update()
        if self._gesture is Gesture.CURSOR:
            self._pick(self.point_at(at))
        elif self._gesture is Gesture.DRAW:
            self._note_way(at)
            self.stroke_moved.emit(self.point_at(at))
        elif self._gesture is Gesture.PAN and self._viewport:
            self.set_viewport(self._viewport.panned(moved.x(), moved.y()))
            self.viewport_changed.emit()
        elif self._gesture is Gesture.WINDOW and self._frame is not None:
            self._choose_window(self._renderer.window.dragged(moved.x(), moved.y()))
        self.hovered.emit(self.point_at(at))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the gesture with its last button."""
        if event.buttons() == Qt.MouseButton.NoButton:
            self.end_gesture()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show this view alone, or all; type window and level; with a tool, draw dab after dab."""
        self.end_gesture()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._tool is not None:
            self.mousePressEvent(event)
        elif self._is_on_window_lines(event.position()):
            self.type_window()
        else:
            self.maximise_requested.emit()

    def enterEvent(self, event: QEnterEvent) -> None:
        """With a tool in hand, take the keys: the click that would do so draws."""
        if self._tool is not None:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the pointer."""
        self._pointer = None
        self.update()
        self.hovered.emit(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll through the slices; with Ctrl, zoom about the pointer; with Shift, the brush."""
        # Some systems turn the wheel sideways while Shift is held.
        notches = (event.angleDelta().y() or event.angleDelta().x()) / _WHEEL_NOTCH
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom(_ZOOM_PER_NOTCH**notches, event.position())
        elif self._tool is not None and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            if steps := self._brush_wheel.whole(notches):
                self.brush_resized.emit(steps)
        else:
            self.scroll_slices(self._slice_wheel.whole(notches))
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Zoom when two fingers are spread on a touchpad."""
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        ):
            self._zoom(1 + event.value(), event.position())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Scroll, move, zoom and reset by keyboard."""
        key = event.key()
        is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key == Qt.Key.Key_Escape and self._gesture is Gesture.DRAW:
            self._give_stroke_up()
        elif is_shifted and key in _KEY_MOVES:
            self._nudge(*_KEY_MOVES[key])
        elif key in _KEY_STEPS:
            self.scroll_slices(_KEY_STEPS[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(_ZOOM_PER_NOTCH, QPointF(self.width() / 2, self.height() / 2))
        elif key == Qt.Key.Key_Minus:
            self._zoom(1 / _ZOOM_PER_NOTCH, QPointF(self.width() / 2, self.height() / 2))
        elif not self._command(key, is_repeat=event.isAutoRepeat()):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End what lasts while a key is held."""
        if event.isAutoRepeat():
            return
        if event.key() == Qt.Key.Key_Space:
            self._space_held = False
        elif event.key() == Qt.Key.Key_H:
            self.overlay_hidden.emit(False)
        else:
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Let go of held keys: their release will not be seen here."""
        self._space_held = False
        self.overlay_hidden.emit(False)
        self.update()
        super().focusOutEvent(event)

    def _command(self, key: int, *, is_repeat: bool) -> bool:
        if key == Qt.Key.Key_R:
            self.reset_view()
            self.viewport_changed.emit()
            self.zoomed.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.maximise_requested.emit()
        elif key == Qt.Key.Key_G and self._pointer is not None:
            self._pick(self.point_at(self._pointer))
        elif key == Qt.Key.Key_X:
            self.crosshair_toggled.emit()
        elif key == Qt.Key.Key_W:
            self.type_window()
        elif key == Qt.Key.Key_H and not is_repeat:
            self.overlay_hidden.emit(True)
        elif key == Qt.Key.Key_Space:
            self._space_held = True
        else:
            return key == Qt.Key.Key_H
        return True

    def _begin_stroke(self, event: QMouseEvent) -> None:
        point = self.point_at(event.position())
        if point is None:
            self._gesture = Gesture.NONE
            return
        self._pointer = event.position()
        self._way_mm = []
        self._note_way(event.position())
        self.update()
        self.stroke_began.emit(point, bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier))

    def _note_way(self, at: QPointF) -> None:
        """Note where in the slice the pointer was: pixels show other places after a zoom."""
        if self._viewport is not None:
            self._way_mm.append(self._viewport.to_plane_mm(at.x(), at.y()))

    def _nudge(self, columns: int, rows: int) -> None:
        if self._frame is None:
            return
        u_mm, v_mm, w_mm = self._frame.to_uvw_mm(self._cursor_lps)
        across, down, _ = self._frame.spacing_mm
        self._pick(self._frame.to_patient_mm(u_mm + columns * across, v_mm + rows * down, w_mm))

    def _pick(self, point_lps_mm: NDArray[np.float64] | None) -> None:
        if point_lps_mm is None or self._frame is None:
            return
        inside = self._frame.nearest_inside(point_lps_mm)
        self.set_cursor(inside)
        self.cursor_picked.emit(inside)

    def _zoom(self, factor: float, at: QPointF) -> None:
        if self._viewport:
            self.set_viewport(self._viewport.zoomed(factor, at.x(), at.y()))
            self.viewport_changed.emit()
            self.zoomed.emit()
