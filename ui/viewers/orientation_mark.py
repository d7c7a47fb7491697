"""A small sphere of letters that shows which side of the patient is where."""

import math

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen

from ui.viewers import style
from ui.viewers.orbit_camera import OrbitCamera

_RADIUS = 26.0
_LETTER_REACH = 9.0
SIDES_LPS: dict[str, tuple[int, int, int]] = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}


def _seen(camera: OrbitCamera, centre: QPointF) -> list[tuple[str, QPointF, float]]:
    """Return letter, place and nearness (-1 far, 1 near), the farthest first."""
    seen = []
    for letter, side in SIDES_LPS.items():
        right, up, back = (float(part) for part in np.array(side) @ camera.axes_lps)
        at = QPointF(centre.x() + right * _RADIUS, centre.y() - up * _RADIUS)
        seen.append((letter, at, back))
    return sorted(seen, key=lambda one: one[2])


def side_at(camera: OrbitCamera, centre: QPointF, position: QPointF) -> str | None:
    """Return the letter at a pixel position, the nearer one where two overlap."""
    for letter, at, _ in reversed(_seen(camera, centre)):
        if math.hypot(position.x() - at.x(), position.y() - at.y()) <= _LETTER_REACH:
            return letter
    return None


def draw_orientation_mark(painter: QPainter, camera: OrbitCamera, centre: QPointF) -> None:
    """Draw the six sides round a point; those turned away are dim."""
    font = painter.font()
    font.setPixelSize(style.TEXT_PIXELS)
    font.setBold(True)
    painter.setFont(font)
    metrics = painter.fontMetrics()
    for letter, at, nearness in _seen(camera, centre):
        colour = QColor(style.LETTER)
        colour.setAlphaF(0.4 + 0.6 * (nearness + 1) / 2)
        towards = at - centre
        length = math.hypot(towards.x(), towards.y()) / _RADIUS
        if length > 0.3:  # else the line would run through its own letter
            painter.setPen(QPen(colour, 1.2))
            painter.drawLine(centre + towards * 0.15, at - towards / length * 0.3)
        painter.setPen(colour)
        half_width = metrics.horizontalAdvance(letter) / 2
        half_height = (metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(at.x() - half_width, at.y() + half_height), letter)
