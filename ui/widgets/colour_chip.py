"""A small square of a region's colour."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

_CHIP_PX = 14


def colour_chip(rgb: tuple[int, int, int]) -> QIcon:
    """Return a small square of this colour."""
    pixmap = QPixmap(_CHIP_PX, _CHIP_PX)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(*rgb))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawRoundedRect(0, 0, _CHIP_PX, _CHIP_PX, 3, 3)
    painter.end()
    return QIcon(pixmap)
