"""Two images of one patient over each other in one slice: checkerboard, blend or blink."""

import math
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QRegion
from PySide6.QtWidgets import QWidget

from desktop_app.domain.readable import readable_share
from ui.viewers.planes import Plane, PlaneFrame
from ui.viewers.reslice import ResliceSource
from ui.viewers.slice_renderer import SliceRenderer
from ui.viewers.slice_texts import window_text
from ui.viewers.slice_view import SliceView
from ui.viewers.viewport import Viewport
from ui.viewers.window_level import Window

# As in `gestures`: one line per operation, "keys: effect".
COMPARE_HELP = (
    "C, B, L: checkerboard, blend, blink\n"
    "P: start and pause blinking\n"
    "T: turn to the other image, when blinking\n"
    "[ and ]: less and more: size of squares, second image, speed\n"
    "Hold H: the first image alone"
)


class CompareMode(Enum):
    """How two images share one slice."""

    CHECKERBOARD = "Checkerboard"
    BLEND = "Blend"
    BLINK = "Blink"


@dataclass(frozen=True, slots=True)
class CompareStyle:
    """How the second image is laid over the first.

    Parameters
    ----------
    square_mm
        Edge of a square of the checkerboard.
    share
        Opacity of the second image when blended, 0 to 1.
    shows_second
        Which image is seen when blinking.
    """

    mode: CompareMode = CompareMode.CHECKERBOARD
    square_mm: float = 25.0
    share: float = 0.5
    shows_second: bool = False


class CompareView(SliceView):
    """A slice through two images; scrolled, zoomed and windowed as any slice.

    Dragging changes the window of both images alike. While H is held only the first is seen.
    """

    def __init__(self, plane: Plane, parent: QWidget | None = None) -> None:
        super().__init__(plane, parent)
        self._second = SliceRenderer()
        self._names = ("", "")
        self._compare = CompareStyle()

    @property
    def windows(self) -> tuple[Window, Window]:
        """Grey values of the first and the second image."""
        return self._renderer.window, self._second.window

    def set_pair(self, first: ResliceSource, second: ResliceSource, names: tuple[str, str]) -> None:
        """Show two other images."""
        self._names = names
        self._second.set_image(second)
        self.set_image(first, self._caption_now())

    def set_windows(self, first: Window, second: Window) -> None:
        """Change the grey values of each."""
        self._renderer.set_window(first)
        self._second.set_window(second)
        self.update()

    def set_window(self, window: Window) -> None:
        """Change the first image's grey values, and the second's as much in its own range."""
        before, second = self.windows
        self.set_windows(window, second.changed_like(before, window))

    def set_compare_style(self, compare: CompareStyle) -> None:
        """Change how the images share the slice."""
        self._compare = compare
        self._caption = self._caption_now()
        self.update()

    def _caption_now(self) -> str:
        first, second = self._names
        match self._compare.mode:
            case CompareMode.BLEND:
                share = self._compare.share
                return f"{first} {readable_share(1 - share)}, {second} {readable_share(share)}"
            case CompareMode.BLINK:
                return second if self._compare.shows_second else first
            case _:
                return f"{first} and {second} in turn"

    def _windowed(self) -> str:
        return self._names[0]

    def _window_lines(self) -> list[str]:
        lines = [
            f"{name}  {window_text(window)}"
            for name, window in zip(self._names, self.windows, strict=True)
        ]
        compare = self._compare
        return [lines[compare.shows_second]] if compare.mode is CompareMode.BLINK else lines

    def _paint_images(self, painter: QPainter, frame: PlaneFrame, viewport: Viewport) -> None:
        ratio = self.devicePixelRatioF()
        target, below, _ = self._renderer.render(frame, self._step, viewport, ratio)
        _, above, _ = self._second.render(frame, self._step, viewport, ratio)
        compare = self._compare
        blinked = compare.mode is CompareMode.BLINK and compare.shows_second
        if self._is_peeking or not blinked:
            self._paint_layer(painter, target, below)
        if self._is_peeking or (compare.mode is CompareMode.BLINK and not blinked):
            return
        painter.save()
        if compare.mode is CompareMode.CHECKERBOARD:
            painter.setClipRegion(self._squares(viewport))
        elif compare.mode is CompareMode.BLEND:
            painter.setOpacity(compare.share)
        self._paint_layer(painter, target, above)
        painter.restore()

    def _squares(self, viewport: Viewport) -> QRegion:
        """Return every second square, in place on the patient when the slice is zoomed or moved."""
        square = self._compare.square_mm

        def edges(first_mm: float, last_mm: float) -> range:
            return range(math.floor(first_mm / square), math.ceil(last_mm / square))

        left, top = viewport.to_plane_mm(0, 0)
        right, bottom = viewport.to_plane_mm(self.width(), self.height())
        region = QRegion()
        for row in edges(top, bottom):
            for column in edges(left, right):
                if (row + column) % 2:
                    x0, y0 = viewport.to_pixel(column * square, row * square)
                    x1, y1 = viewport.to_pixel((column + 1) * square, (row + 1) * square)
                    x, y = round(x0), round(y0)
                    region += QRect(x, y, round(x1) - x, round(y1) - y)
        return region
