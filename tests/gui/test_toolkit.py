"""Faults of the toolkit itself that would end the program; seen in released versions."""

import sys

from PySide6.QtGui import QImage, QPainter


def test_calls_that_return_nothing_keep_the_count_of_none() -> None:
    # Each such call of PySide6 6.12.0 drops a reference to None. Python 3.11 aborts when none is
    # left; from 3.12 on None is immortal and this holds anyway.
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setOpacity(1.0)
    before = sys.getrefcount(None)
    for _ in range(1000):
        painter.setOpacity(1.0)
    lost = before - sys.getrefcount(None)
    painter.end()
    assert lost < 100
