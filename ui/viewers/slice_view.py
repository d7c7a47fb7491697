"""One plane of the study: image, coloured labels, crosshair; painted on the CPU."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop_app.domain.geometry import Geometry
from ui.viewers import annotations, style
from ui.viewers.gestures import SLICE_HELP, Gesture, gesture_for, pointer_for
from ui.viewers.overlay import OverlayStyle
from ui.viewers.planes import Plane, PlaneFrame
from ui.viewers.reslice import ResliceSource
from ui.viewers.slice_renderer import SliceRenderer
from ui.viewers.slice_texts import position_lines, window_text
from ui.viewers.view_buttons import ViewButtons
from ui.viewers.viewport import Viewport
from ui.viewers.window_level import Window

_WHEEL_NOTCH = 120
_ZOOM_PER_NOTCH = 1.15
_KEY_STEPS = {
    Qt.Key.Key_Up: 1,
    Qt.Key.Key_Down: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_PageUp: 5,
    Qt.Key.Key_PageDown: -5,
    Qt.Key.Key_Home: -(10**6),
    Qt.Key.Key_End: 10**6,
}
_KEY_MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class SliceView(QWidget):
    """The slice through the cursor along one plane of the reference grid.

    Setters change what is shown and emit nothing; signals tell what the user did.

    Signals
    -------
    cursor_picked(ndarray)
        (3,) patient coordinates in millimetres the user moved the crosshair to.
    window_dragged(float, float)
        Centre and width the user dragged to.
    hovered(object)
        (3,) patient coordinates under the pointer, ``None`` when it leaves.
    maximise_requested()
        The user wants this view alone, or all of them again.
    crosshair_toggled(), overlay_hidden(bool)
        Keys X and H.
    """

    cursor_picked = Signal(object)
    window_dragged = Signal(float, float)
    hovered = Signal(object)
    maximise_requested = Signal()
    crosshair_toggled = Signal()
    overlay_hidden = Signal(bool)

    def __init__(self, plane: Plane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plane = plane
        self._frame: PlaneFrame | None = None
        self._cursor_lps = np.zeros(3)
        self._step = 0
        self._viewport: Viewport | None = None
        self._is_fitted = True
        self._renderer = SliceRenderer()
        self._caption = ""
        self._has_crosshair = True
        self._is_peeking = False
        self._space_held = False
        self._gesture = Gesture.NONE
        self._last = QPointF()
        self._wheel = 0.0
        self.setObjectName(f"{plane.title.lower()}_view")
        self.setAccessibleName(f"{plane.title} view")
        self.setAccessibleDescription(SLICE_HELP)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 120)
        self.setCursor(pointer_for(Gesture.NONE))
        self._buttons = ViewButtons(self.accessibleName(), SLICE_HELP, self)
        self._buttons.maximise_requested.connect(self.maximise_requested)

    @property
    def plane(self) -> Plane:
        """The plane of sight."""
        return self._plane

    @property
    def frame(self) -> PlaneFrame | None:
        """The slices of the reference along this plane."""
        return self._frame

    @property
    def viewport(self) -> Viewport | None:
        """Zoom and pan; ``None`` without a reference."""
        return self._viewport

    @property
    def step(self) -> int:
        """The slice shown, counted from 0 in the direction of scrolling."""
        return self._step

    def sizeHint(self) -> QSize:
        """Prefer room for a matrix of 256 at two pixels a voxel."""
        return QSize(440, 440)

    def set_reference(self, geometry: Geometry | None) -> None:
        """Cut along this grid's axes; ``None`` empties the view."""
        self._frame = PlaneFrame.of(geometry, self._plane) if geometry else None
        self._step = self._frame.step_at(self._cursor_lps) if self._frame else 0
        self.reset_view()

    def set_image(self, source: ResliceSource | None, caption: str = "") -> None:
        """Show another image; the caption is written in the top left corner."""
        self._renderer.set_image(source)
        self._caption = caption
        self.update()

    def set_labels(self, source: ResliceSource | None) -> None:
        """Show other labels over the image."""
        self._renderer.set_labels(source)
        self.update()

    def set_overlay_style(self, overlay_style: OverlayStyle) -> None:
        """Change colours, opacity, outline or visibility of the labels."""
        self._renderer.set_style(overlay_style)
        self.update()

    def set_window(self, window: Window) -> None:
        """Change the grey values."""
        self._renderer.set_window(window)
        self.update()

    def set_cursor(self, point_lps_mm: NDArray[np.float64]) -> None:
        """Show the slice nearest to a point, and the crosshair there."""
        self._cursor_lps = np.asarray(point_lps_mm, dtype=np.float64)
        if self._frame is None:
            return
        self._step = self._frame.step_at(self._cursor_lps)
        if self._viewport and not self._is_fitted and self._gesture is not Gesture.CURSOR:
            u_mm, v_mm, _ = self._frame.to_uvw_mm(self._cursor_lps)
            self._viewport = self._viewport.revealing(u_mm, v_mm)
        self.update()

    def set_crosshair_visible(self, visible: bool) -> None:
        """Show or hide the crosshair."""
        self._has_crosshair = visible
        self.update()

    def set_overlay_peeking(self, peeking: bool) -> None:
        """Take the labels away for a moment, to look at the image beneath."""
        self._is_peeking = peeking
        self.update()

    def set_maximised(self, is_maximised: bool) -> None:
        """Tell the corner button which way it leads."""
        self._buttons.show_maximised(is_maximised)

    def reset_view(self) -> None:
        """Show the whole slice."""
        self._is_fitted = True
        self._viewport = self._fitted()
        self.update()

    def point_at(self, position: QPointF) -> NDArray[np.float64] | None:
        """Return the patient coordinates shown at a logical pixel position, on this slice."""
        if self._frame is None or self._viewport is None:
            return None
        u_mm, v_mm = self._viewport.to_plane_mm(position.x(), position.y())
        return self._frame.to_patient_mm(u_mm, v_mm, self._step * self._frame.spacing_mm[2])

    def position_of(self, point_lps_mm: NDArray[np.float64]) -> QPointF | None:
        """Return the logical pixel position of a point projected onto this slice."""
        if self._frame is None or self._viewport is None:
            return None
        u_mm, v_mm, _ = self._frame.to_uvw_mm(point_lps_mm)
        return QPointF(*self._viewport.to_pixel(u_mm, v_mm))

    def scroll_slices(self, steps: int) -> None:
        """Move so many slices on, as the user does with the wheel."""
        if self._frame is None:
            return
        step = min(max(self._step + steps, 0), self._frame.counts[2] - 1)
        u_mm, v_mm, _ = self._frame.to_uvw_mm(self._cursor_lps)
        if step != self._step:
            self._pick(self._frame.to_patient_mm(u_mm, v_mm, step * self._frame.spacing_mm[2]))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint image, labels, texts."""
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(area, style.BACKGROUND)
        if self._frame is None or self._viewport is None:
            annotations.draw_message(painter, area, f"{self._plane.title}\nno image")
        else:
            self._paint_slice(painter, self._frame, self._viewport)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_texts(painter, area, self._frame, self._viewport)
        annotations.draw_frame(painter, area, focused=self.hasFocus())
        painter.end()

    def _paint_slice(self, painter: QPainter, frame: PlaneFrame, viewport: Viewport) -> None:
        target, picture, overlay = self._renderer.render(
            frame, self._step, viewport, self.devicePixelRatioF()
        )
        for layer in (picture, None if self._is_peeking else overlay):
            if layer is not None:
                is_scaled = layer.width() != round(target.width() * self.devicePixelRatioF())
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_scaled)
                painter.drawImage(target, layer)
        if self._has_crosshair:
            u_mm, v_mm, _ = frame.to_uvw_mm(self._cursor_lps)
            at = QPointF(*viewport.to_pixel(u_mm, v_mm))
            annotations.draw_crosshair(painter, QRectF(self.rect()), at)

    def _paint_texts(
        self, painter: QPainter, area: QRectF, frame: PlaneFrame, viewport: Viewport
    ) -> None:
        annotations.draw_side_letters(painter, area, frame.side_letters)
        annotations.draw_corner_texts(
            painter,
            area,
            top_left=[self._plane.title, *([self._caption] if self._caption else [])],
            bottom_left=position_lines(frame, self._step, self._cursor_lps),
            bottom_right=[window_text(self._renderer.window)],
        )
        annotations.draw_scale_bar(painter, area, viewport.scale)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the whole slice in sight, or the zoom the user chose."""
        if self._is_fitted or self._viewport is None:
            self._viewport = self._fitted()
        else:
            self._viewport = self._viewport.resized(self.width(), self.height())
        self._buttons.place(self.width())
        super().resizeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a gesture."""
        if self._gesture is Gesture.NONE:
            self._gesture = gesture_for(
                event.button(), event.modifiers(), space_held=self._space_held
            )
        self._last = event.position()
        self.setCursor(pointer_for(self._gesture))
        if self._gesture is Gesture.CURSOR:
            self._pick(self.point_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Continue the gesture; without one, tell what is under the pointer."""
        at = event.position()
        moved = at - self._last
        self._last = at
        if self._gesture is Gesture.CURSOR:
            self._pick(self.point_at(at))
        elif self._gesture is Gesture.PAN and self._viewport:
            self._look_through(self._viewport.panned(moved.x(), moved.y()))
        elif self._gesture is Gesture.WINDOW and self._frame is not None:
            window = self._renderer.window.dragged(moved.x(), moved.y())
            self.set_window(window)
            self.window_dragged.emit(window.center, window.width)
        self.hovered.emit(self.point_at(at))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the gesture with its last button."""
        if event.buttons() == Qt.MouseButton.NoButton:
            self._end_gesture()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show this view alone, or all."""
        self._end_gesture()
        if event.button() == Qt.MouseButton.LeftButton:
            self.maximise_requested.emit()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the pointer."""
        self.hovered.emit(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll through the slices; with Ctrl, zoom about the pointer."""
        notches = event.angleDelta().y() / _WHEEL_NOTCH
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom(_ZOOM_PER_NOTCH**notches, event.position())
        else:
            self._wheel += notches  # touchpads send fractions of a notch
            steps = int(self._wheel)
            self._wheel -= steps
            self.scroll_slices(steps)
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
        key = Qt.Key(event.key())
        is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if is_shifted and key in _KEY_MOVES:
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

    def _command(self, key: Qt.Key, *, is_repeat: bool) -> bool:
        if key == Qt.Key.Key_R:
            self.reset_view()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.maximise_requested.emit()
        elif key == Qt.Key.Key_X:
            self.crosshair_toggled.emit()
        elif key == Qt.Key.Key_H and not is_repeat:
            self.overlay_hidden.emit(True)
        elif key == Qt.Key.Key_Space:
            self._space_held = True
        else:
            return key == Qt.Key.Key_H
        return True

    def _nudge(self, columns: int, rows: int) -> None:
        if self._frame is None:
            return
        u_mm, v_mm, w_mm = self._frame.to_uvw_mm(self._cursor_lps)
        across, down, _ = self._frame.spacing_mm
        self._pick(self._frame.to_patient_mm(u_mm + columns * across, v_mm + rows * down, w_mm))

    def _pick(self, point_lps_mm: NDArray[np.float64] | None) -> None:
        if point_lps_mm is None or self._frame is None:
            return
        left, top, right, bottom = self._frame.bounds_mm
        u_mm, v_mm, w_mm = self._frame.to_uvw_mm(point_lps_mm)
        inside = self._frame.to_patient_mm(
            min(max(u_mm, left), right), min(max(v_mm, top), bottom), w_mm
        )
        self.set_cursor(inside)
        self.cursor_picked.emit(inside)

    def _zoom(self, factor: float, at: QPointF) -> None:
        if self._viewport:
            self._look_through(self._viewport.zoomed(factor, at.x(), at.y()))

    def _look_through(self, viewport: Viewport) -> None:
        self._viewport = viewport
        self._is_fitted = False
        self.update()

    def _fitted(self) -> Viewport | None:
        if self._frame is None:
            return None
        return Viewport.fit(self.width(), self.height(), self._frame.bounds_mm)

    def _end_gesture(self) -> None:
        self._gesture = Gesture.NONE
        self.setCursor(pointer_for(Gesture.NONE))
