"""Colours and sizes of the views: dark in both themes, as reading rooms are."""

from PySide6.QtGui import QColor

BACKGROUND = QColor(0, 0, 0)
SCENE_BACKGROUND = QColor(14, 17, 21)
GAP = QColor(22, 25, 29)
TEXT = QColor(214, 220, 226)
DIM_TEXT = QColor(172, 181, 190)
HALO = QColor(0, 0, 0, 200)
LETTER = QColor(255, 214, 102)
CROSSHAIR = QColor(86, 204, 242, 190)
FOCUS = QColor(59, 178, 200)
RULER = QColor(110, 235, 150)
FRAME = QColor(38, 43, 49)
TEXT_PIXELS = 12
LETTER_PIXELS = 15
HEADING_PIXELS = 16
MARGIN = 8
"""Distance of texts from the edge, logical pixels."""
