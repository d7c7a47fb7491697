"""A bar of buttons that takes less room where there is less."""

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QWidget


class FittingBar(QWidget):
    """A bar with several shapes, of which it takes the widest that there is room for.

    To the window it asks for no more than the narrowest takes.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Of each shape, the widest first; empty until they are measured.
        self._widths: list[int] = []

    def take_shape(self, shape: int) -> None:
        """Take a shape: 0 is the widest. A bar of one shape stays as it is."""

    @property
    def last_shape(self) -> int:
        """The number of the narrowest shape: 0 where there is but one."""
        return 0

    def refit(self) -> None:
        """Measure the shapes anew, after what they hold changed, and take the one that fits."""
        self._widths = []
        for shape in range(self.last_shape + 1):
            self.take_shape(shape)
            self._widths.append(super().minimumSizeHint().width())
        self._fit()
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        """Ask for the room of the narrowest shape, as high as the one that is seen."""
        least = super().minimumSizeHint()
        return QSize(self._widths[-1], least.height()) if self._widths else least

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the shape that there is room for."""
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        """Measure in the font that is used."""
        super().showEvent(event)
        self.refit()

    def changeEvent(self, event: QEvent) -> None:
        """Measure anew in another font."""
        super().changeEvent(event)
        if self._widths and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.refit()

    def _fit(self) -> None:
        fitting = (shape for shape, one in enumerate(self._widths) if one <= self.width())
        if self._widths:
            self.take_shape(next(fitting, self.last_shape))


class TwoRowBar(FittingBar):
    """Two rows, beside each other where there is room for both."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self.first, self.second = QHBoxLayout(), QHBoxLayout()
        self._rows.addLayout(self.first)
        self._rows.addLayout(self.second, 1)

    @property
    def last_shape(self) -> int:
        """One row, two rows."""
        return 1

    def take_shape(self, shape: int) -> None:
        """Put the rows beside each other, or one below the other."""
        direction = QBoxLayout.Direction
        self._rows.setDirection(direction.TopToBottom if shape else direction.LeftToRight)

    def set_spacing(self, spacing_px: int) -> None:
        """Keep so much room between what stands in the rows, and between them."""
        for row in (self._rows, self.first, self.second):
            row.setSpacing(spacing_px)
