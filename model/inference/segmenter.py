"""Segments studies: loads the network once, picks the device, falls back when memory runs out."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.calibration import Calibration, Doubt
from model.cropping import brain_box, place_in
from model.device import DeviceChoice, choose_device
from model.errors import OutOfMemory, UnusableImage, WeightsError
from model.inference.memory import (
    is_out_of_memory,
    predict_within_memory,
    raise_as_device_failure,
)
from model.inference.predict import Predictor
from model.inference.settings import InferenceSettings
from model.messages import (
    DEFAULT_MODEL,
    CheckCallback,
    InferenceRequest,
    InferenceResult,
    Precision,
    ProgressCallback,
)
from model.network import SlimUNETRpp, SlimUNETRppConfig
from model.normalise import normalise
from model.postprocess import PostprocessSettings, labels_from_probabilities
from model.spec import SEQUENCES, WORK_SPACING_MM
from model.weights import ModelCard, load_network

_SPACING_MM = (WORK_SPACING_MM,) * 3


@dataclass(frozen=True, slots=True)
class NetworkKey:
    """What decides which network is loaded, and where; asked for the same, it is kept."""

    weights_dir: Path
    model_name: str
    device: str
    precision: str


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    key: NetworkKey
    card: ModelCard
    predictor: Predictor
    inference: InferenceSettings
    postprocess: PostprocessSettings
    calibration: Calibration | None


class Segmenter:
    """Segments one study after the other with the network it keeps loaded.

    Parameters
    ----------
    inference
        How networks look at a brain, whatever their cards say; ``None``: as those say.
    """

    def __init__(self, inference: InferenceSettings | None = None) -> None:
        self._inference = inference
        self._loaded: _Loaded | None = None

    def warm(
        self,
        weights_dir: Path,
        model_name: str = DEFAULT_MODEL,
        device: str = "auto",
        precision: str = Precision.AUTO,
    ) -> None:
        """Load a network onto a device, so that `segment` need not.

        Raises
        ------
        WeightsError
            If weights or card cannot be used.
        DeviceFailure
            If the device cannot be used.
        """
        self._load(NetworkKey(weights_dir, model_name, device, Precision(precision)))

    def segment(
        self,
        request: InferenceRequest,
        *,
        progress: ProgressCallback | None = None,
        check: CheckCallback | None = None,
    ) -> InferenceResult:
        """Segment one study.

        Parameters
        ----------
        request
            The study.
        progress
            Told the fraction done and the stage after every layer of the network.
        check
            Called as often; whatever it raises stops the work.

        Raises
        ------
        UnusableImage
            If there is no brain in the image, or intensities are not finite.
        WeightsError
            If weights or card cannot be used.
        DeviceFailure
            If the device cannot be used or fails.
        OutOfMemory
            If even the smallest window finds no room.
        """
        key = NetworkKey(request.weights_dir, request.model_name, request.device, request.precision)
        loaded = self._load(key)
        report = _Report(progress, check)
        started = time.perf_counter()
        report.tell(0.0, "Normalising the intensities")
        box = brain_box(request.image_ckji)
        image = _normalised(request.image_ckji[(slice(None), *box)])
        settings = loaded.inference
        if request.mirror is not None:
            settings = replace(settings, mirror=request.mirror)
        probabilities, choice, warnings = self._with_fallbacks(loaded, image, settings, report)
        report.tell(0.97, "Labelling the regions")
        labels = labels_from_probabilities(
            probabilities, spacing_mm=_SPACING_MM, settings=loaded.postprocess
        )
        doubt = None
        if loaded.calibration is not None:
            doubt = loaded.calibration.judge(image.numpy(), probabilities, _SPACING_MM)
        return InferenceResult(
            labels_kji=place_in(labels, box, request.shape_kji),
            probabilities_ckji=place_in(probabilities, box, request.shape_kji),
            device=str(choice.device),
            precision=choice.precision,
            model_id=loaded.card.name,
            weights_sha256=loaded.card.sha256,
            seconds=time.perf_counter() - started,
            warnings=(
                *_unfamiliar(doubt),
                *_empty_channels(request, image),
                *choice.warnings,
                *warnings,
            ),
            settings=loaded.postprocess,
            doubt=doubt,
        )

    def _load(self, key: NetworkKey) -> _Loaded:
        if self._loaded is not None and self._loaded.key == key:
            return self._loaded
        self._loaded = None
        network, card = load_network(key.weights_dir, key.model_name)
        if card.task is not None:
            found = card.task.get("name", "another task")
            raise WeightsError(f"{card.name}: trained for {found}, not for brain tumours")
        try:
            inference = self._inference or InferenceSettings.from_card(card.document)
            postprocess = PostprocessSettings.from_card(card.document)
            calibration = Calibration.from_card(card.document)
        except ValueError as error:
            raise WeightsError(f"{key.weights_dir / key.model_name}.json: {error}") from error
        choice = choose_device(key.device, key.precision, probe_network())
        predictor = _placed(network, choice)
        if predictor is not None:
            self._loaded = _Loaded(key, card, predictor, inference, postprocess, calibration)
            return self._loaded
        # Not kept: the next study may try the device again.
        told = f"{choice.device} had no memory for the network; the processor took over."
        predictor = _on_processor(key)
        there = replace(predictor.choice, warnings=(*choice.warnings, told))
        moved = replace(predictor, choice=there)
        return _Loaded(key, card, moved, inference, postprocess, calibration)

    def _with_fallbacks(
        self, loaded: _Loaded, image: Tensor, settings: InferenceSettings, report: "_Report"
    ) -> tuple[NDArray[np.float16], DeviceChoice, list[str]]:
        warnings: list[str] = []
        predictor = loaded.predictor
        while True:
            choice = predictor.choice
            found = predict_within_memory(
                predictor, image, settings, report.advance, warnings.append
            )
            if found is not None:
                return found.numpy(), choice, warnings
            if choice.device.type == "cpu":
                raise OutOfMemory("Main memory has no room even for small parts of the brain.")
            warnings.append(f"{choice.device} had no memory left; the processor took over.")
            self._loaded = None  # the next study may try the device again
            predictor = _on_processor(loaded.key)


def probe_network() -> SlimUNETRpp:
    """Return a small network with every kind of layer there is, for trying devices."""
    config = SlimUNETRppConfig(
        channels=(8, 16, 16),
        embed_dim=16,
        blocks=(1, 1, 1, 1),
        heads=(1, 2, 2, 2),
        half_resolution_channels=8,
        scaled_attention=True,
    )
    state = torch.get_rng_state()
    torch.manual_seed(0)
    network = SlimUNETRpp(config).eval()
    torch.set_rng_state(state)
    return network


def _placed(network: nn.Module, choice: DeviceChoice) -> Predictor | None:
    """Move the network to the device; None if that has no room for it."""
    try:
        return Predictor.on_device(network, choice)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise_as_device_failure(error, choice)
    if choice.device.type == "cpu":
        raise OutOfMemory("Main memory has no room for the network.")
    return None


def _on_processor(key: NetworkKey) -> Predictor:
    network, _card = load_network(key.weights_dir, key.model_name)
    return Predictor.on_device(network, choose_device("cpu", Precision.AUTO, probe_network()))


class _Report:
    """Passes progress on and asks whether to go on."""

    def __init__(self, progress: ProgressCallback | None, check: CheckCallback | None) -> None:
        self._progress = progress
        self._check = check

    def tell(self, fraction: float, stage: str) -> None:
        if self._check is not None:
            self._check()
        if self._progress is not None:
            self._progress(fraction, stage)

    def advance(self, fraction: float) -> None:
        self.tell(0.02 + 0.95 * fraction, "Segmenting")


def _normalised(image_ckji: NDArray[np.float32]) -> Tensor:
    try:
        return torch.from_numpy(normalise(image_ckji))
    except ValueError as error:
        raise UnusableImage(str(error)) from error


def _unfamiliar(doubt: Doubt | None) -> list[str]:
    if doubt is None or doubt.unfamiliarity is None or not doubt.unfamiliarity.is_unfamiliar:
        return []
    return [
        "This study does not look like those the network learned from "
        f"({doubt.unfamiliarity.reason}). Check the four sequences and the outline of the brain; "
        "do not rely on the result."
    ]


def _empty_channels(request: InferenceRequest, image: Tensor) -> list[str]:
    return [
        f"{sequence} is zero throughout: treated as missing."
        for sequence, present, channel in zip(SEQUENCES, request.present, image, strict=True)
        if present and not channel.any()
    ]
