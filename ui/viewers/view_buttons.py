"""The small buttons in the corner of every view: maximise, and help."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QToolButton, QWidget

from ui.viewers import style

_SIZE = 22
_ICON = 14
# An own style sheet keeps the buttons dark in the light theme too.
_STYLE = (
    "QToolButton { background: rgba(0, 0, 0, 110); border: none; border-radius: 4px; padding: 0; }"
    "QToolButton:hover { background: rgba(110, 118, 126, 160); }"
)


class ViewButtons(QWidget):
    """Maximise and help, for the top right corner of a view.

    Signals
    -------
    maximise_requested()
    """

    maximise_requested = Signal()

    def __init__(self, view_name: str, help_text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._view_name = view_name
        self._help = self._button(help_text, f"{view_name}: mouse and keys", 0)
        self._help.setIcon(_drawn_icon("help"))
        self._maximise = self._button("", "", _SIZE + 2)
        self._maximise.clicked.connect(self.maximise_requested)
        self.setFixedSize(2 * _SIZE + 2, _SIZE)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.show_maximised(False)

    def show_maximised(self, is_maximised: bool) -> None:
        """Offer to restore, or to maximise."""
        text = "Show all views" if is_maximised else "Show this view alone"
        self._maximise.setToolTip(f"{text} (double-click, Enter)")
        self._maximise.setAccessibleName(f"{self._view_name}: {text.lower()}")
        kind = "restore" if is_maximised else "maximise"
        self._maximise.setIcon(_drawn_icon(kind))

    def place(self, view_width: int) -> None:
        """Move into the corner of a view of this width."""
        self.move(view_width - self.width() - 4, 4)

    def _button(self, tooltip: str, name: str, x: int) -> QToolButton:
        button = QToolButton(self)
        button.setStyleSheet(_STYLE)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setIconSize(QSize(_ICON, _ICON))
        button.setFixedSize(_SIZE, _SIZE)
        button.setToolTip(tooltip)
        button.setAccessibleName(name)
        button.move(x, 0)
        return button


def _drawn_icon(kind: str) -> QIcon:
    icon = QIcon()
    for device_ratio in (1, 2, 3):
        icon.addPixmap(_drawn(kind, device_ratio))
    return icon


def _drawn(kind: str, device_ratio: int) -> QPixmap:
    pixmap = QPixmap(_ICON * device_ratio, _ICON * device_ratio)
    pixmap.setDevicePixelRatio(device_ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(style.TEXT, 1.5))
    if kind == "help":
        font = painter.font()
        font.setPixelSize(_ICON - 2)
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(QRectF(0, 0, _ICON, _ICON), Qt.AlignmentFlag.AlignCenter, "?")
    elif kind == "maximise":
        painter.drawRect(QRectF(2, 2, _ICON - 4, _ICON - 4))
    else:
        half = _ICON / 2
        painter.drawRect(QRectF(2, half - 1, half - 1, half - 1))
        corner = [QPointF(half, 2), QPointF(_ICON - 2, 2), QPointF(_ICON - 2, half)]
        painter.drawPolyline(QPolygonF(corner))
    painter.end()
    return pixmap
