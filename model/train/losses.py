"""Dice and (focal) cross-entropy, on regions that may overlap or on classes that exclude."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from model.train.distributed import total as over_processes

SMOOTH = 1e-5
_DIMS = (0, 2, 3, 4)


def soft_dice(probability: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return one minus the soft Dice, averaged over the channels that hold any target.

    A channel without target in this batch has no overlap to speak of: the cross-entropy alone
    teaches it to stay silent.

    Parameters
    ----------
    probability, target
        Shape ``(batch, channels, k, j, i)``; the target may be soft.
    weight
        Shape ``(batch, 1, k, j, i)``, zero where the truth is unknown, between where it is
        known of a part of the voxel.
    """
    probability = probability * weight
    overlap = (probability * target).sum(_DIMS)
    sizes = probability.sum(_DIMS)
    targets = (target * weight).sum(_DIMS)
    overlap, sizes, targets = over_processes(torch.stack([overlap, sizes, targets]))
    present = (targets > 0).to(probability.dtype)
    loss = 1.0 - 2.0 * overlap / (sizes + targets + SMOOTH)
    mean: Tensor = (loss * present).sum() / present.sum().clamp(min=1.0)
    return mean


def dice_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return :func:`soft_dice` of independent regions."""
    return soft_dice(torch.sigmoid(logits), target, weight)


def cross_entropy(logits: Tensor, target: Tensor, weight: Tensor, focal_gamma: float) -> Tensor:
    """Return the binary cross-entropy, focal (Lin et al. 2017) for a positive `focal_gamma`."""
    loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    if focal_gamma > 0:
        probability = torch.sigmoid(logits)
        wrong = probability * (1.0 - target) + (1.0 - probability) * target
        loss = loss * wrong.pow(focal_gamma)
    return _weighted_mean(loss, weight, logits.shape[1])


def class_dice_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return :func:`soft_dice` of exclusive classes; the first, background, does not count."""
    return soft_dice(torch.softmax(logits, dim=1)[:, 1:], target[:, 1:], weight)


def class_cross_entropy(
    logits: Tensor, target: Tensor, weight: Tensor, focal_gamma: float
) -> Tensor:
    """Return the cross-entropy of exclusive classes, focal for a positive `focal_gamma`."""
    logs = torch.log_softmax(logits, dim=1)
    if focal_gamma > 0:
        logs = logs * (1.0 - logs.exp()).pow(focal_gamma)
    return _weighted_mean(-(logs * target).sum(dim=1, keepdim=True), weight, 1)


def region_loss(
    outputs: tuple[Tensor, ...],
    target: Tensor,
    weight: Tensor,
    focal_gamma: float = 0.0,
    *,
    exclusive: bool = False,
) -> Tensor:
    """Return Dice plus cross-entropy over all outputs.

    Parameters
    ----------
    outputs
        Logits; the first at full resolution, any further one coarser by a whole factor along each
        axis. Each coarser output counts half of the one before and learns the mean of the target
        over the known part of its voxel.
    target, weight
        At full resolution, as in :func:`soft_dice`.
    focal_gamma
        0 for plain cross-entropy; 2 in the paper of Slim UNETR++.
    exclusive
        Every voxel is of one class (softmax) instead of any number of regions (sigmoid).
    """
    summed = torch.zeros((), dtype=torch.float32, device=target.device)
    importance, norm = 1.0, 0.0
    dice, entropy = (
        (class_dice_loss, class_cross_entropy) if exclusive else (dice_loss, cross_entropy)
    )
    for logits in outputs:
        logits = logits.float()
        factors = [a // b for a, b in zip(target.shape[2:], logits.shape[2:], strict=True)]
        soft, known = target, weight
        if math.prod(factors) > 1:
            known = functional.avg_pool3d(weight, factors)
            # Of the known part alone: what is unknown is not background.
            soft = functional.avg_pool3d(target * weight, factors) / known.clamp_min(1e-6)
        loss = dice(logits, soft, known) + entropy(logits, soft, known, focal_gamma)
        summed = summed + importance * loss
        norm += importance
        importance *= 0.5
    return summed / norm


def _weighted_mean(loss: Tensor, weight: Tensor, channels: int) -> Tensor:
    summed, weights = over_processes(torch.stack([(loss * weight).sum(), weight.sum()]))
    mean: Tensor = summed / (weights * channels).clamp(min=1.0)
    return mean
