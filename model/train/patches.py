"""Crops of any shape from images of any modality, whose voxels are each of one class."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from model.train.augment import mirrored_axes
from model.train.cases import CaseArrays
from model.train.config import AugmentConfig, TrainConfig
from model.train.crops import Shape, cut, mean_filter, rotation, sampling_grid, turned

Generator = np.random.Generator

ANISOTROPY = 3.0
"""Patches longer than this against their shortest side turn in the plane only (nnU-Net's rule)."""


class PatchSampler:
    """Draws augmented patches; what it draws depends on the seed and the number alone.

    Parameters
    ----------
    cases
        At least one.
    classes
        Number of classes, with the background.
    config
        Probabilities of foreground crops (`tumour_crops`) and augmentations; of these flips,
        affine, gamma, scale_shift, noise and blur apply to any image.
    """

    def __init__(self, cases: Sequence[CaseArrays], classes: int, config: TrainConfig) -> None:
        weights = np.array([case.weight for case in cases], dtype=np.float64)
        self._cases = cases
        self._odds = weights / weights.sum()
        self._classes = classes
        self._config = config

    def patch(self, number: int, shape: Shape) -> tuple[Tensor, Tensor, Tensor]:
        """Return images, one-hot target and weight of one patch, each with a batch axis of one."""
        rng = np.random.default_rng([self._config.seed, number])
        case = self._cases[int(rng.choice(len(self._cases), p=self._odds))]
        start = self._start(case, rng, shape)
        images, labels = cut(case.images_ckji, case.labels_kji, start, shape)
        images, labels = augment_patch(images, labels, self._config.augment, rng)
        target = functional.one_hot(labels.long(), self._classes).movedim(-1, 0).float()
        return images[None], target[None].contiguous(), torch.ones(1, 1, *shape)

    def _start(self, case: CaseArrays, rng: Generator, shape: Shape) -> npt.NDArray[np.int64]:
        size, sides = np.array(case.labels_kji.shape), np.array(shape)
        anchors = case.anchors
        if anchors and rng.random() < self._config.tumour_crops:
            positions = anchors[int(rng.integers(len(anchors)))]
            wish = positions[int(rng.integers(len(positions)))] - rng.integers(0, sides)
        else:
            wish = rng.integers(0, np.maximum(size - sides, 0) + 1)
        # Images smaller than the patch lie in its middle.
        room = size - sides
        start: npt.NDArray[np.int64] = np.where(
            room > 0, np.clip(wish, 0, np.maximum(room, 0)), room // 2
        )
        return start


def augment_patch(
    images: Tensor, labels: Tensor, config: AugmentConfig, rng: Generator
) -> tuple[Tensor, Tensor]:
    """Return a patch ``(c, k, j, i)`` and its labels after rotation, zoom, flips and contrast."""
    if rng.random() < config.affine:
        images, labels = turned(images, labels, _affine_grid(tuple(labels.shape), rng))
    axes = mirrored_axes(config, rng)
    if axes:
        images = images.flip([axis + 1 for axis in axes])
        labels = labels.flip(axes)
    return torch.stack([_contrast(image, config, rng) for image in images]), labels


def _contrast(image: Tensor, config: AugmentConfig, rng: Generator) -> Tensor:
    if rng.random() < config.noise:
        noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
        image = image + noise * float(rng.uniform(0.0, 0.1))
    if rng.random() < config.blur:
        image = torch.lerp(image, mean_filter(image), float(rng.uniform(0.3, 1.0)))
    if rng.random() < config.scale_shift:
        image = image * float(rng.uniform(0.75, 1.25)) + float(rng.uniform(-0.1, 0.1))
    if rng.random() < config.gamma:
        low, high = image.min(), image.max()
        span = (high - low).clamp(min=1e-3)
        bent = ((image - low) / span).pow(float(np.exp(rng.uniform(-0.36, 0.4))))
        image = bent * span + low
    return image


def _affine_grid(shape: Sequence[int], rng: Generator) -> Tensor:
    """Return a grid of a rotation up to 30° and zoom 0.7 to 1.4 (nnU-Net's)."""
    flat = max(shape) > ANISOTROPY * min(shape)
    thick = 2 - list(shape).index(min(shape)) if flat else None  # of x, y, z
    limits = [30.0 if thick in (None, axis) else 0.0 for axis in range(3)]
    angles = [float(rng.uniform(-limit, limit)) for limit in limits]
    turn = rotation(angles) * float(np.exp(rng.uniform(math.log(0.7), math.log(1.4))))
    if thick is not None:
        # Not even zoomed: a turn about the thick axis stays in the plane of a slice.
        turn[thick] = np.eye(3)[thick]
    return sampling_grid(shape, turn)
