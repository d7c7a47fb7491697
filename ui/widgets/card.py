"""A panel with a border, and labels of the style sheet."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

_LONG_WORD = 20


def styled_label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """Return a label with a style of the style sheet (title, section, muted, notice ...).

    Text is never taken for markup: names and descriptions come from files.
    """
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    if kind:
        label.setProperty("kind", kind)
    return label


def breakable(text: str) -> str:
    """Let long words be broken anywhere; a label cannot grow narrower than its longest word."""
    return " ".join(
        "\u200b".join(word) if len(word) > _LONG_WORD else word for word in text.split(" ")
    )


def lay_out_now(widget: QWidget) -> None:
    """Give a widget whose texts changed, and what it lies in, the heights that these need.

    Qt does so level by level, one turn of its loop for each; while other threads compute, a turn
    takes long enough to see sentences without their last line.
    """
    outer: QWidget | None = widget
    while outer is not None and (layout := outer.layout()) is not None:
        layout.activate()
        outer = outer.parentWidget()


def set_kind(widget: QWidget, kind: str) -> None:
    """Change a widget's style and repaint it."""
    set_property(widget, "kind", kind)


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Change what the style sheet goes by and repaint the widget."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class Card(QFrame):
    """A panel with a border and, if given, a heading in capitals.

    Parameters
    ----------
    beside
        What stands at the end of the heading's line.
    """

    def __init__(self, heading: str = "", *, beside: QWidget | None = None) -> None:
        super().__init__()
        self.setObjectName("card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(12, 10, 12, 12)
        self.body.setSpacing(8)
        if heading:
            line = QHBoxLayout()
            line.addWidget(styled_label(heading.upper(), "section"), 1)
            if beside is not None:
                line.addWidget(beside)
            self.body.addLayout(line)
