"""A slice of one of two studies that are compared, its date over it."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from desktop_app.domain.study import Sequence
from ui.viewers import annotations
from ui.viewers.planes import Plane, PlaneFrame
from ui.viewers.shown_images import ShownImage
from ui.viewers.slice_view import SliceView
from ui.viewers.viewport import Viewport
from ui.views.follow_up_view import Visit


class VisitView(SliceView):
    """A slice of one of both studies, which of them written large over it."""

    def __init__(self, visit: Visit, parent: QWidget | None = None) -> None:
        super().__init__(Plane.AXIAL, parent, title=visit.value)
        self._heading = visit.value
        self._sequence: Sequence | None = None
        self._image: ShownImage | None = None

    @property
    def image(self) -> ShownImage | None:
        """The image shown; ``None`` where this study has none of the sequence."""
        return self._image

    @property
    def heading(self) -> str:
        """Which study it is, and of when."""
        return self._heading

    def set_heading(self, heading: str) -> None:
        """Say which study it is, and of when."""
        self._heading = heading
        self.setAccessibleName(f"{heading}, view")
        self.update()

    def show_image(self, sequence: Sequence, image: ShownImage | None) -> None:
        """Show a sequence of this study, or that it has none."""
        self._sequence, self._image = sequence, image
        self.set_image(image.source if image else None, image.volume.source if image else "")

    def _paint_texts(
        self, painter: QPainter, frame: PlaneFrame, viewport: Viewport, caption: str
    ) -> None:
        super()._paint_texts(painter, frame, viewport, caption)
        shown = "  ·  ".join(part for part in (self._shown_sequence, self._plane.title) if part)
        further = [line for line in (shown, caption) if line]
        annotations.draw_heading(painter, QRectF(self.rect()), self._heading, further)

    def _titles(self, caption: str) -> list[str]:
        return []  # larger, with the heading

    def _empty_text(self) -> str:
        return f"{self._heading}\nno {self._shown_sequence or 'image'} in this study"

    @property
    def _shown_sequence(self) -> str:
        return self._sequence.value if self._sequence is not None else ""
