"""Surfaces painted from pictures VTK draws off screen; no user input."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import LabelDefinition
from ui.viewers import annotations, style
from ui.viewers.orbit_camera import OrbitCamera
from ui.viewers.orientation_mark import SIDES_LPS, draw_orientation_mark
from ui.viewers.surface_engine import Bounds, SurfaceEngine

_MOST_PIXELS = 1_500_000
_SLOW_SECONDS = 0.04
_REST_MILLISECONDS = 160
_MARK_INSET = 48.0
_NOTHING_MARKED = "No tumour marked"


class VolumeCanvas(QWidget):
    """Surfaces of the labels inside the brain's outline.

    Pictures are drawn off screen by VTK and painted like any other picture, so that the view works
    over Remote Desktop and on every window system. Without usable OpenGL it says so instead.

    Parameters
    ----------
    engine
        Builds and draws; ``None`` for one of its own.

    Signals
    -------
    picture_shown()
        Another picture is on the screen.
    """

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
        self._is_empty = False
        self._hidden: frozenset[int] = frozenset()
        self._cursor_lps: NDArray[np.float64] | None = None
        self._has_crosshair = True
        self._picture: QImage | None = None
        self._failure = ""
        self._is_drawing = False
        self._is_stale = False
        self._seconds = 0.0
        self._is_moving = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MILLISECONDS)
        self._rest.timeout.connect(self._come_to_rest)
        self._connect()

    def _connect(self) -> None:
        self._engine.picture_ready.connect(self._take_picture)
        self._engine.surfaces_changed.connect(self._take_bounds)
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
        self._is_empty = labels_kji is not None and not labels_kji.any()
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

    def reset_view(self) -> None:
        """Look from the front, at everything."""
        self._is_fitted = True
        self._look_through(self._fitted(self._camera.reset()))

    def look_from(self, side: str) -> None:
        """Look from a side of the patient: one of the letters R, L, A, P, S, I."""
        up = (0, -1, 0) if side in "SI" else (0, 0, 1)
        self.move_camera(self._camera.looking_from(SIDES_LPS[side], up))

    def picture(self) -> QImage:
        """Return what is shown, to pass on."""
        ratio = self.devicePixelRatioF()
        picture = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        picture.setDevicePixelRatio(ratio)
        painter = QPainter(picture)
        self._paint(painter)
        painter.end()
        return picture

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the last picture and what belongs over it."""
        painter = QPainter(self)
        self._paint(painter)
        annotations.draw_frame(painter, QRectF(self.rect()), focused=self.hasFocus())
        painter.end()

    def _paint(self, painter: QPainter) -> None:
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
            if self._is_empty:
                annotations.draw_headline(painter, area, _NOTHING_MARKED)
        annotations.draw_corner_texts(
            painter, area, top_left=["3D"], bottom_left=[], bottom_right=[]
        )

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
        return _NOTHING_MARKED if self._has_labels else "no segmentation yet"

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw at the new size."""
        self._refresh()
        super().resizeEvent(event)

    def event(self, event: QEvent) -> bool:
        """Draw with as many pixels as a screen of another density has."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._refresh()
        return super().event(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what was not drawn while the view was hidden."""
        super().showEvent(event)
        self._refresh()

    def move_camera(self, camera: OrbitCamera) -> None:
        """Look through another camera; drawn coarser while it keeps moving, if drawing is slow."""
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

    def _take_failure(self, sentence: str) -> None:
        self._failure = sentence
        self._is_drawing = False
        self.update()
