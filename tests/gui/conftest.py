"""The window that several tests use; what it takes is imported where a test asks for it."""

import pytest


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
