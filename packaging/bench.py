"""What ``dev.py bench`` starts: the network's benchmark, or the whole command's on a study.

``--registration DIR`` moves real patients' images by known amounts and finds them again; see
``bench_registration``. ``--command STUDY`` runs ``segment`` as a user would, in processes of its
own, and prints the seconds of each stage and the peak memory of all its processes together.
``--scan`` times how a folder of 10,000 files is looked through, see `bench_scan`; ``--load`` how a
series becomes a volume, see `bench_load`; ``--start PROGRAM`` how soon a frozen program is there,
see `bench_start`. Everything else is passed on to ``python -m model.bench``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import bench_load
import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("import", "preprocess", "inference", "postprocess", "export", "total")

# What a BraTS patient of 240 × 240 × 155 voxels may take on two processor cores.
AIMS = {"inference": 5.0, "command": 15.0, "peak_gb": 2.5}

SAMPLING_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class CommandFigures:
    """One run of ``segment``.

    Parameters
    ----------
    stages
        Seconds of each stage, as the results say.
    command_seconds
        Wall time from the start of the interpreter to its end.
    cpu_seconds
        Processor time of the command and the processes it started, which load by others disturbs
        less than wall time; ``None`` where the system does not tell.
    peak_bytes
        Most memory held at one time by the command and the processes it started; memory that
        they share counts once for each.
    """

    stages: dict[str, float]
    command_seconds: float
    cpu_seconds: float | None
    peak_bytes: int


def time_command(study: Path, arguments: list[str]) -> CommandFigures:
    """Run ``segment`` on a study and watch it.

    Raises
    ------
    SystemExit
        With the command's exit code, if it failed; it has said why.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "desktop_app", "segment", str(study)]
        command += ["--output", folder, "--quiet", *arguments]
        started, cpu_before = time.perf_counter(), children_cpu_seconds()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        peak = 0
        while process.poll() is None:
            peak = max(peak, tree_bytes(process.pid))
            time.sleep(SAMPLING_SECONDS)
        seconds = time.perf_counter() - started
        if process.returncode != 0:
            raise SystemExit(process.returncode)
        cpu = None if cpu_before is None else (children_cpu_seconds() or 0.0) - cpu_before
        results = next(Path(folder).rglob("measurements.json"))
        document = json.loads(results.read_text(encoding="utf-8"))
    return CommandFigures(document["provenance"]["seconds"], seconds, cpu, peak)


def tree_bytes(pid: int) -> int:
    """Return the resident memory of a process and all below it; 0 if it has ended."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def children_cpu_seconds() -> float | None:
    """Return the processor time of all processes below this one that have ended."""
    if os.name != "posix":
        return None
    times = os.times()
    return times.children_user + times.children_system


def print_command(figures: CommandFigures, study: Path) -> None:
    """Print the figures beside what they may be."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    table = Table(title=f"segment {study.name}: {psutil.cpu_count(logical=False)} cores{load}")
    table.add_column("")
    table.add_column("measured", justify="right")
    table.add_column("aim", justify="right")
    for stage in STAGES:
        aim = f"≤ {AIMS[stage]:.0f} s" if stage in AIMS else ""
        table.add_row(stage, f"{figures.stages.get(stage, 0.0):.2f} s", aim)
    table.add_row("whole command", f"{figures.command_seconds:.2f} s", f"≤ {AIMS['command']:.0f} s")
    if figures.cpu_seconds is not None:
        table.add_row("processor time", f"{figures.cpu_seconds:.2f} s", "")
    peak_gb = figures.peak_bytes / 1e9
    table.add_row("peak memory", f"{peak_gb:.2f} GB", f"≤ {AIMS['peak_gb']} GB")
    Console().print(table)


def main() -> int:
    """Measure and return the exit code."""
    # What is measured has options of its own, and tells them after `--help`.
    parser = argparse.ArgumentParser(
        prog="dev.py bench", description=__doc__, usage="%(prog)s [MODE] [OPTIONS]", add_help=False
    )
    modes = parser.add_argument_group("modes; without one, the network is measured")
    modes.add_argument("--command", type=Path, metavar="STUDY", help="`segment` as a user runs it")
    modes.add_argument("--scan", action="store_true", help="looking through 10,000 files")
    modes.add_argument("--load", action="store_true", help="reading series into volumes")
    modes.add_argument("--registration", action="store_true", help="finding images that were moved")
    modes.add_argument("--start", action="store_true", help="the start of a frozen program")
    options, others = parser.parse_known_args()
    if options.registration:
        import bench_registration

        return bench_registration.main(others)
    if options.scan:
        import bench_scan

        return bench_scan.main(others)
    if options.start:
        import bench_start

        return bench_start.main(others)
    if options.load:
        return bench_load.main(others)
    if options.command is None:
        if {"-h", "--help"} & set(others):
            print(parser.format_help(), flush=True)
        command = [sys.executable, "-m", "model.bench", *others]
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    as_json = "--json" in others
    figures = time_command(options.command, [word for word in others if word != "--json"])
    if as_json:
        print(json.dumps(asdict(figures), indent=2))
    else:
        print_command(figures, options.command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
