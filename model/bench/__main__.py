"""Measures the network: ``python -m model.bench --help``."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import psutil
import torch
from rich.console import Console

from model.bench.measure import Figures, Job
from model.bench.networks import BUNDLE, HEAVIER, Contender, ours, peers, shipped_settings
from model.bench.tables import Row, as_document, estimated, print_tables, window_count
from model.device import best_precision
from model.inference.settings import WHOLE, InferenceSettings
from model.messages import DEFAULT_MODEL, Precision
from model.weights import DEFAULT_FOLDER

_PROJECT = Path(__file__).resolve().parents[2]

# What a PC without AVX-512 and AMX has; torch, oneDNN and MKL each ask for themselves.
_OLDER_PC: Final = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}

_BUDGET_S: Final = 10.0
_QUICK_BUDGET_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Parameters
    ----------
    quick
        Peers in float32 alone, everything repeated less, no peer looks at a whole patient.
    full
        All peers look at a whole patient, which takes them minutes; else `BUNDLE` alone does.
    bf16
        Measure bfloat16 too; else as on a processor without it.
    """

    quick: bool
    full: bool
    bf16: bool


class Bench:
    """Runs measurements one after the other, each in a process of its own, and says which."""

    def __init__(self, plan: Plan, base: Job, told: Console) -> None:
        self.plan = plan
        self.base = base
        self._told = told
        self._environment = {**os.environ, **({} if plan.bf16 else _OLDER_PC)}

    def limits(self) -> Figures:
        """Measure the machine."""
        return self._measure(replace(self.base, kind="limits", precision=self._best))

    def row(self, network: Contender) -> Row:
        """Measure one network."""
        job = replace(self.base, network=network.name)
        patches = {
            precision.value: self._measure(replace(job, kind="patch", precision=precision))
            for precision in self._formats(network)
        }
        if network.config is None:
            patients = self._patients_of_peer(network, job, patches[Precision.FP32])
            return Row(network.name, patches, patients, is_peer=True)
        return Row(network.name, patches, self._patients(network, job))

    def _formats(self, network: Contender) -> list[Precision]:
        if self._best is not Precision.BF16 or (self.plan.quick and network.config is None):
            return [Precision.FP32]
        return [Precision.FP32, Precision.BF16]

    @property
    def _best(self) -> Precision:
        if not self.plan.bf16:
            return Precision.FP32
        return best_precision(torch.device(self.base.device))

    def _patients(self, network: Contender, job: Job) -> dict[str, Figures]:
        """Measure ours as shipped, then in one pass and in windows where that is another way."""
        ways = [shipped_settings(network.config, Path(job.weights_dir), job.model_name)]
        if network.name != HEAVIER:
            others = (InferenceSettings(window=None), InferenceSettings())
            ways += [other for other in others if other not in ways]
        job = replace(job, kind="patient", precision=self._best)
        return {
            _in_words(way): self._measure(
                replace(job, window=str(way.window or WHOLE), mirror=way.mirror)
            )
            for way in ways
        }

    def _patients_of_peer(self, network: Contender, job: Job, patch: Figures) -> dict[str, Figures]:
        found = {f"≈ {window_count(job.side)} × one window": estimated(patch, job.side)}
        if self.plan.full or (network.name == BUNDLE and not self.plan.quick):
            sliding = self._measure(replace(job, kind="sliding", precision=Precision.FP32))
            return {"MONAI's sliding window": sliding, **found}
        return found

    def _measure(self, job: Job) -> Figures:
        started = time.perf_counter()
        figures = _in_process(job, self._environment)
        network = "machine" if job.kind == "limits" else job.network
        precision = "" if job.kind == "limits" else f" {job.precision}"
        precision += f" {job.window}" if job.kind == "patient" else ""
        precision += " mirrored too" if job.mirror else ""
        seconds = f"{figures['seconds']:.3f} s, " if "seconds" in figures else ""
        self._told.print(
            f"{network}: {job.kind}{precision}: {seconds}"
            f"measured in {time.perf_counter() - started:.0f} s",
            markup=False,
            highlight=False,
        )
        return figures


def _in_words(way: InferenceSettings) -> str:
    window = WHOLE if way.window is None else f"windows of {way.window}³"
    return f"{window} and its mirror image" if way.mirror else window


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and return the exit code."""
    options = _parser().parse_args(arguments)
    told = Console(stderr=True)
    plan = Plan(options.quick, options.full, options.bf16)
    base = Job(
        "size",
        weights_dir=str(options.weights),
        model_name=options.model,
        device=options.device,
        side=options.side,
        budget_s=_QUICK_BUDGET_S if options.quick else _BUDGET_S,
        case=str(options.data.resolve()) if options.data else "",
    )
    about = machine(options.device, bf16=options.bf16)
    bench = Bench(plan, base, told)
    networks = ours(options.weights, options.model) + (peers() if options.peers else [])
    try:
        limits = bench.limits()
        rows = [bench.row(network) for network in networks]
    except subprocess.CalledProcessError as error:
        told.print(error.stderr, style="red", markup=False)
        return 4
    if options.json:
        document = as_document(about, limits, rows)
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        print_tables(_wide_console(), about, limits, rows, options.side)
    return 0


def machine(device: str = "cpu", *, bf16: bool = True) -> dict[str, Any]:
    """Describe the machine; figures mean little where others kept it busy before the start."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    return {
        "processor": torch.cpu.get_capabilities().get("cpu_name") or platform.machine(),
        "physical_cores": psutil.cpu_count(logical=False),
        "memory_bytes": psutil.virtual_memory().total,
        "load": load,
        "device": name,
        "instructions": "" if bf16 else "held to AVX2, as an older PC",
        "torch": torch.__version__,
    }


def _in_process(job: Job, environment: Mapping[str, str]) -> Figures:
    answer = subprocess.run(
        [sys.executable, "-m", "model.bench.measure", json.dumps(asdict(job))],
        cwd=_PROJECT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    figures: Figures = json.loads(answer.stdout.splitlines()[-1])
    return figures


def _wide_console() -> Console:
    """Return a console that does not squeeze tables to 80 columns when written to a file."""
    return Console() if sys.stdout.isatty() else Console(width=140)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.bench",
        description="Parameters, operations, seconds and memory of the networks.",
    )
    parser.add_argument("--peers", action="store_true", help="measure the field's networks too")
    parser.add_argument("--quick", action="store_true", help="some minutes instead of ten")
    parser.add_argument(
        "--full", action="store_true", help="all peers look at a whole patient: many minutes"
    )
    parser.add_argument(
        "--no-bf16",
        dest="bf16",
        action="store_false",
        help="as on an older PC: float32 and AVX2 alone",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--data", type=Path, help="folder of one patient in BraTS' layout")
    parser.add_argument("--side", type=int, default=128, help="side of the patch in voxels")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or mps")
    parser.add_argument("--weights", type=Path, default=DEFAULT_FOLDER, help="folder of weights")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name of the weights")
    return parser


if __name__ == "__main__":
    sys.exit(main())
