"""Predicting in the memory there is: smaller windows where the model's own do not fit."""

from collections.abc import Callable
from typing import NoReturn

import torch
from torch import Tensor, nn

from model.device import DeviceChoice, free_memory_bytes
from model.errors import DeviceFailure
from model.inference.predict import Predictor
from model.inference.settings import InferenceSettings
from model.inference.windows import WindowPlan, plan_windows
from model.network import BOUNDARY, SegResNetConfig, SlimUNETRppConfig, UNETRppConfig

# What a window may shrink to where memory is short, best first.
_SMALLER_WINDOWS = (128, 96, 64)

# Numbers that a pass holds at once for each voxel of the window. Measured as the growth of a
# process over one window of 128³ on the CPU, bfloat16 and float32: BOUNDARY 28 and 21 (57 and 40
# with its blocks not fused, as on other devices), UNETR++ 122 and 143, SegResNet 108 and 132;
# here with some reserve. The fallback catches the rest.
_VALUES_SLIM = 80
_VALUES_UNETRPP = 170
_VALUES_SEGRESNET = 160

# Windows of 128³ that a graphics card is given at a time, at the most.
_LARGEST_BATCH = 8


def predict_within_memory(
    predictor: Predictor,
    image_ckji: Tensor,
    settings: InferenceSettings,
    advance: Callable[[float], None],
    warn: Callable[[str], None],
) -> Tensor | None:
    """Predict with the largest window that memory has room for.

    Parameters
    ----------
    predictor
        The network on its device.
    image_ckji
        (4, k, j, i) float32 on the CPU, normalised.
    settings
        How the model wants to be run; tried first.
    advance
        Given the fraction done after every layer; may raise to stop.
    warn
        Told where a smaller window had to do.

    Returns
    -------
    Tensor or None
        (3, k, j, i) float16 probabilities on the CPU; ``None`` if not even the smallest window
        found room.

    Raises
    ------
    DeviceFailure
        If the device fails for another reason than memory.
    """
    shape = (image_ckji.shape[1], image_ckji.shape[2], image_ckji.shape[3])
    sides = [settings.window]
    sides += [
        side for side in _SMALLER_WINDOWS if settings.window is None or side < settings.window
    ]
    room = free_memory_bytes(predictor.choice.device)
    for side in sides:
        plan = plan_windows(shape, side, settings.overlap)
        if bytes_needed(plan, predictor) > room and side != sides[-1]:
            continue
        if side != settings.window:
            warn(f"Memory was short: the network looked at parts of {side}³ voxels.")
        for batch in _batch_sizes(plan, predictor, room):
            try:
                return predictor.probabilities(
                    image_ckji, plan, mirror=settings.mirror, advance=advance, batch=batch
                )
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise_as_device_failure(error, predictor.choice)
            if predictor.choice.device.type == "cuda":
                torch.cuda.empty_cache()
    return None


def _batch_sizes(plan: WindowPlan, predictor: Predictor, room_bytes: int) -> list[int]:
    """Return how many windows to look at together: first what there is room for, then one.

    One window keeps the cores of a processor busy; a graphics card wants more to do at a time.
    """
    if predictor.choice.device.type != "cuda":
        return [1]
    fits = room_bytes // max(1, bytes_needed(plan, predictor))
    largest = max(1, min(fits, len(plan.starts_kji), _LARGEST_BATCH))
    return [largest, 1] if largest > 1 else [1]


def bytes_needed(plan: WindowPlan, predictor: Predictor) -> int:
    """Return how much memory a pass over one window of a plan takes, at a cautious estimate."""
    voxels = plan.voxels // len(plan.starts_kji)
    values = _values_at_once(predictor.network)
    return int(voxels * predictor.choice.dtype.itemsize * values)


def _values_at_once(network: nn.Module) -> float:
    """Return the numbers held at once for each voxel; more for wider networks than measured."""
    config: object = getattr(network, "config", None)
    match config:
        case SlimUNETRppConfig():
            return _VALUES_SLIM * max(1.0, config.channels[0] / BOUNDARY.channels[0])
        case SegResNetConfig():
            return _VALUES_SEGRESNET * max(
                1.0, config.init_filters / SegResNetConfig().init_filters
            )
        case UNETRppConfig():
            usual = UNETRppConfig().full_resolution_channels
            return _VALUES_UNETRPP * max(1.0, config.full_resolution_channels / usual)
    return _VALUES_UNETRPP


def raise_as_device_failure(error: BaseException, choice: DeviceChoice) -> NoReturn:
    """Raise the error again; as `DeviceFailure` where the device itself failed."""
    if isinstance(error, torch.AcceleratorError):
        raise DeviceFailure(f"{choice.device} failed while it computed: {error}") from error
    raise error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator said that there is no room."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # What the CPU's and Apple's allocators say, in a plain RuntimeError.
    return "DefaultCPUAllocator" in str(error) or "MPS backend out of memory" in str(error)
