"""What goes into the network's process and what comes out of it; free of torch."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.calibration import Doubt
from model.cropping import Box, place_in
from model.postprocess import DEFAULT_SETTINGS, PostprocessSettings
from model.spec import REGIONS, SEQUENCES

ProgressCallback = Callable[[float, str], None]
CheckCallback = Callable[[], None]

DEFAULT_MODEL = "slim_unetrpp"
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?|mps")


class Precision(StrEnum):
    """Number format of weights and activations."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


def is_device_name(text: str) -> bool:
    """Whether `text` names a device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``."""
    return _DEVICE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, eq=False)
class InferenceRequest:
    """One study for the network.

    Parameters
    ----------
    image_ckji
        (4, k, j, i) float32 raw intensities in the order of `model.spec.SEQUENCES`: brain
        extracted, exactly zero outside the brain, 1 mm, axes k → S, j → P, i → L.
    present
        Which sequences there are; the channel of an absent one is zero throughout.
    weights_dir
        Folder with ``NAME.safetensors`` and ``NAME.json``.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    precision
        One of `Precision`.
    model_name
        Name of the weights.
    mirror
        Whether to average with the answer for the brain mirrored left to right; ``None`` as the
        model card says.

    Raises
    ------
    ValueError
        If the image has another shape or type, no sequence is present, an absent one is not zero,
        or device or precision are unknown.
    """

    image_ckji: NDArray[np.float32]
    present: tuple[bool, bool, bool, bool]
    weights_dir: Path
    device: str = "auto"
    precision: str = Precision.AUTO
    model_name: str = DEFAULT_MODEL
    mirror: bool | None = None

    def __post_init__(self) -> None:
        image = self.image_ckji
        if image.ndim != 4 or image.shape[0] != len(SEQUENCES) or image.dtype != np.float32:
            raise ValueError(f"the image must be float32 (4, k, j, i): {image.dtype} {image.shape}")
        if len(self.present) != len(SEQUENCES) or not any(self.present):
            raise ValueError(f"at least one of four sequences must be present: {self.present}")
        for sequence, channel, present in zip(SEQUENCES, image, self.present, strict=True):
            if not present and channel.any():
                raise ValueError(f"{sequence} is said to be absent but is not zero throughout")
        if not is_device_name(self.device):
            raise ValueError(f"unknown device {self.device!r}")
        object.__setattr__(self, "precision", Precision(self.precision))

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """Voxels along k, j and i."""
        k, j, i = self.image_ckji.shape[1:]
        return k, j, i

    def with_image(self, image_ckji: NDArray[np.float32]) -> "InferenceRequest":
        """Return a copy with another image."""
        return replace(self, image_ckji=image_ckji)


@dataclass(frozen=True, slots=True, eq=False)
class InferenceResult:
    """What the network found, on the grid of the request's image.

    Parameters
    ----------
    labels_kji
        (k, j, i) uint8: 1 NCR, 2 ED, 3 ET.
    probabilities_ckji
        (3, k, j, i) float16 in the order of `model.spec.REGIONS`: TC, WT, ET.
    device, precision
        Where and how it was computed in the end.
    model_id
        Name and version of the weights, from their model card.
    weights_sha256
        Checksum of the weights' file.
    seconds
        Wall time of the inference, without the start of the process.
    warnings
        One plain sentence each: what was assumed or went another way than asked.
    settings
        How the probabilities became labels: to be used again on another grid.
    doubt
        How far the result is to be trusted; ``None`` where the model card has no calibration.
    """

    labels_kji: NDArray[np.uint8]
    probabilities_ckji: NDArray[np.float16]
    device: str
    precision: str
    model_id: str
    weights_sha256: str
    seconds: float
    warnings: tuple[str, ...] = ()
    settings: PostprocessSettings = DEFAULT_SETTINGS
    doubt: Doubt | None = None

    def __post_init__(self) -> None:
        if self.probabilities_ckji.shape != (len(REGIONS), *self.labels_kji.shape):
            raise ValueError("labels and probabilities lie on different grids")
        for name in ("labels_kji", "probabilities_ckji"):
            array = getattr(self, name)
            if array.flags.writeable:
                array = array.view()
                array.setflags(write=False)
                object.__setattr__(self, name, array)

    def placed_in(self, box: Box, shape_kji: tuple[int, int, int]) -> "InferenceResult":
        """Return the result of a cropped image on the grid it was cropped from."""
        return replace(
            self,
            labels_kji=place_in(self.labels_kji, box, shape_kji),
            probabilities_ckji=place_in(self.probabilities_ckji, box, shape_kji),
        )


DEFAULT_BRAIN_MODEL = "brain"
BRAIN_SPACING_MM = 3.0
"""Voxels of the images in which brains are looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class BrainRequest:
    """The images of one head, in which the brain is to be found.

    Parameters
    ----------
    images_nkji
        (n, k, j, i) float32 raw intensities of any contrast, on a grid of `BRAIN_SPACING_MM`, axes
        k → S, j → P, i → L; exact 0 where an image has no data.
    weights_dir, device, precision
        As for `InferenceRequest`.
    model_name
        Name of the weights.

    Raises
    ------
    ValueError
        If the images have another shape or type, or device or precision are unknown.
    """

    images_nkji: NDArray[np.float32]
    weights_dir: Path
    device: str = "auto"
    precision: str = Precision.AUTO
    model_name: str = DEFAULT_BRAIN_MODEL

    def __post_init__(self) -> None:
        images = self.images_nkji
        if images.ndim != 4 or not images.size or images.dtype != np.float32:
            raise ValueError(f"images must be float32 (n, k, j, i): {images.dtype} {images.shape}")
        if not is_device_name(self.device):
            raise ValueError(f"unknown device {self.device!r}")
        object.__setattr__(self, "precision", Precision(self.precision))


@dataclass(frozen=True, slots=True, eq=False)
class BrainResult:
    """What the network says of each image.

    Parameters
    ----------
    logits_nkji
        (n, k, j, i) float32: near the brain's surface the depth below it in mm, negative outside.
    device, precision
        Where and how it was computed.
    model_id, weights_sha256
        Name and checksum of the weights.
    seconds
        Wall time without loading.
    warnings
        One plain sentence each.
    """

    logits_nkji: NDArray[np.float32]
    device: str
    precision: str
    model_id: str
    weights_sha256: str
    seconds: float
    warnings: tuple[str, ...] = ()
