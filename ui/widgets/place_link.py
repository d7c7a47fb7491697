"""A link to a place in the patient."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
)


class PlaceLink(QPushButton):
    """A button that reads as a line of text and takes the width it is given.

    Text too long for it ends in dots and stands whole in the tool tip: what lies in a column of
    fixed width would be cut otherwise, and its neighbours with it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "place")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_place(self, text: str, note: str) -> None:
        """Show a line; the note says more of it, and where a click leads."""
        self.setText(text)
        self.setToolTip(f"{text}\n{note}")

    def set_notable(self, is_notable: bool) -> None:
        """Have the line stand out, or read as any other."""
        self.setProperty("notable", is_notable)
        self.style().unpolish(self)
        self.style().polish(self)

    @property
    def shown_text(self) -> str:
        """As much of the text as there is room for."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        part = QStyle.SubElement.SE_PushButtonContents
        room = self.style().subElementRect(part, option, self).width()
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint as any button, the text shortened at its end."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = self.shown_text
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_PushButton, option)
