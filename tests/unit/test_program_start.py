"""The program's first steps: window or command, and what happens when a library is missing."""

import sys
from pathlib import Path
from typing import Any

import pytest

from desktop_app import __main__ as start
from desktop_app import cli, gui, paths


def missing(*_: Any) -> Any:
    raise ImportError("libEGL.so.1")


def interrupted(*_: Any) -> Any:
    raise KeyboardInterrupt


def test_without_arguments_the_window_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[list[str]] = []
    monkeypatch.setattr(gui, "main", lambda paths: opened.append(paths) or 5)
    assert start.main([]) == 5
    assert opened == [[]]


def test_a_study_dropped_on_the_icon_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[list[str]] = []
    monkeypatch.setattr(gui, "main", lambda paths: opened.append(paths) or 0)
    folder = tmp_path / "a study ä 文"
    folder.mkdir()
    assert start.main([str(folder)]) == 0
    assert opened == [[str(folder)]]
    assert start.main([str(folder / "gone")]) == 2


def test_a_frozen_program_starts_itself_without_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/gliascope/gliascope")
    assert paths.program_command() == ["/opt/gliascope/gliascope", "-m", "desktop_app"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert paths.program_command() == ["/opt/gliascope/gliascope"]


def test_a_window_that_cannot_open_is_told_in_three_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gui, "main", missing)
    assert start.main([]) == 4
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "libEGL.so.1" in lines[1]


def test_a_report_that_cannot_be_drawn_is_told_in_three_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def draw(arguments: list[str], frontend: cli.Frontend) -> int:
        frontend.page_renderer()
        return 0

    monkeypatch.setattr(gui, "page_renderer", missing)
    monkeypatch.setattr(cli, "run", draw)
    assert start.main(["segment"]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "--export" in lines[2]


@pytest.mark.parametrize("arguments", [[], ["scan", "x"]])
def test_ctrl_c_while_starting_leaves_no_trace(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gui, "main", interrupted)
    monkeypatch.setattr(cli, "run", interrupted)
    assert start.main(arguments) == 130
