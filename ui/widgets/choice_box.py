"""A drop-down that does nothing unasked."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

_SCROLL_BAR = 24
_MARGIN = 8


class ChoiceBox(QComboBox):
    """A drop-down for choices with consequences and long names.

    The wheel over it scrolls what it lies in and never chooses; a text too long for it ends in
    dots; the list shows every text whole.

    Signals
    -------
    closed()
        The list was open, and what came of it is done.
    """

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.view().installEventFilter(self)

    @property
    def is_open(self) -> bool:
        """Whether the user is looking at the list."""
        return self.view().isVisible()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tell when the list closes, after whatever was chosen from it."""
        if event.type() == QEvent.Type.Hide and watched is self.view():
            QTimer.singleShot(0, self, self.closed.emit)
        return super().eventFilter(watched, event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what the box lies in."""
        event.ignore()

    def showPopup(self) -> None:
        """Give the list the room that its longest text needs."""
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + _SCROLL_BAR)
        super().showPopup()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint as any drop-down, the text shortened at its end."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        field, arrow = (
            self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self)
            for part in (QStyle.SubControl.SC_ComboBoxEditField, QStyle.SubControl.SC_ComboBoxArrow)
        )
        option.currentText = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, arrow.left() - field.left() - _MARGIN
        )
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
