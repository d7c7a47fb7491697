"""The tumour's regions as surfaces, turned by the mouse."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import LabelDefinition
from ui.viewers import annotations, style
from ui.viewers.gestures import VOLUME_HELP
from ui.viewers.orbit_camera import OrbitCamera
from ui.viewers.orientation_mark import SIDES_LPS, draw_orientation_mark, side_at
from ui.viewers.surface_engine import Bounds, SurfaceEngine
from ui.viewers.view_buttons import ViewButtons

_MOST_PIXELS = 1_500_000
_SLOW_SECONDS = 0.04
_REST_MILLISECONDS = 160
_ZOOM_PER_NOTCH = 1.12
_KEY_TURN_PIXELS = 20
_MARK_INSET = 48.0
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


class VolumeView(QWidget):
    """Surfaces of the labels inside the brain's outline.

    Pictures are drawn off screen by VTK and painted like any other picture, so that the view works
    over Remote Desktop and on every window system. Without usable OpenGL it says so instead.

    Parameters
    ----------
    engine
        Builds and draws; ``None`` for one of its own.

    Signals
    -------
    cursor_picked(ndarray)
        (3,) patient coordinates of a surface point the user chose.
    maximise_requested()
        The user wants this view alone, or all of them again.
    picture_shown()
        Another picture is on the screen.
    """

    cursor_picked = Signal(object)
    maximise_requested = Signal()
    picture_shown = Signal()

    def __init__(
        self, parent: QWidget | None = None, *, engine: SurfaceEngine | None = None
    ) -> None:
        super().__init__(parent)
        self._engine = engine or SurfaceEngine()
        self._camera = OrbitCamera()
        self._bounds: Bounds | None = None
        self._is_fitted = True
        self._has_labels = False
        self._hidden: frozenset[int] = frozenset()
        self._cursor_lps: NDArray[np.float64] | None = None
        self._has_crosshair = True
        self._picture: QImage | None = None
        self._failure = ""
        self._is_drawing = False
        self._is_stale = False
        self._seconds = 0.0
        self._is_moving = False
        self._last = QPointF()
        self.setObjectName("volume_view")
        self.setAccessibleName("3D view")
        self.setAccessibleDescription(VOLUME_HELP)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 120)
        self._buttons = ViewButtons(self.accessibleName(), VOLUME_HELP, self)
        self._buttons.maximise_requested.connect(self.maximise_requested)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MILLISECONDS)
        self._rest.timeout.connect(self._come_to_rest)
        self._connect()

    def _connect(self) -> None:
        self._engine.picture_ready.connect(self._take_picture)
        self._engine.surfaces_changed.connect(self._take_bounds)
        self._engine.picked.connect(self._take_pick)
        self._engine.failed.connect(self._take_failure)
        # Held by the connection: the engine must outlive the widget to be closed after it
        self.destroyed.connect(partial(SurfaceEngine.close, self._engine))
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self._engine.close)

    @property
    def camera(self) -> OrbitCamera:
        """Where the view looks from."""
        return self._camera

    @property
    def failure(self) -> str:
        """Why nothing can be drawn; empty if it can."""
        return self._failure

    def sizeHint(self) -> QSize:
        """Prefer the size of the slices."""
        return QSize(440, 440)

    def warm(self) -> None:
        """Get ready in the background: surfaces are to be expected."""
        self._engine.warm()

    def set_labels(
        self,
        labels_kji: NDArray[np.uint8] | None,
        geometry: Geometry | None,
        definitions: tuple[LabelDefinition, ...],
    ) -> None:
        """Show other surfaces, once they are built; ``None`` takes them away at once."""
        self._has_labels = labels_kji is not None
        self._engine.set_labels(labels_kji, geometry, definitions)

    def set_brain(self, brain_kji: NDArray[np.bool_] | None, geometry: Geometry | None) -> None:
        """Show the brain's outline, once it is built; ``None`` takes it away at once."""
        self._engine.set_brain(brain_kji, geometry)

    def set_region_visible(self, value: int, visible: bool) -> None:
        """Show or hide one label value."""
        self._hidden = self._hidden - {value} if visible else self._hidden | {value}
        self._engine.set_hidden(self._hidden)
        self._refresh()

    def set_cursor(self, point_lps_mm: NDArray[np.float64]) -> None:
        """Mark the crosshair's place."""
        self._cursor_lps = np.asarray(point_lps_mm, dtype=np.float64)
        self.update()

    def set_crosshair_visible(self, visible: bool) -> None:
        """Show or hide the mark of the crosshair."""
        self._has_crosshair = visible
        self.update()

    def set_maximised(self, is_maximised: bool) -> None:
        """Tell the corner button which way it leads."""
        self._buttons.show_maximised(is_maximised)

    def reset_view(self) -> None:
        """Look from the front, at everything."""
        self._is_fitted = True
        self._look_through(self._fitted(self._camera.reset()))

    def look_from(self, side: str) -> None:
        """Look from a side of the patient: one of the letters R, L, A, P, S, I."""
        up = (0, -1, 0) if side in "SI" else (0, 0, 1)
        self._move(self._camera.looking_from(SIDES_LPS[side], up))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the last picture and what belongs over it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.fillRect(area, style.SCENE_BACKGROUND)
        sentence = self._sentence()
        if sentence:
            annotations.draw_message(painter, area, sentence)
        elif self._picture is not None:
            device = self.size() * self.devicePixelRatioF()
            painter.setRenderHint(
                QPainter.RenderHint.SmoothPixmapTransform, self._picture.size() != device
            )
            painter.drawImage(area, self._picture)
            self._paint_marks(painter, area)
        annotations.draw_corner_texts(
            painter, area, top_left=["3D"], bottom_left=[], bottom_right=[]
        )
        annotations.draw_frame(painter, area, focused=self.hasFocus())
        painter.end()

    def _paint_marks(self, painter: QPainter, area: QRectF) -> None:
        if self._has_crosshair and self._cursor_lps is not None:
            at = self._camera.project(self._cursor_lps, area.width(), area.height())
            if at is not None:
                painter.setPen(QPen(style.CROSSHAIR, 1.2))
                painter.drawEllipse(QPointF(*at), 5.0, 5.0)
        draw_orientation_mark(painter, self._camera, self._mark_centre())

    def _mark_centre(self) -> QPointF:
        return QPointF(self.width() - _MARK_INSET, self.height() - _MARK_INSET)

    def _sentence(self) -> str:
        if self._failure:
            return self._failure
        if self._engine.has_surfaces and self._picture is not None:
            return ""
        if self._engine.has_surfaces or self._engine.is_building:
            return "preparing surfaces …"
        return "no tumour marked" if self._has_labels else "no segmentation yet"

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw at the new size."""
        self._buttons.place(self.width())
        self._refresh()
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what was not drawn while the view was hidden."""
        super().showEvent(event)
        self._refresh()

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
            self._move(self._camera.panned(moved.x(), moved.y(), self.height()))
        elif buttons & Qt.MouseButton.LeftButton:
            self._move(self._camera.turned(moved.x(), moved.y()))
        elif buttons & Qt.MouseButton.RightButton:
            self._move(self._camera.zoomed(float(np.exp(-moved.y() / 150))))

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
        self._move(self._camera.zoomed(_ZOOM_PER_NOTCH ** (event.angleDelta().y() / 120)))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Turn, zoom, reset, look from a side."""
        key = event.key()
        is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in _TURNS:
            columns, rows = _TURNS[key]
            self._move(self._camera.turned(columns * _KEY_TURN_PIXELS, rows * _KEY_TURN_PIXELS))
        elif is_shifted and key in _SIDE_KEYS:
            self.look_from(_SIDE_KEYS[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._move(self._camera.zoomed(_ZOOM_PER_NOTCH))
        elif key == Qt.Key.Key_Minus:
            self._move(self._camera.zoomed(1 / _ZOOM_PER_NOTCH))
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

    def _move(self, camera: OrbitCamera) -> None:
        self._is_fitted = False
        self._is_moving = True
        self._rest.start()
        self._look_through(camera)

    def _come_to_rest(self) -> None:
        self._rest.stop()
        if self._is_moving:
            self._is_moving = False
            self._refresh()

    def _look_through(self, camera: OrbitCamera) -> None:
        self._camera = camera
        self._refresh()

    def _fitted(self, camera: OrbitCamera) -> OrbitCamera:
        if self._bounds is None:
            return camera
        return camera.fitted(self._bounds.centre_lps_mm, self._bounds.radius_mm)

    def _refresh(self) -> None:
        """Ask for a picture; while one is being drawn, only the last wish is remembered."""
        if self._failure or not self._engine.has_surfaces or not self.isVisible():
            self.update()
            return
        if self._is_drawing:
            self._is_stale = True
            return
        self._is_drawing = True
        self._is_stale = False
        coarse = self._is_moving and self._seconds > _SLOW_SECONDS
        width, height = self._device_size(0.5 if coarse else 1.0)
        self._engine.request_picture(self._camera, width, height, fine=not coarse)

    def _device_size(self, quality: float) -> tuple[int, int]:
        ratio = self.devicePixelRatioF() * quality
        pixels = self.width() * self.height() * ratio**2
        ratio *= min(1.0, (_MOST_PIXELS / max(pixels, 1)) ** 0.5)
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def _take_picture(self, picture: QImage, seconds: float) -> None:
        self._is_drawing = False
        if picture.size().width() >= self._device_size(1.0)[0]:
            self._seconds = seconds
        self._picture = picture
        if self._is_stale:
            self._refresh()
        self.update()
        self.picture_shown.emit()

    def _take_bounds(self, bounds: Bounds | None) -> None:
        self._bounds = bounds
        if bounds is None:
            self._picture = None
        if self._is_fitted:
            self._camera = self._fitted(self._camera)
        self._refresh()

    def _take_pick(self, point_lps_mm: NDArray[np.float64] | None) -> None:
        if point_lps_mm is not None:
            self.cursor_picked.emit(point_lps_mm)

    def _take_failure(self, sentence: str) -> None:
        self._failure = sentence
        self._is_drawing = False
        self.update()
