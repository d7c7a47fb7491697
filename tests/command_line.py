"""Runs the program as its users do: in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def gliascope(
    *arguments: str | Path,
    timeout: float = 240,
    before: Callable[[], None] | None = None,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run one command.

    Parameters
    ----------
    before
        Called in the new process before the program starts.
    """
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "", **environment},
        preexec_fn=before,
        check=False,
    )


def command(*arguments: str | Path) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "desktop_app", *map(str, arguments)]


def assert_three_lines(run: subprocess.CompletedProcess[str], code: int) -> list[str]:
    """Check that a run failed as an expected error does; returns the three lines."""
    assert run.returncode == code, run.stderr
    assert run.stdout == ""
    lines = run.stderr.splitlines()
    assert len(lines) == 3, run.stderr
    assert all(line.strip() for line in lines)
    assert "Traceback" not in run.stderr
    return lines
