"""Augmentation of one crop, in torch, cheap enough for a CPU.

Images are normalised: mean 0 and deviation 1 over the brain, exact zero outside. Every function
keeps that zero. Ranges follow common practice for brain MR (nnU-Net's among them), except thick
slices, left-over scalp and eroded brain, which stand for what clinical studies bring: 3 to 6 mm
slices and an imperfect brain extraction.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.normalise import CLIP_HIGH, CLIP_LOW
from model.spec import SEQUENCES
from model.spec import Sequence as Contrast
from model.train.config import AugmentConfig
from model.train.crops import mean_filter, rotation, sampling_grid

MISSING_ODDS: dict[Contrast, float] = {
    Contrast.T1: 0.3,
    Contrast.T1C: 0.2,
    Contrast.T2: 0.25,
    Contrast.FLAIR: 0.25,
}
"""Which sequence is left out, when one is: every one can be missing in a clinic."""

CURVE_KNOTS = np.array([CLIP_LOW, -2.0, -1.0, 0.0, 1.0, 2.0, 3.5, CLIP_HIGH])
"""Normalised intensities between which a random curve is straight."""

RAW_ZERO = 3.0
"""About so many deviations below the mean lies the zero of an image as it was scanned."""

Generator = np.random.Generator


def augment_intensity(images: Tensor, config: AugmentConfig, rng: Generator) -> Tensor:
    """Change contrast, sharpness and alignment of a crop, sequence by sequence.

    Parameters
    ----------
    images
        Shape ``(4, k, j, i)``; not changed.
    config, rng
        Probabilities and the source of chance.

    Returns
    -------
    Tensor
        Same shape.
    """
    inside = (images != 0).any(dim=0)
    thick_study = rng.random() < config.thick_slices
    thick_axis = int(rng.choice(3, p=[0.6, 0.2, 0.2]))
    channels = []
    for channel in images:
        if not bool(channel.any()):
            channels.append(channel)
            continue
        x = channel
        if thick_study and rng.random() < 0.8:
            x = thick_slices(x, thick_axis, int(rng.integers(2, 7)))
        elif rng.random() < config.thick_slices / 2:
            x = thick_slices(x, int(rng.integers(3)), int(rng.integers(2, 7)))
        # What is switched off draws nothing, so that older recipes repeat number by number.
        if config.coarse_plane and rng.random() < config.coarse_plane:
            x = coarse_plane(x, int(rng.choice(3, p=[0.6, 0.2, 0.2])), int(rng.integers(2, 4)))
        if rng.random() < config.misregistration:
            x = torch.roll(x, tuple(rng.integers(-1, 2, size=3).tolist()), dims=(0, 1, 2))
        if rng.random() < config.blur:
            x = torch.lerp(x, mean_filter(x), float(rng.uniform(0.3, 1.0)))
        if config.ghosting and rng.random() < config.ghosting:
            x = ghosts(x, inside, rng)
        x = _contrast(x, inside, config, rng)
        channels.append(x * inside)
    return torch.stack(channels).clamp_(CLIP_LOW, CLIP_HIGH)


def _contrast(x: Tensor, inside: Tensor, config: AugmentConfig, rng: Generator) -> Tensor:
    if rng.random() < config.bias_field:
        x = bias_field(x, rng)
    if rng.random() < config.gamma:
        x = gamma(x, inside, float(np.exp(rng.uniform(-0.4, 0.4))))
    if config.curve and rng.random() < config.curve:
        x = bend(x, inside, rng)
    if rng.random() < config.scale_shift:
        reach = config.scale_shift_range
        x = x * float(rng.uniform(1 - reach, 1 + reach)) + float(rng.uniform(-reach, reach))
    if rng.random() < config.noise:
        noise = torch.from_numpy(rng.standard_normal(tuple(x.shape), dtype=np.float32))
        x = x + noise * float(rng.uniform(0.02, 0.2))
    return x


def thick_slices(x: Tensor, axis: int, factor: int) -> Tensor:
    """Average over slabs of `factor` voxels along an axis and interpolate back.

    Parameters
    ----------
    x
        Shape ``(k, j, i)``.
    axis
        0, 1 or 2.
    factor
        Slice thickness in voxels.
    """
    lines = x.movedim(axis, -1)
    shape = lines.shape
    flat = lines.reshape(1, -1, shape[-1])
    slabs = functional.avg_pool1d(flat, factor, ceil_mode=True)
    # By the factor, not to the length: slabs that reach beyond the end would be squeezed into it.
    back = functional.interpolate(
        slabs, scale_factor=float(factor), mode="linear", align_corners=False
    )
    return back[..., : shape[-1]].reshape(shape).movedim(-1, axis)


def coarse_plane(x: Tensor, axis: int, factor: int) -> Tensor:
    """Average over pixels of `factor` voxels a side across an axis and interpolate back.

    So a sequence looks that was scanned with fewer lines and columns than the others.
    """
    for other in {0, 1, 2} - {axis}:
        x = thick_slices(x, other, factor)
    return x


def ghosts(x: Tensor, inside: Tensor, rng: Generator) -> Tensor:
    """Lay faint copies over the image, shifted to both sides along one axis.

    Movement that repeats from line to line, as of arteries, copies what is bright along the phase
    encoding, at even distances (Wood and Henkelman, Med Phys 12:143, 1985). Where a
    copy's phase is opposite it takes brightness away.
    """
    axis = int(rng.integers(3))
    distance = max(1, int(x.shape[axis] * rng.uniform(0.08, 0.5)))
    strength = float(rng.uniform(0.03, 0.15)) * float(rng.choice((-1.0, 1.0)))
    raw = (x + RAW_ZERO) * inside
    copies = torch.roll(raw, distance, axis) + torch.roll(raw, -distance, axis)
    return x + copies * strength


def gamma(x: Tensor, inside: Tensor, exponent: float) -> Tensor:
    """Bend the grey scale inside the brain, keeping its mean and deviation."""
    values = x[inside]
    if values.numel() < 2:
        return x
    low, high = values.min(), values.max()
    span = (high - low).clamp(min=1e-3)
    bent = ((x - low) / span).clamp_(0.0, 1.0).pow_(exponent)
    changed = bent[inside]
    scale = values.std() / changed.std().clamp(min=1e-4)
    return (bent - changed.mean()) * scale + values.mean()


def bend(x: Tensor, inside: Tensor, rng: Generator) -> Tensor:
    """Pass the grey scale inside the brain through a random rising curve.

    Mean and deviation stay. Scanners and protocols differ by such curves: fluid that outshines
    all else on T2, say, leaves less contrast to the oedema beside it.
    """
    values = x[inside]
    if values.numel() < 2:
        return x
    steps = np.diff(CURVE_KNOTS) * np.exp(rng.normal(0.0, 0.4, len(CURVE_KNOTS) - 1))
    heights = np.concatenate([[0.0], np.cumsum(steps)])
    bent = np.interp(values.numpy(), CURVE_KNOTS, heights).astype(np.float32)
    bent = (bent - bent.mean()) / max(float(bent.std()), 1e-4)
    changed = x.clone()
    changed[inside] = torch.from_numpy(bent) * values.std() + values.mean()
    return changed


def bias_field(x: Tensor, rng: Generator) -> Tensor:
    """Multiply by a smooth field, as coil sensitivity does."""
    coarse = torch.from_numpy(rng.uniform(-0.35, 0.35, size=(1, 1, 3, 3, 3)).astype(np.float32))
    field = functional.interpolate(coarse, tuple(x.shape), mode="trilinear", align_corners=True)
    return (x + RAW_ZERO) * field[0, 0].exp_() - RAW_ZERO


def mirrored_axes(config: AugmentConfig, rng: Generator) -> list[int]:
    """Return the axes of a ``(k, j, i)`` crop to be mirrored."""
    odds = (config.flip_si, config.flip_ap, config.flip_lr)
    return [axis for axis, p in enumerate(odds) if rng.random() < p]


def drop_sequences(images: Tensor, config: AugmentConfig, rng: Generator) -> Tensor:
    """Set one sequence, sometimes two, to zero; at least two always stay."""
    if rng.random() >= config.missing_sequence:
        return images
    present = [n for n, image in enumerate(images) if bool(image.any())]
    count = min(len(present) - 2, 1 + int(rng.random() < 0.25))
    if count < 1:
        return images
    odds = np.array([MISSING_ODDS[SEQUENCES[n]] for n in present])
    dropped = rng.choice(present, size=count, replace=False, p=odds / odds.sum())
    images = images.clone()
    images[torch.from_numpy(dropped)] = 0.0
    return images


def disturb_brain_edge(
    images: Tensor, labels: Tensor, config: AugmentConfig, rng: Generator
) -> tuple[Tensor, Tensor]:
    """Leave some scalp around the brain, or take some brain away with it.

    Parameters
    ----------
    images, labels
        Shapes ``(4, k, j, i)`` and ``(k, j, i)``.

    Returns
    -------
    tuple of Tensor
        Both, changed. What was taken away is background.
    """
    inside = (images != 0).any(dim=0)
    if rng.random() < config.leftover_scalp:
        shell = _grow(inside, int(rng.integers(2, 8))) & ~inside & _blobs(inside, rng)
        bright = torch.from_numpy(rng.uniform(-1.5, 4.0, size=(4, 1)).astype(np.float32))
        texture = rng.standard_normal((4, int(shell.sum())), dtype=np.float32)
        values = bright + torch.from_numpy(texture) * 0.6
        present = images.flatten(1).any(dim=1).float()[:, None]
        images = images.clone()
        images[:, shell] = values * present
    elif rng.random() < config.eroded_brain:
        lost = _grow(~inside, int(rng.integers(1, 5))) & inside & _blobs(inside, rng)
        images = images * ~lost
        labels = labels * ~lost
    return images, labels


def affine_grid(shape: Sequence[int], rng: Generator) -> Tensor:
    """Return a sampling grid of a random rotation (up to 15°) and anisotropic zoom (0.8 to 1.25).

    Returns
    -------
    Tensor
        Shape ``(1, k, j, i, 3)``, for :func:`torch.nn.functional.grid_sample`.
    """
    turn = rotation(rng.uniform(-15, 15, size=3).tolist())
    zoom = np.diag(np.exp(rng.uniform(-0.2, 0.2) + rng.uniform(-0.06, 0.06, size=3)))
    return sampling_grid(shape, turn @ zoom)


def _grow(mask: Tensor, voxels: int) -> Tensor:
    grown = mask[None, None].float()
    width = 2 * voxels + 1
    for kernel in ((width, 1, 1), (1, width, 1), (1, 1, width)):
        pad = tuple(k // 2 for k in kernel)
        grown = functional.max_pool3d(grown, kernel, stride=1, padding=pad)
    return grown[0, 0] > 0.5


def _blobs(like: Tensor, rng: Generator) -> Tensor:
    coarse = torch.from_numpy(rng.standard_normal((1, 1, 6, 6, 6), dtype=np.float32))
    field = functional.interpolate(coarse, tuple(like.shape), mode="trilinear")
    return field[0, 0] > float(rng.uniform(-0.8, 0.6))
