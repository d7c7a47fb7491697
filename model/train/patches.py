"""Crops of any shape from images of any modality, whose voxels are each of one class."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from model.train.augment import mirrored_axes
from model.train.cases import Anchors, CaseArrays
from model.train.config import AugmentConfig, TrainConfig

Shape = tuple[int, int, int]
Generator = np.random.Generator

ANISOTROPY = 3.0
"""Patches longer than this against their shortest side turn in the plane only (nnU-Net's rule)."""
ANCHORS_PER_LABEL = 20_000


def anchors_of(labels_kji: npt.NDArray[np.uint8], classes: int) -> Anchors:
    """Return positions ``(n, 3)`` of each class but the background, of those that occur."""
    found = []
    for label in range(1, classes):
        positions = np.argwhere(labels_kji == label).astype(np.int16)
        if len(positions):
            found.append(positions[:: max(1, len(positions) // ANCHORS_PER_LABEL)])
    return tuple(found)


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
        images, labels = _cut(case, self._start(case, rng, shape), shape)
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


def _cut(case: CaseArrays, start: npt.NDArray[np.int64], shape: Shape) -> tuple[Tensor, Tensor]:
    stored = case.images_ckji
    images = np.zeros((stored.shape[0], *shape), dtype=np.float32)
    labels = np.zeros(shape, dtype=np.uint8)
    low = np.maximum(start, 0)
    high = np.minimum(start + np.array(shape), stored.shape[1:])
    source = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    inside = tuple(slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))
    images[:, *inside] = stored[:, *source]
    labels[inside] = case.labels_kji[source]
    return torch.from_numpy(images), torch.from_numpy(labels)


def augment_patch(
    images: Tensor, labels: Tensor, config: AugmentConfig, rng: Generator
) -> tuple[Tensor, Tensor]:
    """Return a patch ``(c, k, j, i)`` and its labels after rotation, zoom, flips and contrast."""
    if rng.random() < config.affine:
        grid = _affine_grid((labels.shape[0], labels.shape[1], labels.shape[2]), rng)
        images = functional.grid_sample(images[None], grid, align_corners=False)[0]
        labels = functional.grid_sample(
            labels[None, None].float(), grid, mode="nearest", align_corners=False
        )[0, 0].to(torch.uint8)
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
        mean = functional.avg_pool3d(image[None, None], 3, stride=1, padding=1)[0, 0]
        image = torch.lerp(image, mean, float(rng.uniform(0.3, 1.0)))
    if rng.random() < config.scale_shift:
        image = image * float(rng.uniform(0.75, 1.25)) + float(rng.uniform(-0.1, 0.1))
    if rng.random() < config.gamma:
        low, high = image.min(), image.max()
        span = (high - low).clamp(min=1e-3)
        bent = ((image - low) / span).pow(float(np.exp(rng.uniform(-0.36, 0.4))))
        image = bent * span + low
    return image


def _affine_grid(shape: Shape, rng: Generator) -> Tensor:
    """Return a grid for `grid_sample`: rotation up to 30° and zoom 0.7 to 1.4 (nnU-Net's)."""
    flat = max(shape) > ANISOTROPY * min(shape)
    limits = (0.0, 0.0, 30.0) if flat else (30.0, 30.0, 30.0)
    a, b, c = (math.radians(float(rng.uniform(-limit, limit))) for limit in limits)
    # Axes x, y, z are i, j, k; a turn about z stays in the plane of a slice.
    about_x = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    about_y = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    zoom = float(np.exp(rng.uniform(math.log(0.7), math.log(1.4))))
    turn = about_x @ about_y @ about_z * zoom
    # grid_sample measures every axis from -1 to 1: a turn has to happen in voxels.
    sides = np.array(shape[::-1], dtype=np.float64)
    matrix = np.zeros((1, 3, 4), dtype=np.float32)
    matrix[0, :, :3] = turn * sides[None, :] / sides[:, None]
    if flat:
        matrix[0, 2, :3] = (0, 0, 1)
    return functional.affine_grid(torch.from_numpy(matrix), [1, 1, *shape], align_corners=False)
