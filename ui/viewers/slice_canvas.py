"""A slice painted on the CPU: image, coloured labels, crosshair and texts; no user input."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop_app.domain.geometry import Geometry
from ui.viewers import annotations, style
from ui.viewers.announce import announce
from ui.viewers.before_overlay import BeforeOverlay
from ui.viewers.overlay import Overlay
from ui.viewers.planes import Plane, PlaneFrame
from ui.viewers.reslice import ResliceSource
from ui.viewers.rulers import RulerBoard
from ui.viewers.slice_renderer import SliceRenderer
from ui.viewers.slice_texts import position_lines, window_text
from ui.viewers.viewport import Viewport
from ui.viewers.window_level import Window


class SliceCanvas(QWidget):
    """The slice through the cursor along one plane of the reference grid.

    The slice shown is always one of the reference's own; the cursor within it is continuous. No
    OpenGL is used, so that it works over Remote Desktop.
    """

    def __init__(self, plane: Plane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plane = plane
        self._reference: Geometry | None = None
        self._frame: PlaneFrame | None = None
        self._cursor_lps = np.zeros(3)
        self._step = 0
        self._viewport: Viewport | None = None
        self._is_fitted = True
        self._follows_cursor = True
        self._renderer = SliceRenderer()
        self._before = SliceRenderer()
        self._before.set_style(BeforeOverlay())
        self._source: ResliceSource | None = None
        self._caption = ""
        self._has_crosshair = True
        self._is_peeking = False
        self._diameters: NDArray[np.float64] = np.zeros((0, 2, 2, 3))
        self._rulers: RulerBoard | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)

    @property
    def plane(self) -> Plane:
        """The plane of sight."""
        return self._plane

    @property
    def reference(self) -> Geometry | None:
        """The grid that is cut; ``None`` in an empty view."""
        return self._reference

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
        self._reference = geometry
        self._frame = PlaneFrame.of(geometry, self._plane) if geometry else None
        self._step = self._frame.step_at(self._cursor_lps) if self._frame else 0
        self.reset_view()

    def set_plane(self, plane: Plane) -> None:
        """Cut along another plane through the cursor, shown whole."""
        if plane is not self._plane:
            self._plane = plane
            self.set_reference(self._reference)

    def set_image(self, source: ResliceSource | None, caption: str = "") -> None:
        """Show another image; the caption is written in the top left corner."""
        self._renderer.set_image(source)
        self._source = source
        self._caption = caption
        self.update()

    def set_labels(self, source: ResliceSource | None) -> None:
        """Show other labels over the image."""
        self._renderer.set_labels(source)
        self.update()

    def refresh_labels(self) -> None:
        """Paint the labels anew: they have changed in place."""
        self._renderer.refresh_labels()
        self.update()

    def set_labels_before(self, source: ResliceSource | None) -> None:
        """Draw the borders of other labels, as they were before correcting; ``None``: none."""
        self._before.set_labels(source)
        self.update()

    def set_diameters(self, pairs_lps_mm: NDArray[np.float64]) -> None:
        """Draw pairs of lines, (n, 2, 2, 3) patient coordinates, over the slice they lie in."""
        self._diameters = pairs_lps_mm
        self.update()

    def set_rulers(self, board: RulerBoard) -> None:
        """Draw the rulers of a board over the slices they were drawn on."""
        self._rulers = board
        self.update()

    def set_overlay_style(self, overlay_style: Overlay) -> None:
        """Change how the labels are painted."""
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
        before, self._step = self._step, self._frame.step_at(self._cursor_lps)
        if self._step != before and self.hasFocus():
            announce(self, position_lines(self._frame, self._step, self._cursor_lps)[0])
        if self._viewport and not self._is_fitted and self._follows_cursor:
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

    def reset_view(self) -> None:
        """Show the whole slice."""
        self._is_fitted = True
        self._viewport = self._fitted()
        self.update()

    def set_viewport(self, viewport: Viewport) -> None:
        """Zoom or pan."""
        self._viewport = viewport
        self._is_fitted = False
        self.update()

    def follow(self, other: "SliceCanvas") -> None:
        """Show as much, and the same place, as another view of this plane."""
        if other._is_fitted or other._viewport is None:
            self.reset_view()
        else:
            self.set_viewport(other._viewport.resized(self.width(), self.height()))

    def show_as(self, other: "SliceCanvas") -> None:
        """Show the slice, place and zoom of another view of this plane and grid."""
        self.set_cursor(other._cursor_lps)
        self.follow(other)

    def zoom_as(self, other: "SliceCanvas") -> None:
        """Zoom about the crosshair to the scale of a view of another plane, or show all as it."""
        if self._viewport is None or self._frame is None or other._viewport is None:
            return
        if other._is_fitted:
            self.reset_view()
            return
        u_mm, v_mm, _ = self._frame.to_uvw_mm(self._cursor_lps)
        shown = self._viewport.revealing(u_mm, v_mm)
        factor = other._viewport.scale / shown.scale
        self.set_viewport(shown.zoomed(factor, *shown.to_pixel(u_mm, v_mm)))

    def centre_on_cursor(self) -> None:
        """Show the crosshair in the middle, as large as now."""
        if self._viewport is not None and self._frame is not None:
            u_mm, v_mm, _ = self._frame.to_uvw_mm(self._cursor_lps)
            self.set_viewport(self._viewport.centred(u_mm, v_mm))

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

    def picture(self) -> QImage:
        """Return what is shown, to pass on: without the caption, which may be a file's name."""
        ratio = self.devicePixelRatioF()
        picture = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        picture.setDevicePixelRatio(ratio)
        painter = QPainter(picture)
        self._paint(painter, caption="")
        painter.end()
        return picture

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint image, labels, texts."""
        painter = QPainter(self)
        self._paint(painter, self._caption)
        annotations.draw_frame(painter, QRectF(self.rect()), focused=self.hasFocus())
        painter.end()

    def _paint(self, painter: QPainter, caption: str) -> None:
        area = QRectF(self.rect())
        painter.fillRect(area, style.BACKGROUND)
        if self._frame is None or self._viewport is None:
            annotations.draw_message(painter, area, self._empty_text())
        else:
            self._paint_slice(painter, self._frame, self._viewport)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_rulers(painter, self._frame)
            self._paint_texts(painter, self._frame, self._viewport, caption)

    def _paint_slice(self, painter: QPainter, frame: PlaneFrame, viewport: Viewport) -> None:
        self._paint_images(painter, frame, viewport)
        if not self._is_peeking:
            self._paint_diameters(painter, frame, viewport)
        if self._has_crosshair:
            u_mm, v_mm, _ = frame.to_uvw_mm(self._cursor_lps)
            at = QPointF(*viewport.to_pixel(u_mm, v_mm))
            annotations.draw_crosshair(painter, QRectF(self.rect()), at)

    def _paint_images(self, painter: QPainter, frame: PlaneFrame, viewport: Viewport) -> None:
        target, picture, overlay = self._renderer.render(
            frame, self._step, viewport, self.devicePixelRatioF()
        )
        _, _, before = self._before.render(frame, self._step, viewport, self.devicePixelRatioF())
        labels = () if self._is_peeking else (overlay, before)
        for layer in (picture, *labels):
            self._paint_layer(painter, target, layer)

    def _paint_diameters(self, painter: QPainter, frame: PlaneFrame, viewport: Viewport) -> None:
        for pair in self._diameters:
            ends = [frame.to_uvw_mm(end) for end in pair.reshape(4, 3)]
            # One line may lie in slices of another plane too, both never do.
            if {round(float(w_mm / frame.spacing_mm[2])) for _, _, w_mm in ends} == {self._step}:
                points = [QPointF(*viewport.to_pixel(u_mm, v_mm)) for u_mm, v_mm, _ in ends]
                annotations.draw_diameters(painter, points)

    def _paint_rulers(self, painter: QPainter, frame: PlaneFrame) -> None:
        if self._rulers is None:
            return
        for index in self._rulers.shown_in(frame, self._step):
            ruler = self._rulers.rulers[index]
            first, second = (self.position_of(np.array(end)) for end in ruler.ends)
            if first is not None and second is not None:
                is_chosen = index == self._rulers.chosen
                annotations.draw_ruler(painter, first, second, ruler.text, is_chosen=is_chosen)

    def _paint_layer(self, painter: QPainter, target: QRectF, layer: QImage | None) -> None:
        if layer is not None:
            is_scaled = layer.width() != round(target.width() * self.devicePixelRatioF())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_scaled)
            painter.drawImage(target, layer)

    def _paint_texts(
        self, painter: QPainter, frame: PlaneFrame, viewport: Viewport, caption: str
    ) -> None:
        area = QRectF(self.rect())
        annotations.draw_side_letters(painter, area, frame.side_letters)
        grid = self._source.geometry if self._source is not None else None
        window_lines = self._window_lines()
        annotations.draw_corner_texts(
            painter,
            area,
            top_left=self._titles(caption),
            bottom_left=position_lines(frame, self._step, self._cursor_lps, grid),
            bottom_right=window_lines,
        )
        annotations.draw_scale_bar(painter, area, viewport.scale, len(window_lines))

    def _is_on_window_lines(self, at: QPointF) -> bool:
        lines = self._window_lines()
        font = QFont(self.font())
        font.setPixelSize(style.TEXT_PIXELS)
        metrics = QFontMetricsF(font)
        width = max(metrics.horizontalAdvance(line) for line in lines)
        height = len(lines) * metrics.height()
        left, top = self.width() - width, self.height() - height
        return at.x() >= left - 2 * style.MARGIN and at.y() >= top - style.MARGIN

    def _window_lines(self) -> list[str]:
        """Return the grey values of what is shown, for the bottom right corner."""
        return [window_text(self._renderer.window)]

    def _titles(self, caption: str) -> list[str]:
        """Return what is shown, for the top left corner."""
        return [self._plane.title, *([caption] if caption else [])]

    def _empty_text(self) -> str:
        """Return what an empty view says."""
        return f"{self._plane.title}\nno image"

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the whole slice in sight, or the zoom the user chose."""
        if self._is_fitted or self._viewport is None:
            self._viewport = self._fitted()
        else:
            self._viewport = self._viewport.resized(self.width(), self.height())
        super().resizeEvent(event)

    def _fitted(self) -> Viewport | None:
        if self._frame is None:
            return None
        return Viewport.fit(self.width(), self.height(), self._frame.bounds_mm)
