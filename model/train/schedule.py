"""The optimiser, its learning rate and its step."""

import logging
import math

import torch
from torch import nn

from model.train.config import OptimiserConfig

POLYNOMIAL = 0.9
MOST_LEFT_OUT = 100
"""Steps in a row without a finite gradient, after which a run ends."""
logger = logging.getLogger("model.train")


class TrainingFailure(RuntimeError):
    """A run that cannot succeed any more; the message says why and what to change."""


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
    """Return the optimiser; only the weights of convolutions and linear layers decay.

    Biases, norms, layer scales, temperatures and learned tables do not: small is not simple there.
    """
    named = list(network.named_parameters())
    groups = [
        {
            "params": [p for name, p in named if _decays(name, p)],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for name, p in named if not _decays(name, p)], "weight_decay": 0.0},
    ]
    if config.kind == "sgd":
        return torch.optim.SGD(
            groups, lr=config.learning_rate, momentum=config.momentum, nesterov=True
        )
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)


def _decays(name: str, parameter: nn.Parameter) -> bool:
    # Some scales have as many axes as a kernel, to be multiplied with a volume; the name tells.
    return name.rpartition(".")[2] == "weight" and parameter.ndim > 1


class Descent:
    """Optimiser steps along clipped gradients; those that are not finite are left out.

    One step by such a gradient would destroy the network.

    Parameters
    ----------
    optimiser, network
        What steps, and what it moves.
    largest_norm
        To which a gradient is clipped.
    """

    def __init__(
        self, optimiser: torch.optim.Optimizer, network: nn.Module, largest_norm: float
    ) -> None:
        self._optimiser = optimiser
        self._network = network
        self._largest_norm = largest_norm
        self._left_out = 0

    def step(self, number: int) -> bool:
        """Do the step that follows `number` others; return whether it was done.

        Raises
        ------
        TrainingFailure
            If `MOST_LEFT_OUT` were left out in a row: the run would go on for nothing.
        """
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), self._largest_norm)
        if bool(torch.isfinite(norm)):
            self._left_out = 0
            self._optimiser.step()
            return True
        self._left_out += 1
        logger.warning("step %d is left out: its gradient is not finite", number + 1)
        if self._left_out >= MOST_LEFT_OUT:
            msg = (
                f"the gradients of {self._left_out} steps in a row are not finite, up to step "
                f"{number + 1}; the weights are as before them. Begin anew with a lower "
                "learning_rate, a clip_norm, or bf16 = false"
            )
            raise TrainingFailure(msg)
        return False
