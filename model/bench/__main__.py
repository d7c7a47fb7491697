"""Measures the network: ``python -m model.bench --help``."""

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import torch
from rich.console import Console
from rich.table import Table

from model.bench.measure import Figures, Job
from model.bench.networks import OURS, peers
from model.messages import DEFAULT_MODEL, Precision
from model.weights import DEFAULT_FOLDER

_PROJECT = Path(__file__).resolve().parents[2]
_PRECISIONS = (Precision.FP32, Precision.BF16)


@dataclass(frozen=True, slots=True)
class Row:
    """One network's figures at one patch."""

    network: str
    size: Figures
    patches: dict[str, Figures]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and return the exit code."""
    options = _parser().parse_args(arguments)
    errors = Console(stderr=True)
    base = Job(
        "size",
        weights_dir=str(options.weights),
        model_name=options.model,
        device=options.device,
        side=options.side,
        case=str(options.data.resolve()) if options.data else "",
    )
    names = [OURS, *(peers(options.side) if options.peers else ())]
    try:
        rows = [_measure_network(replace(base, network=name), errors) for name in names]
        patients = [
            _measure(replace(base, kind="patient", precision=precision), errors)
            for precision in (Precision.AUTO, Precision.FP32)
        ]
    except subprocess.CalledProcessError as error:
        errors.print(error.stderr, style="red", markup=False)
        return 4
    if options.json:
        document = {"machine": machine(), "networks": [*map(asdict, rows)], "patients": patients}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        _print_tables(_wide_console(), rows, patients, options.side, options.data)
    return 0


def machine() -> dict[str, Any]:
    """Describe the machine; figures mean little where its load exceeds its cores."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": torch.cpu.get_capabilities().get("cpu_name") or platform.machine(),
        "physical_cores": psutil.cpu_count(logical=False),
        "memory_bytes": psutil.virtual_memory().total,
        "load": load,
    }


def _measure_network(job: Job, console: Console) -> Row:
    patches = {
        precision.value: _measure(replace(job, kind="patch", precision=precision), console)
        for precision in _PRECISIONS
    }
    return Row(job.network, _measure(replace(job, kind="size"), console), patches)


def _measure(job: Job, console: Console) -> Figures:
    with console.status(f"{job.network}: {job.kind} {job.precision}"):
        answer = subprocess.run(
            [sys.executable, "-m", "model.bench.measure", json.dumps(asdict(job))],
            cwd=_PROJECT,
            check=True,
            capture_output=True,
            text=True,
        )
    figures: Figures = json.loads(answer.stdout.splitlines()[-1])
    return figures


def _print_tables(
    console: Console, rows: list[Row], patients: list[Figures], side: int, case: Path | None
) -> None:
    about = machine()
    load = "" if about["load"] is None else f", load {about['load']:.1f}"
    console.print(f"{about['physical_cores']} cores ({about['processor']}){load}", markup=False)
    table = Table(title=f"One patch of 4 × {side}³ voxels, channels last")
    for heading in ("network", "parameters", "GMAC"):
        is_name = heading == "network"
        table.add_column(heading, justify="left" if is_name else "right", no_wrap=is_name)
    for precision in _PRECISIONS:
        for heading in ("s", "cpu s", "peak GB"):
            table.add_column(f"{precision} {heading}", justify="right")
    for row in rows:
        cells = [
            row.network,
            f"{float(row.size['parameters']) / 1e6:.2f} M",
            f"{row.size['gmac']:.1f}",
        ]
        for figures in row.patches.values():
            cells += _cells(figures)
        table.add_row(*cells)
    console.print(table)
    what = case.name if case else "a brain-shaped image"
    table = Table(title=f"A whole patient of 240 × 240 × 155 voxels ({what}), network loaded")
    for heading in ("device", "precision", "s", "cpu s", "peak GB"):
        table.add_column(heading, justify="left" if heading in ("device", "precision") else "right")
    for figures in patients:
        table.add_row(str(figures["device"]), str(figures["precision"]), *_cells(figures))
    console.print(table)
    console.print("s: wall clock; cpu s: all threads together, which other load disturbs less.")


def _wide_console() -> Console:
    """Return a console that does not squeeze tables to 80 columns when written to a file."""
    return Console() if sys.stdout.isatty() else Console(width=120)


def _cells(figures: Figures) -> list[str]:
    return [
        f"{figures['seconds']:.2f}",
        f"{figures['cpu_seconds']:.2f}",
        f"{float(figures['peak_bytes']) / 1e9:.2f}",
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.bench",
        description="Parameters, operations, seconds and memory of the network.",
    )
    parser.add_argument("--peers", action="store_true", help="measure the field's networks too")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--data", type=Path, help="folder of one patient in BraTS' layout")
    parser.add_argument("--side", type=int, default=128, help="side of the patch in voxels")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or mps")
    parser.add_argument("--weights", type=Path, default=DEFAULT_FOLDER, help="folder of weights")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name of the weights")
    return parser


if __name__ == "__main__":
    sys.exit(main())
