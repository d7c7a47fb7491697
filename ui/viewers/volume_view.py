"""The tumour's surfaces under the user's hands: mouse, wheel, keys."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from ui.viewers.gestures import VOLUME_HELP
from ui.viewers.orientation_mark import side_at
from ui.viewers.surface_engine import SurfaceEngine
from ui.viewers.view_buttons import ViewButtons
from ui.viewers.volume_canvas import VolumeCanvas

_ZOOM_PER_NOTCH = 1.12
_KEY_TURN_PIXELS = 20
_SIDE_KEYS: dict[int, str] = {
    Qt.Key.Key_A: "A",
    Qt.Key.Key_P: "P",
    Qt.Key.Key_L: "L",
    Qt.Key.Key_R: "R",
    Qt.Key.Key_S: "S",
    Qt.Key.Key_I: "I",
}
_TURNS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class VolumeView(VolumeCanvas):
    """Surfaces the user turns, zooms and picks points on.

    Signals
    -------
    cursor_picked(ndarray)
        (3,) patient coordinates of a surface point the user chose.
    maximise_requested()
        The user wants this view alone, or all of them again.
    """

    cursor_picked = Signal(object)
    maximise_requested = Signal()

    def __init__(
        self, parent: QWidget | None = None, *, engine: SurfaceEngine | None = None
    ) -> None:
        super().__init__(parent, engine=engine)
        self._last = QPointF()
        self._engine.picked.connect(self._take_pick)
        self.setObjectName("volume_view")
        self.setAccessibleName("3D view")
        self.setAccessibleDescription(VOLUME_HELP)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._buttons = ViewButtons(self.accessibleName(), VOLUME_HELP, self)
        self._buttons.maximise_requested.connect(self.maximise_requested)

    def set_maximised(self, is_maximised: bool) -> None:
        """Tell the corner button which way it leads."""
        self._buttons.show_maximised(is_maximised)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the buttons in their corner."""
        super().resizeEvent(event)
        self._buttons.place(self.width())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to turn or, with Ctrl, pick a point of a surface."""
        self._last = event.position()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        side = side_at(self._camera, self._mark_centre(), event.position())
        if side is not None and self._engine.has_surfaces:
            self.look_from(side)
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            width, height = self._device_size(1.0)
            ratio = width / max(1, self.width())
            at = event.position() * ratio
            self._engine.request_pick(self._camera, width, height, at.x(), at.y())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn, pan or zoom."""
        moved = event.position() - self._last
        self._last = event.position()
        buttons, modifiers = event.buttons(), event.modifiers()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            return
        is_shifted = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        if buttons & Qt.MouseButton.MiddleButton or (
            buttons & Qt.MouseButton.LeftButton and is_shifted
        ):
            self.move_camera(self._camera.panned(moved.x(), moved.y(), self.height()))
        elif buttons & Qt.MouseButton.LeftButton:
            self.move_camera(self._camera.turned(moved.x(), moved.y()))
        elif buttons & Qt.MouseButton.RightButton:
            self.move_camera(self._camera.zoomed(float(np.exp(-moved.y() / 150))))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Draw finely again."""
        if event.buttons() == Qt.MouseButton.NoButton:
            self._come_to_rest()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show this view alone, or all."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.maximise_requested.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        self.move_camera(self._camera.zoomed(_ZOOM_PER_NOTCH ** (event.angleDelta().y() / 120)))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Turn, zoom, reset, look from a side."""
        key = event.key()
        is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in _TURNS:
            columns, rows = _TURNS[key]
            self.move_camera(
                self._camera.turned(columns * _KEY_TURN_PIXELS, rows * _KEY_TURN_PIXELS)
            )
        elif is_shifted and key in _SIDE_KEYS:
            self.look_from(_SIDE_KEYS[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.move_camera(self._camera.zoomed(_ZOOM_PER_NOTCH))
        elif key == Qt.Key.Key_Minus:
            self.move_camera(self._camera.zoomed(1 / _ZOOM_PER_NOTCH))
        elif key == Qt.Key.Key_R:
            self.reset_view()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.maximise_requested.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the focus is elsewhere."""
        self.update()
        super().focusOutEvent(event)

    def _take_pick(self, point_lps_mm: NDArray[np.float64] | None) -> None:
        if point_lps_mm is not None:
            self.cursor_picked.emit(point_lps_mm)
