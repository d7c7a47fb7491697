"""A line of text that is never cut inside a number."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel


class ShortLabel(QLabel):
    """A label whose text ends in dots where there is no room, and stands whole in the tool tip."""

    def __init__(self, kind: str = "") -> None:
        super().__init__()
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        if kind:
            self.setProperty("kind", kind)

    def text(self) -> str:
        """Return the whole text."""
        return self._whole

    def setText(self, text: str) -> None:
        """Show as much of a text as there is room for."""
        self._whole = text
        self.updateGeometry()
        self._fit()

    @property
    def shown_text(self) -> str:
        """What is seen of it."""
        return super().text()

    def sizeHint(self) -> QSize:
        """Return the room that the whole text takes."""
        return QSize(
            self.fontMetrics().horizontalAdvance(self._whole) + self._around() + 1,
            super().sizeHint().height(),
        )

    def minimumSizeHint(self) -> QSize:
        """Return nearly none: any width will do."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show more or less of the text."""
        super().resizeEvent(event)
        self._fit()

    def _around(self) -> int:
        margins = self.contentsMargins()
        return margins.left() + margins.right() + 2 * self.margin() + max(0, self.indent())

    def _fit(self) -> None:
        room = self.width() - self._around()
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room)
        super().setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")
