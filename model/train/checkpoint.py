"""Checkpoints: everything a run needs to go on as if it had not stopped.

A checkpoint is written beside the newest, flushed to the disk, and only then takes its name; the
one before is kept. Whenever the process is killed, one of the two is whole.
"""

import logging
import os
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from model.train.identity import RunIdentity

logger = logging.getLogger("model.train")
PREVIOUS = ".previous"
IDENTITY = "identity"


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
    best_dice
        Of the validations so far; negative before the first.
    validated
        Step of the last validation.
    figures
        What it found, with its step; empty before the first.
    """

    step: int = 0
    seconds: float = 0.0
    best_dice: float = -1.0
    validated: int = -1
    figures: Mapping[str, float] = field(default_factory=dict)


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
    *,
    identity: RunIdentity,
) -> None:
    """Write a checkpoint; the newest before it stays as the previous one."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as stream:
        torch.save(
            {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "average": average.state,
                IDENTITY: asdict(identity),
                **asdict(progress),
            },
            stream,
        )
        stream.flush()
        os.fsync(stream.fileno())
    if path.exists():
        path.replace(previous_of(path))
    part.replace(path)
    _sync_folder(path.parent)


def previous_of(path: Path) -> Path:
    """Return where the checkpoint before the newest is kept."""
    return path.with_name(path.name + PREVIOUS)


def has_checkpoint(path: Path) -> bool:
    """Whether there is a checkpoint to go on from, the newest or the one before."""
    return path.exists() or previous_of(path).exists()


def load_checkpoint(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: WeightAverage,
    *,
    identity: RunIdentity,
) -> tuple[Progress, RunIdentity]:
    """Restore the newest whole checkpoint into its parts.

    A damaged newest one is passed over with a warning in the log.

    Parameters
    ----------
    identity
        Of the run that is to go on.

    Returns
    -------
    tuple
        How far the run had come, and its identity with what it had started from.

    Raises
    ------
    CheckpointError
        If there is none, both are damaged, or they are of another network, recipe or other cases.
    """
    try:
        stored = _read(path)
    except CheckpointError as error:
        if not previous_of(path).exists():
            raise
        stored = _read(previous_of(path))
        logger.warning("%s; going on from the one before, after step %d", error, stored["step"])
    began = _identity(path, stored)
    if difference := began.difference(identity):
        msg = f"{path}: cannot resume another run than the one that began: {difference}"
        raise CheckpointError(msg)
    if _group_sizes(stored["optimiser"]) != _group_sizes(optimiser.state_dict()):
        msg = (
            f"{path}: cannot resume from it: other parameters decayed in the version that wrote "
            "it. Begin anew in another folder; --start-from takes a finished run's weights"
        )
        raise CheckpointError(msg)
    try:
        network.load_state_dict(stored["network"])
        optimiser.load_state_dict(stored["optimiser"])
        kept: dict[str, Tensor] = stored["average"]
        progress = Progress(**{one.name: stored[one.name] for one in fields(Progress)})
    except (RuntimeError, KeyError, ValueError) as error:
        msg = f"{path}: cannot resume from it: {error}"
        raise CheckpointError(msg) from error
    for key, value in average.state.items():
        value.copy_(kept[key])
    return progress, began


def _identity(path: Path, stored: Mapping[str, Any]) -> RunIdentity:
    try:
        return RunIdentity(**stored[IDENTITY])
    except (KeyError, TypeError) as error:
        msg = f"{path}: cannot resume from it: it does not say which cases the run has read"
        raise CheckpointError(msg) from error


def _group_sizes(state: Mapping[str, Any]) -> list[int]:
    return [len(group["params"]) for group in state["param_groups"]]


def _read(path: Path) -> dict[str, Any]:
    try:
        stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        msg = f"{path}: cannot resume from it: {error}"
        raise CheckpointError(msg) from error
    return stored


def _sync_folder(folder: Path) -> None:
    """Flush the renames themselves, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
