"""Dialogs open as large as they were left, in the next window too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from desktop_app import composition
from desktop_app.paths import manual_dir
from ui.app import WindowApp
from ui.dialogs.left_out_dialog import LeftOutDialog
from ui.dialogs.time_dialog import TimeDialog
from ui.manual import manual_pages
from ui.widgets.dialog_size import kept_sizes, restore_sizes

DRAWN = QSize(640, 520)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    restore_sizes(())
    yield
    restore_sizes(())


def opened(qtbot: QtBot, dialog: QDialog) -> QDialog:
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    return dialog


def over_time() -> TimeDialog:
    return TimeDialog("Doe, Jo", Path("results"), [])


def test_each_kind_of_dialog_opens_as_large_as_it_was_left(qtbot: QtBot) -> None:
    first = opened(qtbot, over_time())
    usual = first.size()
    first.close()
    again = opened(qtbot, over_time())
    assert again.size() == usual
    assert kept_sizes() == ()
    again.resize(DRAWN)
    again.close()
    assert opened(qtbot, over_time()).size() == DRAWN
    assert opened(qtbot, LeftOutDialog("", (), None)).size() != DRAWN


def test_a_size_that_was_kept_ends_where_the_screen_does(qtbot: QtBot) -> None:
    restore_sizes(("TimeDialog 20000 20000", "TimeDialog 0 5", "LeftOutDialog", "a b c"))
    assert kept_sizes() == ("TimeDialog 20000 20000",)
    dialog = opened(qtbot, over_time())
    room = dialog.screen().availableSize()
    assert dialog.width() <= room.width()
    assert dialog.height() <= room.height()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_the_next_window_opens_them_as_large_as_this_one_left_them(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    page = manual_pages(manual_dir())[0].file
    with composition.build(user_data=tmp_path) as services:
        sizes = []
        for _ in range(2):
            app = WindowApp(qapp, services)
            qtbot.addWidget(app.window)
            app.window.show_manual(page)
            (manual,) = app.window.findChildren(QDialog)
            sizes.append(manual.size())
            manual.resize(DRAWN)
            # While the manual is open
            app.window.close()
            restore_sizes(())
    assert sizes[0] != DRAWN
    assert sizes[1] == DRAWN
