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
from model.bench.limits import Traffic, matrix_rate, memory_bandwidth
from model.bench.networks import OURS, Contender, contender, is_installed
from model.data import load_case
from model.device import DTYPES, DeviceChoice, use_physical_cores
from model.inference import Segmenter
from model.inference.settings import WHOLE, InferenceSettings
from model.messages import InferenceRequest, Precision
from model.network import BOUNDARY, build_network
from model.weights import read_card, save_network

Figures = dict[str, float | str]

# The made-up patient and BraTS' grid, k, j, i.
SHAPE_KJI = (155, 240, 240)

_MOST_REPEATS = 10

# Random weights would call half of the brain tumour, which no patient's labels look like.
_TUMOUR_IS_RARE = 3.0


@dataclass(frozen=True, slots=True)
class Job:
    """What to measure.

    Parameters
    ----------
    kind
        ``size``, ``patch``, ``patient``, ``sliding`` (a patient by MONAI's sliding window) or
        ``limits``.
    network
        Name of the network, see `model.bench.networks`.
    weights_dir, model_name
        The installed weights.
    device, precision
        As in an inference request; of ``limits`` the faster format, fp32 being measured anyway.
    side
        Side of the patch in voxels.
    budget_s
        A patch is repeated until this time has passed, at least once and ten times at the most.
    case
        Folder of a patient in BraTS' layout, for ``patient``; empty for a made-up one.
    window
        How a network of ours looks at a patient: ``whole`` or the side of its windows.
    mirror
        Whether it looks at the mirrored patient too.
    """

    kind: str
    network: str = OURS
    weights_dir: str = ""
    model_name: str = ""
    device: str = "cpu"
    precision: str = Precision.FP32
    side: int = 128
    budget_s: float = 10.0
    case: str = ""
    window: str = WHOLE
    mirror: bool = False

    def contender(self) -> Contender:
        """Return the network to measure."""
        return contender(self.network, Path(self.weights_dir), self.model_name)


def main() -> None:
    """Measure what the first argument, a `Job` in JSON, asks for."""
    job = Job(**json.loads(sys.argv[1]))
    use_physical_cores()
    keep_freed_memory()
    torch.manual_seed(0)
    measure = {
        "size": measure_size,
        "patch": measure_patch,
        "patient": measure_patient,
        "sliding": measure_sliding,
        "limits": measure_limits,
    }[job.kind]
    figures = measure(job)
    sys.stdout.write(json.dumps(figures) + "\n")


def brain_shaped_image() -> NDArray[np.float32]:
    """Return (4, 155, 240, 240) noise inside an ellipsoid of a brain's usual size."""
    shape, half_axes = SHAPE_KJI, (70, 88, 68)
    axes = [(np.arange(n) - n / 2) / half for n, half in zip(shape, half_axes, strict=True)]
    k, j, i = np.meshgrid(*axes, indexing="ij", sparse=True)
    inside = k**2 + j**2 + i**2 <= 1
    noise = np.random.default_rng(0).uniform(50, 200, (4, *shape)).astype(np.float32)
    return noise * inside


def measure_size(job: Job) -> Figures:
    """Count parameters, and multiplications with additions of one patch."""
    # Shapes are enough to count operations, and cost nothing.
    network = job.contender().build(job.side).eval().requires_grad_(requires_grad=False).to("meta")
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(torch.zeros((1, 4, *[job.side] * 3), device="meta"))
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        # One multiplication and one addition are two operations.
        "gmac": counter.get_total_flops() / 2e9,
    }


def measure_patch(job: Job) -> Figures:
    """Time the forward pass of one patch, the fastest of a few.

    Our networks are prepared as the product prepares them, peers as their library leaves them;
    in bfloat16 peers get channels-last too, without which it does not pay. What takes longer than
    the budget is timed once.
    """
    choice, is_ours = _choice(job), job.contender().config is not None
    network, layout = _prepared(job)
    image = torch.randn((1, 4, *[job.side] * 3)).to(choice.device, choice.dtype)
    image = image.contiguous(memory_format=layout)
    timings: list[_Stopwatch] = []
    ends = time.perf_counter() + job.budget_s
    with torch.inference_mode():
        while len(timings) < _MOST_REPEATS and (not timings or time.perf_counter() < ends):
            with _Stopwatch(choice.device) as watch:
                network(image)
            timings.append(watch)
        best = min(timings, key=lambda watch: watch.seconds)
        figures = {
            **best.figures(),
            "repeats": len(timings),
            "peak_bytes": peak_bytes(choice.device),
        }
        if not is_ours:  # nothing is fused, so shapes are enough, and cost nothing
            network, image = network.to("meta"), image.to("meta")
        with Traffic() as traffic:
            network(image)
    return {**figures, "traffic_bytes": traffic.bytes} | measure_size(job)


def measure_patient(job: Job) -> Figures:
    """Time the whole of inference, from raw intensities to labels, with the network loaded."""
    image = load_case(Path(job.case)).images_ckji if job.case else brain_shaped_image()
    with TemporaryDirectory() as folder:
        weights_dir = _weights(job, Path(folder))
        request = InferenceRequest(
            image,
            (True, True, True, True),
            weights_dir,
            device=job.device,
            precision=job.precision,
            model_name=job.model_name,
        )
        segmenter = Segmenter(InferenceSettings(mirror=job.mirror).with_window(job.window))
        segmenter.warm(weights_dir, job.model_name, job.device, job.precision)
        watches = []
        # The second time no memory has to be asked for, as in a worker that has been of use.
        for _ in range(2):
            with _Stopwatch(torch.device("cpu")) as watch:
                result = segmenter.segment(request)
            watches.append(watch)
    return {
        **min(watches, key=lambda watch: watch.seconds).figures(),
        "first_seconds": watches[0].seconds,
        "peak_bytes": peak_bytes(torch.device(result.device)),
        "device": result.device,
        "precision": result.precision,
    }


def measure_sliding(job: Job) -> Figures:
    """Time MONAI's sliding window over a patient: 128³, overlap a half, as its tutorials do."""
    from monai.inferers.utils import sliding_window_inference

    choice = _choice(job)
    network, layout = _prepared(job)
    image = torch.randn((1, 4, *SHAPE_KJI)).to(choice.device, choice.dtype)
    image = image.contiguous(memory_format=layout)
    with torch.inference_mode(), _Stopwatch(choice.device) as watch:
        sliding_window_inference(image, (job.side,) * 3, 1, network, overlap=0.5)
    return {**watch.figures(), "peak_bytes": peak_bytes(choice.device)}


def measure_limits(job: Job) -> Figures:
    """Measure what the machine can do at best, in bfloat16 only where the job asks for it."""
    device = torch.device(job.device)
    formats = [Precision.FP32, *([Precision.BF16] if job.precision == Precision.BF16 else [])]
    rates = {f"{precision}_flops": matrix_rate(device, DTYPES[precision]) for precision in formats}
    return {**rates, "bandwidth": memory_bandwidth(device)}


def _choice(job: Job) -> DeviceChoice:
    return DeviceChoice(torch.device(job.device), Precision(job.precision))


def _prepared(job: Job) -> tuple[nn.Module, torch.memory_format]:
    """Return the network on its device and the layout of its images."""
    choice, found = _choice(job), job.contender()
    network = found.build(job.side).eval()
    if found.config is not None:
        return choice.place(network), choice.memory_format
    network = network.to(choice.device, DTYPES[choice.precision])
    layout = torch.contiguous_format
    if choice.precision is not Precision.FP32:
        layout = torch.channels_last_3d
        for parameter in network.parameters():
            if parameter.ndim == 5:
                parameter.data = parameter.data.contiguous(memory_format=layout)
    return network, layout


def _weights(job: Job, folder: Path) -> Path:
    """Return where the weights are; made up in `folder` where none of this kind are installed."""
    installed, config = Path(job.weights_dir), job.contender().config
    if (
        is_installed(installed, job.model_name)
        and read_card(installed, job.model_name).network == config
    ):
        return installed
    network = build_network(config or BOUNDARY)
    state = network.state_dict()
    if "head.bias" in state:
        state["head.bias"] -= _TUMOUR_IS_RARE
    save_network(folder, job.model_name, network.config, state, {})
    return folder


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


if __name__ == "__main__":
    main()
