"""Measures one thing and prints it as JSON; started by ``python -m model.bench`` for each figure.

Peak memory only means something in a process that did nothing else.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from model.allocator import keep_freed_memory
from model.bench.networks import OURS, peers, shipped
from model.data import load_case
from model.device import DTYPES, use_physical_cores
from model.inference import Segmenter
from model.messages import InferenceRequest, Precision
from model.network import BOUNDARY, SlimUNETRpp
from model.weights import save_network

Figures = dict[str, float | str]

REPEATS = 3


@dataclass(frozen=True, slots=True)
class Job:
    """What to measure.

    Parameters
    ----------
    kind
        ``size``, ``patch`` or ``patient``.
    network
        Name of the network, see `model.bench.networks`.
    weights_dir, model_name
        The shipped weights.
    device, precision
        As in an inference request.
    side
        Side of the patch in voxels.
    channels_last
        Layout of weights and activations, for ``patch``.
    case
        Folder of a patient in BraTS' layout, for ``patient``; empty for a made-up one.
    """

    kind: str
    network: str = OURS
    weights_dir: str = ""
    model_name: str = ""
    device: str = "cpu"
    precision: str = Precision.FP32
    side: int = 128
    channels_last: bool = True
    case: str = ""


def main() -> None:
    """Measure what the first argument, a `Job` in JSON, asks for."""
    job = Job(**json.loads(sys.argv[1]))
    use_physical_cores()
    keep_freed_memory()
    torch.manual_seed(0)
    measure = {"size": measure_size, "patch": measure_patch, "patient": measure_patient}[job.kind]
    figures = measure(job)
    sys.stdout.write(json.dumps(figures) + "\n")


def brain_shaped_image() -> NDArray[np.float32]:
    """Return (4, 155, 240, 240) noise inside an ellipsoid of a brain's usual size."""
    shape, half_axes = (155, 240, 240), (70, 88, 68)
    axes = [(np.arange(n) - n / 2) / half for n, half in zip(shape, half_axes, strict=True)]
    k, j, i = np.meshgrid(*axes, indexing="ij", sparse=True)
    inside = k**2 + j**2 + i**2 <= 1
    noise = np.random.default_rng(0).uniform(50, 200, (4, *shape)).astype(np.float32)
    return noise * inside


def measure_size(job: Job) -> Figures:
    """Count parameters, and multiplications with additions of one patch."""
    # Shapes are enough to count operations, and cost nothing.
    network = _network(job).eval().requires_grad_(requires_grad=False).to("meta")
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(torch.zeros((1, 4, *[job.side] * 3), device="meta"))
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        # One multiplication and one addition are two operations.
        "gmac": counter.get_total_flops() / 2e9,
    }


def measure_patch(job: Job) -> Figures:
    """Time the forward pass of one patch, the fastest of a few, after a warm-up."""
    device, dtype = torch.device(job.device), DTYPES[Precision(job.precision)]
    layout = torch.channels_last_3d if job.channels_last else torch.contiguous_format
    network = _network(job).eval().to(device, dtype)
    for parameter in network.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=layout)
    image = torch.randn((1, 4, *[job.side] * 3)).to(device, dtype)
    image = image.contiguous(memory_format=layout)
    timings = []
    with torch.inference_mode():
        network(image)
        for _ in range(REPEATS):
            with _Stopwatch(device) as watch:
                network(image)
            timings.append(watch)
    best = min(timings, key=lambda watch: watch.seconds)
    return {**best.figures(), "peak_bytes": peak_bytes(device)}


def measure_patient(job: Job) -> Figures:
    """Time the whole of inference, from raw intensities to labels, with the network loaded."""
    image = load_case(Path(job.case)).images_ckji if job.case else brain_shaped_image()
    with TemporaryDirectory() as folder:
        weights_dir = Path(job.weights_dir)
        if not (weights_dir / f"{job.model_name}.safetensors").is_file():
            weights_dir = Path(folder)
            network = SlimUNETRpp(BOUNDARY)
            save_network(weights_dir, job.model_name, BOUNDARY, network.state_dict(), {})
        request = InferenceRequest(
            image,
            (True, True, True, True),
            weights_dir,
            device=job.device,
            precision=job.precision,
            model_name=job.model_name,
        )
        segmenter = Segmenter()
        segmenter.warm(weights_dir, job.model_name, job.device, job.precision)
        with _Stopwatch(torch.device("cpu")) as watch:
            result = segmenter.segment(request)
    return {
        **watch.figures(),
        "peak_bytes": peak_bytes(torch.device(result.device)),
        "device": result.device,
        "precision": result.precision,
    }


def peak_bytes(device: torch.device) -> int:
    """Return the most memory this process has used: of the device, or of the processor."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class _Stopwatch:
    """Wall seconds, and the processor seconds that all threads took together."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    def __enter__(self) -> Self:
        self._synchronise()
        self._started = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._synchronise()
        self.seconds = time.perf_counter() - self._started[0]
        self.cpu_seconds = time.process_time() - self._started[1]

    def figures(self) -> Figures:
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds}

    def _synchronise(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _network(job: Job) -> nn.Module:
    if job.network == OURS:
        return shipped(Path(job.weights_dir), job.model_name)
    return peers(job.side)[job.network]()


if __name__ == "__main__":
    main()
