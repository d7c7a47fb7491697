"""The desktop opens folders and pages for an installed program with libraries of its own."""

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer, QUrl
from PySide6.QtWidgets import QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from ui.widgets.message import open_outside

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="others have no xdg-open")


@pytest.fixture
def parent(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> QWidget:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/program")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def stand_in(folder: Path, ending: str) -> Path:
    """Put an `xdg-open` first on the path; return the file with what it was given."""
    notes = folder / "notes"
    program = folder / "xdg-open"
    program.write_text(
        f'#!/bin/sh\nprintf "%s %s" "$1" "${{LD_LIBRARY_PATH-none}}" > "{notes}.new"\n'
        f'mv "{notes}.new" "{notes}"\n{ending}\n'
    )
    program.chmod(0o755)
    return notes


def test_it_is_started_without_the_programs_own_libraries(
    parent: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    notes = stand_in(tmp_path, "exit 0")
    open_outside(QUrl.fromLocalFile("/results/Müller 1"), parent)
    qtbot.waitUntil(lambda: parent.findChild(QTimer) is None, timeout=10_000)
    assert notes.read_text() == "file:///results/M%C3%BCller%201 none"


def test_what_cannot_be_opened_is_told_with_its_place(
    parent: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    stand_in(tmp_path, "exit 3")
    open_outside(QUrl.fromLocalFile("/results/Müller 1"), parent)
    qtbot.waitUntil(lambda: parent.findChild(QMessageBox) is not None, timeout=10_000)
    told = parent.findChild(QMessageBox)
    assert isinstance(told, QMessageBox)
    assert told.text() == "The folder could not be opened."
    assert "/results/Müller 1" in told.informativeText()
    told.close()


def test_a_system_that_opens_nothing_is_told_of_too(
    parent: QWidget, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    open_outside(QUrl("https://example.org/page"), parent)
    told = parent.findChild(QMessageBox)
    assert isinstance(told, QMessageBox)
    assert told.text() == "The page could not be opened."
    assert "https://example.org/page" in told.informativeText()
    told.close()
