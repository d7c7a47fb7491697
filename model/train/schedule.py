"""The optimiser and its learning rate."""

import math

import torch
from torch import nn

from model.train.config import OptimiserConfig

POLYNOMIAL = 0.9


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
