"""A small square of a region's colour, or as a map of change is painted."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from desktop_app.domain.change_marks import ChangeMark, hatching

_CHIP_PX = 14
_GROUND = QColor(20, 24, 28)


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


def change_chip(mark: ChangeMark) -> QIcon:
    """Return a small square with the outline, area and lines of one kind of change."""
    pixmap = QPixmap(_CHIP_PX, _CHIP_PX)
    pixmap.fill(_GROUND)
    area, line = QColor(*mark.rgb), QColor(*mark.rgb)
    area.setAlphaF(mark.fill_opacity)
    painter = QPainter(pixmap)
    painter.fillRect(1, 1, _CHIP_PX - 2, _CHIP_PX - 2, area)
    painter.setPen(line)
    painter.drawRect(1, 1, _CHIP_PX - 3, _CHIP_PX - 3)
    for row, column in np.argwhere(hatching((_CHIP_PX - 2, _CHIP_PX - 2), mark.hatch, 1)):
        painter.drawPoint(int(column) + 1, int(row) + 1)
    painter.end()
    return QIcon(pixmap)
