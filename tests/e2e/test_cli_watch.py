"""A watched folder end to end: a study comes, is done, and Ctrl+C ends the watch in order."""

import csv
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.command_line import ROOT, command

WAIT_SECONDS = 120.0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


def states(output: Path) -> list[str]:
    summary = output / "summary.csv"
    if not summary.exists():
        return []
    with summary.open(encoding="utf-8", newline="") as file:
        return [row["state"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_ends_in_order(nifti_study: Path, tmp_path: Path, number: signal.Signals) -> None:
    root, output = tmp_path / "in", tmp_path / "out"
    root.mkdir()
    watch = ("batch", root, "--output", output, "--watch", "--settle", "1", "--json")
    process = subprocess.Popen(
        command(*watch, "--export", "nifti,json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
    )
    children: list[psutil.Process] = []
    try:
        shutil.copytree(nifti_study, root / "ball")
        # The second is stopped in the middle.
        wanted = ["done"] if number is signal.SIGINT else ["running"]
        wait_for(lambda: states(output) == wanted)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, stderr) == (0, "")
    document = json.loads(stdout)
    assert document["schema"] == "gliascope/batch/1"
    (study,) = document["studies"]
    if number is signal.SIGINT:
        assert (study["name"], study["state"]) == ("ball", "done")
        assert all(Path(file).is_file() for file in study["files"])
        assert study["volumes_mm3"]["WT"] >= 0
    else:
        assert study["state"] == "pending"
        assert states(output) == ["pending"]
        assert not (output / "ball").exists()
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)
