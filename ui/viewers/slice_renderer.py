"""One slice as pictures ready to paint, recomputed only where something changed."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from ui.viewers.overlay import Overlay, OverlayStyle
from ui.viewers.planes import PlaneFrame
from ui.viewers.reslice import Reslicer, ResliceSource
from ui.viewers.viewport import Viewport
from ui.viewers.window_level import Window

# Beyond this many device pixels a cut is sampled coarser and scaled by Qt, to stay fluent.
_MOST_PIXELS = 1_600_000
_LINE_WIDTH = 1.5


@dataclass(frozen=True, slots=True)
class Raster:
    """The device pixels of a widget that a slice covers.

    Parameters
    ----------
    left, top
        First device pixel of the widget.
    columns, rows
        Samples.
    stride
        Device pixels per sample.
    device_ratio
        Device pixels per logical pixel.
    """

    left: int
    top: int
    columns: int
    rows: int
    stride: int
    device_ratio: float

    @classmethod
    def covering(
        cls, frame: PlaneFrame, viewport: Viewport, device_ratio: float
    ) -> "Raster | None":
        """Return the raster of the visible part of the slice, ``None`` where none is."""
        left_mm, top_mm, right_mm, bottom_mm = frame.bounds_mm
        left, top = viewport.to_pixel(left_mm, top_mm)
        right, bottom = viewport.to_pixel(right_mm, bottom_mm)
        # A pixel belongs to the slice if its centre does.
        x0 = max(0, math.ceil(left * device_ratio - 0.5))
        y0 = max(0, math.ceil(top * device_ratio - 0.5))
        x1 = min(math.ceil(viewport.width * device_ratio), math.ceil(right * device_ratio - 0.5))
        y1 = min(math.ceil(viewport.height * device_ratio), math.ceil(bottom * device_ratio - 0.5))
        if x1 <= x0 or y1 <= y0:
            return None
        stride = math.ceil(math.sqrt((x1 - x0) * (y1 - y0) / _MOST_PIXELS))
        columns, rows = math.ceil((x1 - x0) / stride), math.ceil((y1 - y0) / stride)
        return cls(x0, y0, columns, rows, stride, device_ratio)

    @property
    def target(self) -> QRectF:
        """Where the samples belong, in logical pixels."""
        size = self.stride / self.device_ratio
        return QRectF(
            self.left / self.device_ratio,
            self.top / self.device_ratio,
            self.columns * size,
            self.rows * size,
        )

    def sample_to_patient(
        self, frame: PlaneFrame, step: int, viewport: Viewport
    ) -> NDArray[np.float64]:
        """Return the 4 × 4 matrix from (column, row, 0, 1) to patient coordinates."""
        half = self.stride / 2
        first = viewport.to_plane_mm(
            (self.left + half) / self.device_ratio, (self.top + half) / self.device_ratio
        )
        step_mm = self.stride / self.device_ratio / viewport.scale
        matrix = np.eye(4)
        matrix[:3, :2] = frame.axes_lps[:, :2] * step_mm
        matrix[:3, 2] = frame.axes_lps[:, 2]
        matrix[:3, 3] = frame.to_patient_mm(*first, step * frame.spacing_mm[2])
        return matrix


class SliceRenderer:
    """Turns volumes into pictures of one slice.

    Cuts, grey values and colours are kept separately: a new window does not cut again, a new
    opacity does not touch the image.
    """

    def __init__(self) -> None:
        self._image: Reslicer | None = None
        self._labels: Reslicer | None = None
        self._window = Window(0.5, 1.0)
        self._style: Overlay = OverlayStyle()
        self._place: tuple[object, ...] = ()
        self._image_cut: NDArray[Any] | None = None
        self._labels_cut: NDArray[Any] | None = None
        self._picture: QImage | None = None
        self._overlay: QImage | None = None
        self._raster: Raster | None = None

    @property
    def window(self) -> Window:
        """Grey values now."""
        return self._window

    @property
    def style(self) -> Overlay:
        """Overlay now."""
        return self._style

    def set_image(self, source: ResliceSource | None) -> None:
        """Show another image, or none."""
        self._image = Reslicer(source) if source else None
        self._image_cut = self._picture = None

    def set_labels(self, source: ResliceSource | None) -> None:
        """Show other labels, or none."""
        self._labels = Reslicer(source) if source else None
        self._labels_cut = self._overlay = None

    def refresh_labels(self) -> None:
        """Cut the labels anew: they have changed in place."""
        self._labels_cut = self._overlay = None

    def set_window(self, window: Window) -> None:
        """Change the grey values."""
        if window != self._window:
            self._window = window
            self._picture = None

    def set_style(self, style: Overlay) -> None:
        """Change the overlay."""
        if style != self._style:
            self._style = style
            self._overlay = None

    def render(
        self, frame: PlaneFrame, step: int, viewport: Viewport, device_ratio: float
    ) -> tuple[QRectF, QImage | None, QImage | None]:
        """Return where to paint, the image and the overlay (``None``: nothing to paint)."""
        place = (frame, step, viewport, device_ratio)
        if place != self._place:
            self._place = place
            self._raster = Raster.covering(frame, viewport, device_ratio)
            self._image_cut = self._labels_cut = self._picture = self._overlay = None
        raster = self._raster
        if raster is None:
            return QRectF(), None, None
        matrix = raster.sample_to_patient(frame, step, viewport)
        if self._image and self._picture is None:
            if self._image_cut is None:
                self._image_cut = self._image.cut(matrix, raster.columns, raster.rows)
            self._picture = grey_picture(self._window.to_grey(self._image_cut))
        if self._labels and self._style.opacity > 0 and self._overlay is None:
            if self._labels_cut is None:
                self._labels_cut = self._labels.cut(matrix, raster.columns, raster.rows)
            line = max(1, round(_LINE_WIDTH * device_ratio / raster.stride))
            self._overlay = argb_picture(self._style.paint(self._labels_cut, line))
        overlay = self._overlay if self._style.opacity > 0 else None
        return raster.target, self._picture, overlay


def grey_picture(grey: NDArray[np.uint8]) -> QImage:
    """Return a picture of (rows, columns) grey values that owns its pixels."""
    rows, columns = grey.shape
    grey = np.ascontiguousarray(grey)
    return QImage(grey.data, columns, rows, columns, QImage.Format.Format_Grayscale8).copy()


def argb_picture(argb: NDArray[np.uint32]) -> QImage:
    """Return a picture of (rows, columns) premultiplied ARGB that owns its pixels."""
    rows, columns = argb.shape
    argb = np.ascontiguousarray(argb)
    picture = QImage(
        argb.data, columns, rows, columns * 4, QImage.Format.Format_ARGB32_Premultiplied
    )
    return picture.copy()
