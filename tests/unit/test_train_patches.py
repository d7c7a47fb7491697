"""Patches that are flat are turned within their slices, whichever way these lie."""

import numpy as np
import pytest
import torch
from torch import Tensor

from model.train.config import AugmentConfig
from model.train.patches import augment_patch

TURNED = AugmentConfig(flip_lr=0.0, flip_ap=0.0, flip_si=0.0, scale_shift=0.0, affine=1.0)


@pytest.mark.parametrize("thick", range(3))
def test_a_flat_patch_turns_within_its_slices(thick: int) -> None:
    along, across = (thick + 1) % 3, (thick + 2) % 3
    slices = _ramp(thick, 4).expand(_sides(thick)).to(torch.uint8)
    images = _ramp(along, 32).expand(_sides(thick))[None]
    for seed in range(4):
        moved, labels = augment_patch(images, slices, TURNED, np.random.default_rng(seed))
        assert bool(((labels == slices) | (labels == 0)).all())
        middle = moved[0].narrow(along, 12, 8).narrow(across, 12, 8)
        assert float(middle.diff(dim=across).abs().mean()) > 0.01


def _sides(thick: int) -> list[int]:
    return [4 if axis == thick else 32 for axis in range(3)]


def _ramp(axis: int, side: int) -> Tensor:
    """Return 1, 2, 3... along one of k, j, i."""
    return torch.arange(1.0, side + 1).reshape([-1 if n == axis else 1 for n in range(3)])
