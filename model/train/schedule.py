"""The optimiser, its learning rate and its step."""

import logging
import math

import torch
from torch import nn

from model.train.config import OptimiserConfig

POLYNOMIAL = 0.9
logger = logging.getLogger("model.train")


def learning_rate(config: OptimiserConfig, step: int, fraction: float) -> float:
    """Return the rate of a step: linear warm-up, constant up to `hold`, then the fall."""
    fallen = max(0.0, min(1.0, fraction) - config.hold) / max(1e-9, 1.0 - config.hold)
    if config.schedule == "polynomial":
        fall = math.pow(1.0 - fallen, POLYNOMIAL)
    else:
        fall = 0.5 * (1.0 + math.cos(math.pi * fallen))
    floor = config.final_fraction
    rising = min(1.0, (step + 1) / max(1, config.warm_up_steps))
    return config.learning_rate * (floor + (1.0 - floor) * fall) * rising


def make_optimiser(config: OptimiserConfig, network: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser; norms, biases and learned tables do not decay."""
    named = list(network.named_parameters())
    groups = [
        {
            "params": [p for name, p in named if p.ndim > 1 and "table" not in name],
            "weight_decay": config.weight_decay,
        },
        {
            "params": [p for name, p in named if p.ndim <= 1 or "table" in name],
            "weight_decay": 0.0,
        },
    ]
    if config.kind == "sgd":
        return torch.optim.SGD(
            groups, lr=config.learning_rate, momentum=config.momentum, nesterov=True
        )
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)


def descend(
    optimiser: torch.optim.Optimizer, network: nn.Module, largest_norm: float, step: int
) -> bool:
    """Clip the gradient and step; return whether that was done.

    One step by a gradient that is not finite would destroy the network, so it is left out.
    """
    norm = nn.utils.clip_grad_norm_(network.parameters(), largest_norm)
    if not bool(torch.isfinite(norm)):
        logger.warning("step %d is left out: its gradient is not finite", step + 1)
        return False
    optimiser.step()
    return True
