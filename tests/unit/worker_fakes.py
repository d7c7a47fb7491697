"""Stand-ins for the network, run inside the worker's process; the model's name says what to do."""

import os
import signal
import time

import numpy as np

from desktop_app.jobs.child import Warmth
from model.errors import DeviceFailure, OutOfMemory
from model.messages import (
    BrainRequest,
    BrainResult,
    InferenceRequest,
    InferenceResult,
    ProgressCallback,
)


def answer(request: InferenceRequest, note: str = "") -> InferenceResult:
    mask = request.image_ckji.any(axis=0)
    return InferenceResult(
        labels_kji=mask.astype(np.uint8),
        probabilities_ckji=np.stack([mask] * 3).astype(np.float16),
        device="cpu",
        precision="fp32",
        model_id=note,
        weights_sha256="",
        seconds=0.0,
    )


def act(request: InferenceRequest, progress: ProgressCallback) -> InferenceResult:
    progress(0.5, "Segmenting")
    match request.model_name:
        case "sleep":
            time.sleep(60)
        case "slow":
            for _ in range(9):
                time.sleep(0.4)
                progress(0.5, "Segmenting")
        case "exit":
            os._exit(7)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "device":
            raise DeviceFailure("cuda:7 is not there")
        case "memory":
            raise OutOfMemory("12 GB asked for")
        case "defect":
            raise ZeroDivisionError("a defect in the network")
    return answer(request, note=str(os.getpid()))


def act_on_either(request: InferenceRequest | BrainRequest, progress: ProgressCallback):
    if isinstance(request, InferenceRequest):
        return act(request, progress)
    if request.model_name == "sleep":
        time.sleep(60)
    return BrainResult(request.images_nkji - 1, "cpu", "fp32", str(os.getpid()), "", 0.0)


def obedient(_warmth: Warmth):
    return act_on_either


def failing_start(_warmth: Warmth):
    raise DeviceFailure("no device at all")


def telling(warmth: Warmth):
    return lambda request, _progress: answer(request, note=f"{warmth.device} {warmth.precision}")


def slow_start(_warmth: Warmth):
    time.sleep(60)


def dying_start(_warmth: Warmth):
    os._exit(9)
