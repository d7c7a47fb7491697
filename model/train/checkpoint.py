"""Checkpoints: everything a run needs to go on as if it had not stopped."""

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the file."""


@dataclass(slots=True)
class Progress:
    """How far a run has come.

    Attributes
    ----------
    step
        Steps done.
    seconds
        Time spent on them.
    """

    step: int = 0
    seconds: float = 0.0


class WeightAverage:
    """Exponential moving average of a network's parameters.

    Parameters
    ----------
    network
        Its present parameters are the first average.
    decay
        Weight of the past; smaller during the first steps so that the start is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    def update(self, network: nn.Module, step: int) -> None:
        """Move the average towards the network's parameters after `step` steps."""
        decay = min(self._decay, (1.0 + step) / (10.0 + step))
        averages = list(self.state.values())
        current = [value.detach() for value in network.state_dict().values()]
        torch._foreach_lerp_(averages, current, 1.0 - decay)


def save_checkpoint(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: WeightAverage,
    progress: Progress,
) -> None:
    """Write a checkpoint beside its destination, then rename."""
    part = path.with_name(path.name + ".part")
    torch.save(
        {
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average.state,
            "step": progress.step,
            "seconds": progress.seconds,
        },
        part,
    )
    part.replace(path)


def load_checkpoint(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: WeightAverage,
) -> Progress:
    """Restore a checkpoint into its parts and return how far the run had come.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or of another network.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(stored["network"])
        optimiser.load_state_dict(stored["optimiser"])
        kept: dict[str, Tensor] = stored["average"]
    except (OSError, RuntimeError, KeyError, ValueError, pickle.UnpicklingError) as error:
        msg = f"{path}: cannot resume from it: {error}"
        raise CheckpointError(msg) from error
    for key, value in average.state.items():
        value.copy_(kept[key])
    return Progress(int(stored["step"]), float(stored["seconds"]))
