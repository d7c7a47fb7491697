"""Prepared cases in memory and the crops drawn from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from model.cropping import brain_box
from model.data import Case, CaseError, find_cases, load_case
from model.normalise import normalise
from model.spec import Label, LabelArray, region_masks
from model.train.augment import (
    affine_grid,
    augment_intensity,
    disturb_brain_edge,
    drop_sequences,
    mirrored_axes,
)
from model.train.cases import CaseArrays
from model.train.config import AugmentConfig, TrainConfig

UNKNOWN = 255
"""Label of voxels whose truth is not known; they carry no loss."""
ANCHORS_PER_LABEL = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCase:
    """A normalised case, cut to its brain.

    Attributes
    ----------
    name, weight
        Folder name and relative frequency.
    images_ckji
        float16 to save memory.
    labels_kji
        :class:`model.spec.Label` or :data:`UNKNOWN`.
    anchors
        For each label that occurs, voxel positions ``(n, 3)`` to centre crops on.
    """

    name: str
    weight: float
    images_ckji: npt.NDArray[np.float16]
    labels_kji: LabelArray
    anchors: tuple[npt.NDArray[np.int16], ...]


def prepare_case(case: Case, weight: float, *, healthy: bool) -> PreparedCase:
    """Normalise a case and cut it to the brain.

    Raises
    ------
    CaseError
        If a case that should have reference labels has none.
    """
    if case.labels_kji is None and not healthy:
        msg = f"{case.name}: no reference labels (…seg.nii.gz)"
        raise CaseError(msg)
    box = brain_box(case.images_ckji)
    images = normalise(case.images_ckji)[:, *box].astype(np.float16)
    labels = np.zeros(images.shape[1:], dtype=np.uint8)
    if case.labels_kji is not None and not healthy:
        labels[:] = case.labels_kji[box]
    if case.coverage_kji is not None:
        labels[~case.coverage_kji[box]] = UNKNOWN
    anchors = []
    for label in (Label.NCR, Label.ED, Label.ET):
        positions = np.argwhere(labels == label).astype(np.int16)
        if len(positions):
            anchors.append(positions[:: max(1, len(positions) // ANCHORS_PER_LABEL)])
    return PreparedCase(case.name, weight, images, labels, tuple(anchors))


def load_sources(config: TrainConfig, data: Path) -> list[PreparedCase]:
    """Read every case of the configuration's sources, except the held-out ones.

    Raises
    ------
    CaseError
        If a source that is not optional is missing, or a case cannot be used.
    """
    cases: list[PreparedCase] = []
    for source in config.sources:
        folder = data / source.folder
        if source.optional and not folder.is_dir():
            continue
        for path in find_cases(folder):
            if path.name not in config.held_out:
                weight = source.weight * source.case_weights.get(path.name, 1.0)
                cases.append(prepare_case(load_case(path), weight, healthy=source.healthy))
    if not cases:
        msg = f"{data}: every case is held out"
        raise CaseError(msg)
    return cases


class CropSampler:
    """Draws augmented crops; what it draws depends on the seed and the step alone.

    Parameters
    ----------
    cases
        At least one.
    config
        Probabilities of tumour crops and augmentations.
    """

    def __init__(self, cases: Sequence[CaseArrays], config: TrainConfig) -> None:
        weights = np.array([case.weight for case in cases], dtype=np.float64)
        self._cases = cases
        self._odds = weights / weights.sum()
        self._config = config

    def batch(self, step: int, side: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return images, targets and weights of one step.

        Parameters
        ----------
        step
            Number of the step.
        side, size
            Side of the crops in voxels and their number.

        Returns
        -------
        tuple of Tensor
            ``(size, 4, side³)`` images, ``(size, 3, side³)`` targets in 0 and 1,
            ``(size, 1, side³)`` weights in 0 and 1.
        """
        rng = np.random.default_rng([self._config.seed, step])
        crops = [self._crop(rng, side) for _ in range(size)]
        labels = torch.stack([labels for _, labels in crops])
        targets = torch.from_numpy(region_masks(labels.numpy()).astype(np.float32)).movedim(0, 1)
        known = (labels != UNKNOWN)[:, None].float()
        return torch.stack([images for images, _ in crops]), targets.contiguous(), known

    def _crop(self, rng: np.random.Generator, side: int) -> tuple[Tensor, Tensor]:
        case = self._cases[int(rng.choice(len(self._cases), p=self._odds))]
        images, labels = cut(case, self._centre(case, rng, side), side)
        return augment_crop(images, labels, self._config.augment, rng)

    def _centre(
        self, case: CaseArrays, rng: np.random.Generator, side: int
    ) -> npt.NDArray[np.int64]:
        shape = np.array(case.labels_kji.shape)
        if case.anchors and rng.random() < self._config.tumour_crops:
            positions = case.anchors[int(rng.integers(len(case.anchors)))]
            reach = side // 4
            wish = positions[int(rng.integers(len(positions)))].astype(np.int64)
            wish = wish + rng.integers(-reach, reach + 1, size=3)
        else:
            wish = rng.integers(0, shape)
        # At most an eighth of the crop lies outside the brain's box.
        low = np.minimum(side // 2 - side // 8, shape // 2)
        centre: npt.NDArray[np.int64] = np.clip(wish, low, np.maximum(shape - low, low))
        return centre


def cut(case: CaseArrays, centre: npt.NDArray[np.int64], side: int) -> tuple[Tensor, Tensor]:
    """Return images ``(4, side³)`` and labels ``(side³)`` around a voxel, zero outside the case."""
    images = np.zeros((case.images_ckji.shape[0], side, side, side), dtype=np.float32)
    labels = np.zeros((side, side, side), dtype=np.uint8)
    start = centre - side // 2
    low = np.maximum(start, 0)
    high = np.minimum(start + side, case.labels_kji.shape)
    source = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    target = tuple(slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))
    images[:, *target] = case.images_ckji[:, *source]
    labels[target] = case.labels_kji[source]
    return torch.from_numpy(images), torch.from_numpy(labels)


def augment_crop(
    images: Tensor, labels: Tensor, config: AugmentConfig, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Return a crop after every augmentation of the configuration."""
    if rng.random() < config.affine:
        grid = affine_grid(labels.shape[-1], rng)
        images = functional.grid_sample(images[None], grid, align_corners=False)[0]
        labels = functional.grid_sample(
            labels[None, None].float(), grid, mode="nearest", align_corners=False
        )[0, 0].to(torch.uint8)
    axes = mirrored_axes(config, rng)
    if axes:
        images = images.flip([axis + 1 for axis in axes])
        labels = labels.flip(axes)
    images = drop_sequences(images, config, rng)
    images = augment_intensity(images, config, rng)
    return disturb_brain_edge(images, labels, config, rng)
