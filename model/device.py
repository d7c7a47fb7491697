"""Which device computes, in which number format: chosen by trying, not by asking."""

import copy
import logging
import math
import os
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch import Tensor, nn

from model.errors import DeviceFailure
from model.messages import Precision
from model.network.fused import fuse

logger = logging.getLogger("model.device")

DTYPES = {
    Precision.FP32: torch.float32,
    Precision.BF16: torch.bfloat16,
    Precision.FP16: torch.float16,
}

# Largest deviation from the processor's float32 answer, relative to that answer's deviation from
# its mean: a few times what rounding does to the probe, far below what a broken kernel does.
_TOLERANCE = {Precision.FP32: 0.02, Precision.BF16: 0.25, Precision.FP16: 0.1}
_PROBE_SIDE = 64
CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device that was tried and works.

    Parameters
    ----------
    device, precision
        Where and in which format; never ``auto``.
    warnings
        One plain sentence for each better device that had to be passed over.
    """

    device: torch.device
    precision: Precision
    warnings: tuple[str, ...] = ()

    @property
    def dtype(self) -> torch.dtype:
        """The torch type of `precision`."""
        return DTYPES[self.precision]

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout in which the device's convolutions are fastest.

        On processors channels-last is worth a factor of 1.2 (float32) to 2.5 (bfloat16 with
        AVX512-BF16 or AMX), see ``python -m model.bench``; tensor cores want it too.
        """
        last = self.device.type in {"cpu", "cuda"}
        return torch.channels_last_3d if last else torch.contiguous_format

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device for inference, into its number format and layout.

        The network given is used up: on the processor its blocks are replaced by faster ones.
        """
        if self.device.type == "cpu" and self.precision is not Precision.FP16:
            network = fuse(network)
        placed: nn.Module = network.to(  # type: ignore[call-overload] # torch documents this form
            self.device, self.dtype, memory_format=self.memory_format
        )
        return placed


def choose_device(
    device: str, precision: str, probe: nn.Module, *, candidates: tuple[str, ...] | None = None
) -> DeviceChoice:
    """Find the device and number format to compute with.

    Parameters
    ----------
    device
        ``auto`` tries CUDA, then MPS, then the CPU; any other name must work as it stands.
    precision
        ``auto`` is what the device gains from: bfloat16 or float16 on CUDA, bfloat16 on a CPU
        with instructions for it, else float32.
    probe
        A small network with the layers of the real one, run on the device and compared with its
        float32 answer on the CPU; input (1, 4, 64, 64, 64).
    candidates
        Devices that ``auto`` tries, best first; what the machine has by default.

    Raises
    ------
    DeviceFailure
        If the device asked for is missing or fails the test, or none works.
    """
    if device != "auto":
        found = _try(device, precision, probe)
        return DeviceChoice(torch.device(device), found)
    warnings: list[str] = []
    for name in candidates if candidates is not None else _candidates():
        try:
            found = _try(name, precision, probe)
        except DeviceFailure as failure:
            warnings.append(f"{failure} It was passed over.")
        else:
            return DeviceChoice(torch.device(name), found, tuple(warnings))
    raise DeviceFailure(" ".join(warnings) or "No device to compute with was found.")


def best_precision(device: torch.device) -> Precision:
    """Return the format a device gains from without losing accuracy."""
    if device.type == "cuda":
        major, _minor = torch.cuda.get_device_capability(device)
        if major >= 8:  # Ampere and later: bfloat16 as fast as float16, and it cannot overflow
            return Precision.BF16
        return Precision.FP16 if major >= 7 else Precision.FP32  # tensor cores since Volta
    if device.type == "cpu":
        # Other processors emulate bfloat16, which costs time instead of saving it.
        features = torch.cpu.get_capabilities()
        native = features.get("avx512_bf16", False) or features.get("amx_bf16", False)
        return Precision.BF16 if native else Precision.FP32
    return Precision.FP32


def bf16_for(device: torch.device, *, asked: bool) -> bool:
    """Whether a training that asks for bf16 computes in it on a device.

    A processor that emulates bf16 needs several times as long for a step as it does in fp32.
    """
    if not asked or best_precision(device) is Precision.BF16:
        return asked
    logger.info("%s gains nothing from bf16: computing in fp32", device)
    return False


def thread_count(quota_file: Path = CGROUP_QUOTA) -> int:
    """Return how many threads compute: physical cores this process may use.

    Hyper-threads share the units that convolutions keep busy. A container's quota counts too:
    more threads than that are put to sleep in turn.

    Parameters
    ----------
    quota_file
        Where Linux says the quota, "microseconds period" or "max period" (cgroup v2).
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    counts = [allowed or 1, psutil.cpu_count(logical=False) or 1]
    if quota_file.is_file():
        quota, period = quota_file.read_text().split()
        if quota != "max":
            counts.append(max(1, math.ceil(int(quota) / int(period))))
    return min(counts)


def use_physical_cores() -> None:
    """Let torch compute with `thread_count` threads, for the whole process."""
    torch.set_num_threads(thread_count())


def free_memory_bytes(device: torch.device) -> int:
    """Return how much memory a computation on the device may take now."""
    if device.type == "cuda":
        free, _total = torch.cuda.mem_get_info(device)
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + reserved)
    return int(psutil.virtual_memory().available)


def graphics_processors() -> list[str]:
    """Name the devices besides the processor, with their memory in GB where it is their own."""
    found = ["mps: Apple graphics"] if torch.backends.mps.is_available() else []
    for number in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(number)
        found.append(f"cuda:{number}: {card.name}, {card.total_memory / 1e9:.0f} GB")
    return found


def _candidates() -> tuple[str, ...]:
    names = ["cpu"]
    if torch.backends.mps.is_available():
        names.insert(0, "mps")
    if torch.cuda.is_available():
        names.insert(0, "cuda")
    return tuple(names)


def _try(name: str, precision: str, probe: nn.Module) -> Precision:
    chosen = Precision(precision)
    try:
        device = torch.device(name)
        if chosen is Precision.AUTO:
            chosen = best_precision(device)
        error = _probe_error(probe, DeviceChoice(device, chosen))
    except (RuntimeError, AssertionError, NotImplementedError) as exception:
        # torch says AssertionError where it was built without the device.
        lines = str(exception).strip().splitlines() or [type(exception).__name__]
        reason = lines[0].rstrip(".")
        rounded = chosen in (Precision.BF16, Precision.FP16)
        does_not = f"does not compute in {chosen}" if rounded else "does not work"
        raise DeviceFailure(f"{name} {does_not} here: {reason}.") from exception
    if not error <= _TOLERANCE[chosen]:  # also true for NaN
        raise DeviceFailure(f"{name} computes wrong numbers in {chosen} (off by {error:.0%}).")
    return chosen


def _probe_error(probe: nn.Module, choice: DeviceChoice) -> float:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 4, _PROBE_SIDE, _PROBE_SIDE, _PROBE_SIDE, generator=generator)
    with torch.inference_mode():
        expected: Tensor = probe(image)
        moved = choice.place(copy.deepcopy(probe))
        answer = moved(image.to(choice.device, choice.dtype)).float().cpu()
    return float((answer - expected).abs().max() / expected.std().clamp_min(1e-6))
