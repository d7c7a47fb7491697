"""Augmented crops drawn from prepared cases."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.spec import region_masks
from model.train.augment import (
    affine_grid,
    augment_intensity,
    disturb_brain_edge,
    drop_sequences,
    mirrored_axes,
)
from model.train.cases import CaseArrays
from model.train.config import AugmentConfig, TrainConfig
from model.train.crops import Shape, cut, turned
from model.train.grown import GrownTumours
from model.train.lesions import vary_lesion
from model.train.prepared import UNKNOWN
from model.train.transplant import Donor, can_give


class CropSampler:
    """Draws augmented crops; what it draws depends on the seed and the crop's number alone.

    Parameters
    ----------
    cases
        At least one, unless every crop comes from `grown`.
    config
        Probabilities of tumour crops and augmentations.
    grown
        Source of grown tumours, if there is one.
    """

    def __init__(
        self, cases: Sequence[CaseArrays], config: TrainConfig, grown: GrownTumours | None = None
    ) -> None:
        weights = np.array([case.weight for case in cases], dtype=np.float64)
        self._cases = cases
        self._odds = weights / weights.sum()
        self._config = config
        self._grown = grown
        self._crops_per_step = config.largest_batch
        self._grown_now: tuple[int, CaseArrays] | None = None
        # Each donor keeps a map of distances: of a thousand patients only the recent ones.
        self._donor = lru_cache(maxsize=32)(self._make_donor)

    def batch(self, number: int, shape: Shape, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return images, targets and weights of some crops.

        Parameters
        ----------
        number
            Of the first crop: its step times the largest batch plus its place in the batch.
        shape, size
            Size of the crops in voxels (k, j, i) and their number.

        Returns
        -------
        tuple of Tensor
            ``(size, 4, k, j, i)`` images, ``(size, 3, k, j, i)`` targets in 0 and 1,
            ``(size, 1, k, j, i)`` weights in 0 and 1.
        """
        rng = np.random.default_rng([self._config.seed, number])
        step = number // self._crops_per_step
        crops = [self._crop(rng, step, shape) for _ in range(size)]
        labels = torch.stack([labels for _, labels in crops])
        targets = torch.from_numpy(region_masks(labels.numpy()).astype(np.float32)).movedim(0, 1)
        known = (labels != UNKNOWN)[:, None].float()
        return torch.stack([images for images, _ in crops]), targets.contiguous(), known

    def _crop(self, rng: np.random.Generator, step: int, shape: Shape) -> tuple[Tensor, Tensor]:
        case = self._case(rng, step)
        start = self._centre(case, rng, shape) - np.array(shape) // 2
        images, labels = cut(case.images_ckji, case.labels_kji, start, shape)
        return augment_crop(images, labels, self._config.augment, rng)

    def _case(self, rng: np.random.Generator, step: int) -> CaseArrays:
        if self._grown is not None and rng.random() < self._config.grown.share:
            turn = step // self._config.grown.renew_steps
            if self._grown_now is None or self._grown_now[0] != turn:
                self._grown_now = turn, self._grown.case(step)
            return self._grown_now[1]
        case = self._cases[int(rng.choice(len(self._cases), p=self._odds))]
        if rng.random() < self._config.augment.transplant:
            donor = self._donor(int(rng.choice(len(self._cases), p=self._odds)))
            if donor is not None and donor.case.name != case.name:
                return donor.give(case, rng)
        return case

    def _make_donor(self, index: int) -> Donor | None:
        case = self._cases[index]
        return Donor(case) if can_give(case) else None

    def _centre(
        self, case: CaseArrays, rng: np.random.Generator, crop: Shape
    ) -> npt.NDArray[np.int64]:
        shape, side = np.array(case.labels_kji.shape), np.array(crop)
        if case.anchors and rng.random() < self._config.tumour_crops:
            positions = case.anchors[int(rng.integers(len(case.anchors)))]
            wish = positions[int(rng.integers(len(positions)))].astype(np.int64)
            wish = wish + rng.integers(-(side // 4), side // 4 + 1)
        else:
            wish = rng.integers(0, shape)
        # At most an eighth of the crop lies outside the brain's box.
        low = np.minimum(side // 2 - side // 8, shape // 2)
        centre: npt.NDArray[np.int64] = np.clip(wish, low, np.maximum(shape - low, low))
        return centre


def augment_crop(
    images: Tensor, labels: Tensor, config: AugmentConfig, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Return a crop after every augmentation of the configuration."""
    if rng.random() < config.affine:
        images, labels = turned(images, labels, affine_grid(tuple(labels.shape), rng))
    axes = mirrored_axes(config, rng)
    if axes:
        images = images.flip([axis + 1 for axis in axes])
        labels = labels.flip(axes)
    images, labels = vary_lesion(images, labels, config, rng)
    images = drop_sequences(images, config, rng)
    images = augment_intensity(images, config, rng)
    return disturb_brain_edge(images, labels, config, rng)
