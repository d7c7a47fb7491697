"""What a command prints where nobody can take it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_app.cli.console import print_note, print_result, print_table
from desktop_app.errors import ExitCode


def test_without_streams_nothing_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    print_result("text")
    print_table(["a"], [["b"]])
    print_note("text")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
@pytest.mark.parametrize("command", [["--version"], ["model", "list"]])
def test_a_full_disk_under_stdout_is_no_defect(command: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "desktop_app", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
        )
    assert done.returncode == ExitCode.INPUT
    title, detail, _ = done.stderr.splitlines()
    assert title == "What the command prints cannot be written."
    assert detail.startswith("Standard output: ")
    assert not list(tmp_path.rglob("crash-*"))
