"""Dice and (focal) cross-entropy on the three region channels."""

import torch
from torch import Tensor
from torch.nn import functional

SMOOTH = 1e-5


def dice_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return one minus the soft Dice, averaged over the channels that hold any target.

    A channel without target in this crop has no overlap to speak of: the cross-entropy alone
    teaches it to stay silent.

    Parameters
    ----------
    logits, target
        Shape ``(batch, channels, k, j, i)``; the target may be soft.
    weight
        Shape ``(batch, 1, k, j, i)``, zero where the truth is unknown.
    """
    dims = (0, 2, 3, 4)
    probability = torch.sigmoid(logits) * weight
    target = target * weight
    overlap = (probability * target).sum(dims)
    total = probability.sum(dims) + target.sum(dims)
    present = (target.sum(dims) > 0).to(logits.dtype)
    loss = 1.0 - 2.0 * overlap / (total + SMOOTH)
    return (loss * present).sum() / present.sum().clamp(min=1.0)


def cross_entropy(logits: Tensor, target: Tensor, weight: Tensor, focal_gamma: float) -> Tensor:
    """Return the binary cross-entropy, focal (Lin et al. 2017) for a positive `focal_gamma`."""
    loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    if focal_gamma > 0:
        probability = torch.sigmoid(logits)
        wrong = probability * (1.0 - target) + (1.0 - probability) * target
        loss = loss * wrong.pow(focal_gamma)
    return (loss * weight).sum() / (weight.sum() * logits.shape[1]).clamp(min=1.0)


def region_loss(
    outputs: tuple[Tensor, ...], target: Tensor, weight: Tensor, focal_gamma: float = 0.0
) -> Tensor:
    """Return Dice plus cross-entropy over all outputs.

    Parameters
    ----------
    outputs
        Logits; the first at full resolution, any further one coarser by a whole factor. Each
        coarser output counts half of the one before and learns the mean of the target over its
        voxel.
    target, weight
        At full resolution, as in :func:`dice_loss`.
    focal_gamma
        0 for plain cross-entropy; 2 in the paper.
    """
    total = torch.zeros((), dtype=torch.float32, device=target.device)
    importance, norm = 1.0, 0.0
    for logits in outputs:
        logits = logits.float()
        factor = target.shape[2] // logits.shape[2]
        soft, known = target, weight
        if factor > 1:
            soft = functional.avg_pool3d(target, factor)
            known = functional.avg_pool3d(weight, factor)
        loss = dice_loss(logits, soft, known) + cross_entropy(logits, soft, known, focal_gamma)
        total = total + importance * loss
        norm += importance
        importance *= 0.5
    return total / norm
