"""The computer is kept awake by what its system offers; nothing fails where it offers nothing."""

import ctypes
import logging
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from desktop_app import composition
from desktop_app.jobs import awake
from desktop_app.jobs.awake import kept_awake
from desktop_app.services.batch import BatchOptions

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-ins are shell scripts; Windows has one of its own"
)


class Windows:
    """Stands in for kernel32; keeps what it was told."""

    def __init__(self, answer: int) -> None:
        self.told: list[int] = []
        self._answer = answer

    def SetThreadExecutionState(self, state: int) -> int:
        self.told.append(state)
        return self._answer


def stand_in(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program of this name first on the path; return the file it notes things in."""
    folder.mkdir(exist_ok=True)
    notes = folder / "notes"
    program = folder / name
    program.write_text(f'#!/bin/sh\nnotes="{notes}"\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return notes


def wait_for(notes: Path, text: str) -> str:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        said = notes.read_text() if notes.exists() else ""
        if text in said:
            return said
        time.sleep(0.01)
    raise AssertionError(f"{text!r} was not noted")


def test_linux_is_asked_for_as_long_as_the_block_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(awake.sys, "platform", "linux")
    script = 'echo "$@" > "$notes"; cat; echo ended >> "$notes"'
    # Told to end by the pipe alone, as when this program is killed.
    script = f"trap '' TERM; {script}"
    notes = stand_in(tmp_path / "bin", "systemd-inhibit", script, monkeypatch)
    with kept_awake():
        said = wait_for(notes, "cat")
        assert "--what=sleep:idle" in said
        assert "--mode=block" in said
        assert "ended" not in said
    wait_for(notes, "ended")
    assert caplog.messages == []


def test_macos_is_asked_to_wait_for_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awake.sys, "platform", "darwin")
    script = (
        'echo "$@" > "$notes"; trap \'kill $!; echo ended >> "$notes"; exit\' TERM; sleep 60 & wait'
    )
    notes = stand_in(tmp_path / "bin", "caffeinate", script, monkeypatch)
    with kept_awake():
        assert f"-w {awake.os.getpid()}" in wait_for(notes, "-w")
    wait_for(notes, "ended")


@pytest.mark.parametrize("answer", [1, 0])
def test_windows_is_told_and_told_again_at_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: int
) -> None:
    caplog.set_level(logging.INFO)
    kernel = Windows(answer)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(awake.sys, "platform", "win32")
    with kept_awake():
        assert kernel.told == [0x80000001]
    assert kernel.told == [0x80000001, 0x80000000]
    assert ("may fall asleep" in caplog.text) is (answer == 0)


def test_a_refusal_is_logged_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(awake.sys, "platform", "linux")
    script = "echo 'Failed to inhibit: Access denied' >&2; exit 1"
    stand_in(tmp_path / "bin", "systemd-inhibit", script, monkeypatch)
    with kept_awake():
        end = time.monotonic() + 10
        while "Access denied" not in caplog.text and time.monotonic() < end:
            time.sleep(0.01)
    assert "may fall asleep" in caplog.text
    assert "systemd-inhibit ended with code 1. Failed to inhibit: Access denied" in caplog.text


def test_without_the_systems_program_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(awake.sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    with kept_awake():
        pass
    assert "there is no systemd-inhibit" in caplog.text


def test_a_program_that_cannot_be_started_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(awake.sys, "platform", "linux")
    stand_in(tmp_path / "bin", "systemd-inhibit", "", monkeypatch)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with kept_awake():
        pass
    assert "Cannot allocate memory" in caplog.text


def test_a_frozen_programs_libraries_stay_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awake.sys, "platform", "linux")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/frozen")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/before")
    script = 'echo "path $LD_LIBRARY_PATH" > "$notes"; cat'
    notes = stand_in(tmp_path / "bin", "systemd-inhibit", script, monkeypatch)
    with kept_awake():
        assert wait_for(notes, "path").strip() == "path /before"


def test_window_and_command_line_keep_the_computer_awake(tmp_path: Path) -> None:
    with composition.build(user_data=tmp_path) as services:
        batch = services.make_batch(tmp_path, tmp_path / "out", BatchOptions())
    assert batch._awake is kept_awake
