"""From an anatomy to what a scanner makes of it: one image, one target."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.brain.contrast import draw_levels
from model.brain.geometry import Anatomy
from model.inference.brain import scaled
from model.messages import BRAIN_SPACING_MM
from model.train.augment import thick_slices
from model.train.crops import mean_filter

Generator = np.random.Generator
SCALE_MM = 1.0
"""A logit of 1 is so deep below the brain's surface."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What the network sees and should say.

    Parameters
    ----------
    image
        float32 ``(k, j, i)``, scaled as for inference.
    target
        float32 ``(k, j, i)``, the probability of brain that belongs to each depth.
    """

    image: Tensor
    target: Tensor


def draw_scan(anatomy: Anatomy, shape_kji: tuple[int, int, int], rng: Generator) -> Scan:
    """Return one random scan of a head, cropped to a shape."""
    box = _draw_box(anatomy, shape_kji, rng)
    tissues = anatomy.tissues[(slice(None), *box)].int()
    image = _painted(tissues, rng)
    image = _resolved(image, rng)
    image = _received(image, rng)
    target = torch.sigmoid(anatomy.depth_mm[box] / SCALE_MM)
    _cut_field_of_view(image, target, rng)
    return Scan(scaled(image), target)


def _draw_box(
    anatomy: Anatomy, shape_kji: tuple[int, int, int], rng: Generator
) -> tuple[slice, slice, slice]:
    """Place a crop about the brain; a large one holds the neck, a small one cuts the brain."""
    inside = torch.nonzero(anatomy.depth_mm[::4, ::4, ::4] > 0).float() * 4.0
    middle = (inside.amin(dim=0) + inside.amax(dim=0)) / 2
    sides = []
    for at, side, size in zip(middle.tolist(), shape_kji, anatomy.depth_mm.shape, strict=True):
        start = round(at - side / 2 + float(rng.normal(0.0, 12.0)) / BRAIN_SPACING_MM)
        start = min(max(0, start), size - side)
        sides.append(slice(start, start + side))
    k, j, i = sides
    return k, j, i


def _painted(tissues: Tensor, rng: Generator) -> Tensor:
    levels, spread = (torch.from_numpy(table) for table in draw_levels(rng))
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    noise = torch.randn(tissues.shape[1:], generator=generator)
    if rng.random() < 0.5:
        noise = mean_filter(noise) * 3.0
    first, second = tissues.unbind()
    image = (levels[first] + levels[second]) / 2
    return image.add_(spread[first] * noise).clamp_(min=0.0)


def _resolved(image: Tensor, rng: Generator) -> Tensor:
    """Blur, ghost of motion and thick slices along any axis."""
    for _ in range(int(rng.integers(0, 3))):
        image = torch.lerp(image, mean_filter(image), float(rng.uniform(0.2, 0.9)))
    if rng.random() < 0.15:
        axis = int(rng.integers(3))
        shift = int(rng.integers(5, image.shape[axis] // 2))
        image = image + torch.roll(image, shift, axis) * float(rng.uniform(0.03, 0.15))
    if rng.random() < 0.45:
        axis = int(rng.choice(3, p=[0.6, 0.2, 0.2]))
        image = thick_slices(image, axis, int(rng.choice((2, 3))))
    return image


def _received(image: Tensor, rng: Generator) -> Tensor:
    """Coil sensitivity, Rician noise and grey scale."""
    if rng.random() < 0.8:
        cells = int(rng.integers(2, 6))
        strength = float(rng.uniform(0.0, 0.5))
        coarse = torch.from_numpy(rng.normal(0.0, strength, (1, 1, cells, cells, cells))).float()
        field = functional.interpolate(
            coarse, tuple(image.shape), mode="trilinear", align_corners=True
        )
        image = image * field[0, 0].exp_()
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    level = float(rng.uniform(0.0, 0.06)) if rng.random() < 0.9 else 0.12
    noise = torch.randn((2, *image.shape), generator=generator) * level
    image = torch.hypot(image + noise[0], noise[1])
    image = image.pow_(float(np.exp(rng.normal(0.0, 0.3))))
    if rng.random() < 0.25:  # the scanner's software blanked the air
        image = image * (image > float(rng.uniform(0.03, 0.15)) * image.mean() * 2)
    return image


def _cut_field_of_view(image: Tensor, target: Tensor, rng: Generator) -> None:
    """Leave some slices at the ends of each axis without data, and so without brain, in place."""
    for axis, odds in enumerate((0.4, 0.15, 0.15)):
        for end in (0, 1):
            if rng.random() < odds:
                count = int(rng.integers(1, image.shape[axis] // 4))
                start = 0 if end == 0 else image.shape[axis] - count
                for volume in (image, target):
                    volume.narrow(axis, start, count).zero_()
