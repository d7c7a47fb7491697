"""The program's first steps: window or command, and what happens when a library is missing."""

import sys
from pathlib import Path
from typing import Any

import pytest

from desktop_app import __main__ as start
from desktop_app import cli, gui, paths


def missing(*_: Any) -> Any:
    raise ImportError("libEGL.so.1")


def broken(*_: Any) -> Any:
    raise ValueError("a bug")


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


@pytest.fixture
def blocked_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for the user's data where no folder can be made."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(paths.USER_DATA_VARIABLE, str(tmp_path / "file" / "data"))
    return tmp_path / "file" / "data"


@pytest.mark.parametrize("arguments", [[], ["choices", "list"]])
def test_where_the_users_data_cannot_lie_three_lines_tell_it(
    arguments: list[str],
    blocked_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(gui, "main", lambda _: len(str(paths.user_data_dir())))
    assert start.main(arguments) == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "The folder for the program's own data cannot be used."
    assert str(blocked_data) in lines[1]
    assert paths.USER_DATA_VARIABLE in lines[2]


def test_a_defect_while_the_window_starts_leaves_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(paths.USER_DATA_VARIABLE, str(tmp_path))
    monkeypatch.setattr(gui, "main", broken)
    assert start.main([]) == 70
    lines = capsys.readouterr().err.splitlines()
    (report,) = (tmp_path / "crashes").iterdir()
    assert str(report) in lines[1]
    assert "a bug" in report.read_text("utf-8")
    assert len(lines) == 3


@pytest.mark.usefixtures("blocked_data")
def test_where_no_report_can_be_kept_none_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gui, "main", broken)
    assert start.main([]) == 70
    lines = capsys.readouterr().err.splitlines()
    assert "ValueError: a bug" in lines[1]
    assert "file" not in lines[2]


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere there is always a display"
)
def test_without_a_display_three_lines_tell_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(paths.USER_DATA_VARIABLE, str(tmp_path))
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    # Qt would end the test's own process.
    monkeypatch.setattr("ui.application.make_application", missing)
    assert start.main([]) == 4
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "There is no display."
    assert len(lines) == 3
