"""A small sphere of letters that shows which side of the patient is where."""

import math

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen

from ui.viewers import style
from ui.viewers.orbit_camera import OrbitCamera

_RADIUS = 26.0
_SIDES = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}


def draw_orientation_mark(painter: QPainter, camera: OrbitCamera, centre: QPointF) -> None:
    """Draw the six sides round a point; those turned away are dim."""
    font = painter.font()
    font.setPixelSize(style.TEXT_PIXELS)
    font.setBold(True)
    painter.setFont(font)
    metrics = painter.fontMetrics()
    seen = {letter: np.array(side) @ camera.axes_lps for letter, side in _SIDES.items()}
    for letter, (right, up, back) in sorted(seen.items(), key=lambda item: float(item[1][2])):
        colour = QColor(style.LETTER)
        colour.setAlphaF(0.35 + 0.65 * (float(back) + 1) / 2)
        at = QPointF(centre.x() + float(right) * _RADIUS, centre.y() - float(up) * _RADIUS)
        length = math.hypot(right, up)
        if length > 0.3:
            towards = at - centre
            painter.setPen(QPen(colour, 1.2))
            painter.drawLine(centre + towards * 0.15, at - towards / length * 0.3)
        painter.setPen(colour)
        painter.drawText(
            QPointF(
                at.x() - metrics.horizontalAdvance(letter) / 2,
                at.y() + (metrics.ascent() - metrics.descent()) / 2,
            ),
            letter,
        )
