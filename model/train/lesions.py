"""Lesions that look otherwise than in the patients at hand, for one crop.

Two dozen patients show few of the forms a glioma takes: cysts, cores without enhancement, oedema
that one sequence barely shows. Each function changes what the voxels of a lesion look like and,
where that changes what they are called in BraTS, their label.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.cropping import occupied_box
from model.normalise import CLIP_HIGH, CLIP_LOW
from model.spec import SEQUENCES, Label, Sequence
from model.train.prepared import UNKNOWN
from model.train.sections import AugmentConfig

Generator = np.random.Generator

T1, T1C, T2, FLAIR = (SEQUENCES.index(s) for s in Sequence)

CYST = ((-2.0, -1.8, 2.8, -1.4), (0.4, 0.4, 0.6, 0.8))
"""Mean and deviation between patients of T1, T1c, T2 and FLAIR of fluid, in normalised units;
as in `model.train.grown.TISSUES`, but brighter and more varied on FLAIR, as cysts hold protein."""
CYST_TEXTURE = 0.15
SMALLEST_CYST = 200
"""Voxels."""
MARGIN = 8
"""Voxels around the lesion that are looked at, and changed at its edge."""

TINT = {
    Label.NCR: (0.5, 0.3, 0.5, 0.5),
    Label.ED: (0.3, 0.12, 0.5, 0.4),
    Label.ET: (0.4, 0.5, 0.5, 0.4),
}
"""Deviation of the shift of T1, T1c, T2 and FLAIR in each part; small where a larger one would
turn one part into another, as contrast agent does oedema."""


def vary_lesion(
    images: Tensor, labels: Tensor, config: AugmentConfig, rng: Generator
) -> tuple[Tensor, Tensor]:
    """Return a crop whose lesion takes up no contrast, holds a cyst or has other contrasts.

    Parameters
    ----------
    images, labels
        Normalised, shapes ``(4, k, j, i)`` and ``(k, j, i)``; not changed.
    config, rng
        Probabilities and the source of chance.

    Returns
    -------
    tuple of Tensor
        Both, of the same shapes.
    """
    # What is switched off draws nothing, so that older recipes repeat number by number.
    unenhanced = bool(config.unenhanced) and rng.random() < config.unenhanced
    cyst = bool(config.cyst) and rng.random() < config.cyst
    tint = bool(config.lesion_tint) and rng.random() < config.lesion_tint
    box = occupied_box(((labels != Label.BACKGROUND) & (labels != UNKNOWN)).numpy())
    if box is None or not (unenhanced or cyst or tint):
        return images, labels
    near = tuple(slice(max(0, side.start - MARGIN), side.stop + MARGIN) for side in box)
    part, part_labels = images[:, *near], labels[near]
    if unenhanced:
        part, part_labels = without_enhancement(part, part_labels, rng)
    if cyst:
        part = with_cyst(part, part_labels, rng)
    if tint:
        part = tinted(part, part_labels, rng)
    images, labels = images.clone(), labels.clone()
    images[:, *near], labels[near] = part, part_labels
    return images, labels


def without_enhancement(images: Tensor, labels: Tensor, rng: Generator) -> tuple[Tensor, Tensor]:
    """Paint the enhancing tumour as T1 shows it, and call it core (NCR), as BraTS does.

    Nothing changes where there is no enhancing tumour, or T1 or T1c is missing.
    """
    enhancing = labels == Label.ET
    if not bool(enhancing.any() and images[T1].any() and images[T1C].any()):
        return images, labels
    tissue = (images[T1] != 0) & (images[T1C] != 0) & (labels != Label.ET)
    plain, contrast = images[T1][tissue], images[T1C][tissue]
    if plain.numel() < SMALLEST_CYST:
        return images, labels
    like_t1 = (images[T1] - plain.mean()) / plain.std().clamp(min=1e-3)
    like_t1 = like_t1 * contrast.std() + contrast.mean()
    # A rim of one voxel goes along: its brightness is the enhancing voxels' beside it.
    cover = _soft(_soft(enhancing.float()).gt(0).float())
    changed = images.clone()
    changed[T1C] = torch.lerp(images[T1C], like_t1, cover)
    labels = torch.where(enhancing, torch.full_like(labels, Label.NCR), labels)
    core = _soft((labels == Label.NCR).float())
    darker = float(rng.uniform(0.0, 1.0))
    for channel, shift in ((T1, -darker), (T1C, -darker), (T2, float(rng.uniform(0.0, 1.0)))):
        changed[channel] += shift * core
    return _kept(changed, like=images), labels


def with_cyst(images: Tensor, labels: Tensor, rng: Generator) -> Tensor:
    """Paint part of the necrotic or non-enhancing core as fluid."""
    coarse = torch.from_numpy(rng.standard_normal((1, 1, 5, 5, 5), dtype=np.float32))
    field = functional.interpolate(coarse, tuple(labels.shape), mode="trilinear")[0, 0]
    place = (labels == Label.NCR) & (field > float(rng.uniform(-1.0, 0.3)))
    level = rng.normal(CYST[0], CYST[1])
    if int(place.sum()) < SMALLEST_CYST:
        return images
    cover = _soft(place.float())
    noise = torch.from_numpy(rng.standard_normal(tuple(images.shape), dtype=np.float32))
    fluid = torch.from_numpy(level.astype(np.float32))[:, None, None, None] + noise * CYST_TEXTURE
    return _kept(torch.lerp(images, fluid, cover), like=images)


def tinted(images: Tensor, labels: Tensor, rng: Generator) -> Tensor:
    """Make each part of the lesion a little brighter or darker, sequence by sequence."""
    shifted = images.clone()
    for label, deviation in TINT.items():
        shift = torch.from_numpy(rng.normal(0.0, deviation).astype(np.float32))
        mask = labels == label
        if bool(mask.any()):
            shifted += shift[:, None, None, None] * _soft(mask.float())
    return _kept(shifted, like=images)


def _kept(changed: Tensor, *, like: Tensor) -> Tensor:
    """Return images within the range of normalised ones, zero where `like` is."""
    return changed.clamp(CLIP_LOW, CLIP_HIGH) * (like != 0)


def _soft(mask: Tensor) -> Tensor:
    # At the faces of a crop the lesion goes on.
    padded = functional.avg_pool3d(
        mask[None, None], 3, stride=1, padding=1, count_include_pad=False
    )
    return padded[0, 0]
