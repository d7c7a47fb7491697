"""The window that several tests use; what it takes is imported where a test asks for it."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget


@pytest.fixture(autouse=True)
def _keys_released() -> Iterator[None]:
    """Let go of Ctrl and Shift: Qt holds those of the last key for down, in every later test."""
    yield
    if isinstance(QApplication.instance(), QApplication):
        QTest.keyRelease(QWidget(), Qt.Key.Key_Control)


@pytest.fixture
def window(qtbot, qapp):
    """The program's window as it starts, on the screen."""
    from tests.window_cases import make_window

    window = make_window(qapp)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


@pytest.fixture
def study_window(window):
    """The window with a study that has not been segmented."""
    from tests.window_cases import show_study

    show_study(window)
    return window
