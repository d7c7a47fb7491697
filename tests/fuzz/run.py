"""Damaged files by the thousand, opened in processes that are watched."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.seeds import write_seeds

ROOT = Path(__file__).resolve().parents[2]
# Of processor time, since the machine may be busy with other things; and by the clock, where a
# file makes the program wait for something that never comes.
SECONDS_PER_FILE = 5.0
WALL_SECONDS_PER_CASE = 90.0


@dataclass(slots=True)
class Report:
    """What a run found.

    Parameters
    ----------
    outcomes
        How often each outcome was seen.
    findings
        (case, what was damaged, what went wrong).
    slowest_seconds, most_bytes
        Processor time and growth of memory of a single file.
    told
        How many of the findings were printed.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[int, str, str]] = field(default_factory=list)
    slowest_seconds: float = 0.0
    most_bytes: int = 0
    told: int = 0

    def add(self, answer: dict[str, object]) -> None:
        seconds, grown = float(str(answer["seconds"])), int(str(answer["grown_bytes"]))
        self.slowest_seconds = max(self.slowest_seconds, seconds)
        self.most_bytes = max(self.most_bytes, grown)
        if answer["finding"]:
            case = int(str(answer["case"]))
            self.findings.append((case, str(answer["what"]), str(answer["finding"])))
        else:
            self.outcomes[str(answer["outcome"])] += 1


def fuzz(
    files: int,
    *,
    seed: int = 0,
    first: int = 0,
    progress: bool = False,
    patience_seconds: float = WALL_SECONDS_PER_CASE,
) -> Report:
    """Open damaged studies in child processes, one after the other.

    Parameters
    ----------
    files
        How many.
    seed
        Another seed gives other damage.
    first
        Number of the first case.
    progress
        Print a line every thousand.
    patience_seconds
        By the clock, after which a case counts as hung; more where the processor is busy.
    """
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        seeds_folder = Path(folder) / "seeds"
        seeds_folder.mkdir()
        seeds = write_seeds(seeds_folder)
        (seeds_folder / "order.txt").write_text("\n".join(map(str, seeds)))
        following = first
        while following < first + files:
            for case, answer in _child(
                seeds_folder, following, first + files, seed, patience_seconds
            ):
                if "finding" in answer:
                    report.add(answer)
                else:
                    report.findings.append((case, "", str(answer["died"])))
                following = case + 1
                if progress:
                    _tell_progress(report, following)
    return report


def _child(
    seeds: Path, first: int, last: int, seed: int, patience_seconds: float
) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield each case's answer until the process has done all, has died or hangs."""
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz.child", str(seeds)]
    command += [str(first), str(last), "1", str(seed)]
    environment = {**os.environ, "GLIASCOPE_USER_DATA": str(seeds.parent / "user"),
                   "OMP_NUM_THREADS": "1"}  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    os.set_blocking(process.stderr.fileno(), False)
    current, tail = first - 1, b""
    try:
        while True:
            line = _line(process, patience_seconds)
            tail = (tail + (process.stderr.read() or b""))[-3000:]
            if line is None:
                yield max(current, first), {"died": f"hung for {patience_seconds:.0f} s"}
                return
            if not line:
                break
            answer = json.loads(line)
            if "start" in answer:
                current = answer["start"]
                continue
            if answer["seconds"] > SECONDS_PER_FILE and not answer["finding"]:
                answer["finding"] = f"took {answer['seconds']:.1f} s"
            yield current, answer
    finally:
        process.kill()
        code = process.wait()
        tail = (tail + (process.stderr.read() or b""))[-3000:]
        process.stdout.close()
        process.stderr.close()
    if code not in (0, -9) or current < last - 1:
        yield (
            max(current, first),
            {"died": f"ended with code {code}\n{tail.decode(errors='replace')}"},
        )


def _line(process: subprocess.Popen[bytes], limit: float) -> bytes | None:
    """Return the next line, nothing at the end, ``None`` if it does not come in time."""
    assert process.stdout is not None
    stop = time.monotonic() + limit
    while (left := stop - time.monotonic()) > 0:
        if select.select([process.stdout], [], [], min(left, 0.2))[0]:
            return process.stdout.readline()
        assert process.stderr is not None
        process.stderr.read()
    return None


def _tell_progress(report: Report, following: int) -> None:
    while report.told < len(report.findings):
        case, what, finding = report.findings[report.told]
        report.told += 1
        say(f"--- case {case} ({what})\n{finding}")
    if following % 1000 == 0:
        say(f"{following}: {len(report.findings)} findings")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
