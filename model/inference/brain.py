"""The brain in a whole head, found by a network that sees one image at a time."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from model.device import DeviceChoice, choose_device
from model.errors import WeightsError
from model.inference.segmenter import NetworkKey, probe_network
from model.messages import BrainRequest, BrainResult, ProgressCallback
from model.network import BrainUNetConfig
from model.weights import ModelCard, load_network

_BRIGHTEST_PERCENT = 99.0
_DARKEST_PERCENT = 1.0
_LIMIT = 1.3
_LOOK = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    key: NetworkKey
    card: ModelCard
    network: nn.Module
    choice: DeviceChoice


class BrainFinder:
    """Finds brains with the network it keeps loaded."""

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None

    def find(
        self, request: BrainRequest, *, progress: ProgressCallback | None = None
    ) -> BrainResult:
        """Tell the brain in the images of one head.

        Parameters
        ----------
        request
            The images; the network sees one after the other.
        progress
            Told the fraction done after each.

        Raises
        ------
        WeightsError
            If weights or card cannot be used.
        DeviceFailure
            If the device cannot be used.
        """
        key = NetworkKey(request.weights_dir, request.model_name, request.device, request.precision)
        loaded = self._load(key)
        started = time.perf_counter()
        logits = []
        for number, image in enumerate(request.images_nkji):
            logits.append(self._logits(loaded, image))
            if progress is not None:
                progress((number + 1) / len(request.images_nkji), "Finding the brain")
        return BrainResult(
            logits_nkji=np.stack(logits),
            device=str(loaded.choice.device),
            precision=loaded.choice.precision,
            model_id=loaded.card.name,
            weights_sha256=loaded.card.sha256,
            seconds=time.perf_counter() - started,
            warnings=loaded.choice.warnings,
        )

    def _logits(self, loaded: _Loaded, image_kji: NDArray[np.float32]) -> NDArray[np.float32]:
        network, choice = loaded.network, loaded.choice
        # The network takes any size but the shortest.
        short = zip(image_kji.shape[::-1], loaded.card.network.total_stride[::-1], strict=True)
        pad = [n for size, least in short for n in (0, max(0, least - size))]
        with torch.inference_mode():
            image = functional.pad(scaled(torch.tensor(image_kji)), pad)[None, None]
            placed = image.to(choice.device, choice.dtype)
            found: Tensor = network(placed.contiguous(memory_format=choice.memory_format))
        k, j, i = image_kji.shape
        return found[0, 0, :k, :j, :i].float().cpu().numpy()

    def _load(self, key: NetworkKey) -> _Loaded:
        if self._loaded is not None and self._loaded.key == key:
            return self._loaded
        network, card = load_network(key.weights_dir, key.model_name)
        if not isinstance(card.network, BrainUNetConfig):
            msg = f"{card.name}: not trained to find the brain in a head"
            raise WeightsError(msg)
        choice = choose_device(key.device, key.precision, probe_network())
        self._loaded = _Loaded(key, card, choice.place(network), choice)
        return self._loaded


def scaled(image: Tensor) -> Tensor:
    """Return an image whose darkest tissue is about 0 and whose brightest about 1.

    Parameters
    ----------
    image
        ``(k, j, i)``; exact 0 where there is no data, which stays 0.
    """
    look = image[::_LOOK, ::_LOOK, ::_LOOK]
    values = look[look != 0].numpy()
    if values.size == 0:
        return torch.zeros_like(image)
    low, high = np.percentile(values, (_DARKEST_PERCENT, _BRIGHTEST_PERCENT))
    spread = (image - float(low)) / max(float(high - low), 1e-6)
    return spread.clamp_(0.0, _LIMIT) * (image != 0)
