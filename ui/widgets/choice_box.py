"""A drop-down that does nothing unasked."""

from collections.abc import Sequence as Many

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter

_SCROLL_BAR = 24
_MARGIN = 8
_SHORTER = Qt.ItemDataRole.UserRole + 1


class ChoiceBox(QComboBox):
    """A drop-down for choices with consequences and long names.

    The wheel over it scrolls what it lies in and never chooses. A text too long for it gives way to
    a shorter one; where that is too long as well it has dots in its middle, since names differ at
    their ends. The list shows every text whole.

    Signals
    -------
    closed()
        The list was open, and what came of it is done.
    """

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.view().installEventFilter(self)

    def add_choice(self, text: str, data: object, shorter: Many[str] = ()) -> None:
        """Add an entry, and what to show of it where there is ever less room."""
        self.addItem(text, data)
        self.setItemData(self.count() - 1, list(shorter), _SHORTER)

    @property
    def shown_text(self) -> str:
        """What is read of the chosen entry while the list is closed."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field, arrow = (
            self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self)
            for part in (QStyle.SubControl.SC_ComboBoxEditField, QStyle.SubControl.SC_ComboBoxArrow)
        )
        room = arrow.left() - field.left() - _MARGIN
        metrics = self.fontMetrics()
        texts = [self.currentText(), *(self.currentData(_SHORTER) or ())]
        fitting = (text for text in texts if metrics.horizontalAdvance(text) <= room)
        middle = Qt.TextElideMode.ElideMiddle
        return next(fitting, None) or metrics.elidedText(texts[-1], middle, room)

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
        """Paint as any drop-down, the text as short as it has to be."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shown_text
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
