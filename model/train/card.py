"""What the model card says of the training."""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from model.errors import WeightsError
from model.train.checkpoint import CheckpointError, Progress
from model.train.config import TrainConfig
from model.train.sources import TrainingData
from model.weights import read_card, verify

logger = logging.getLogger("model.train")

_ELSEWHERE = ("network", "card", "held_out", "folds")
"""Sections of the configuration that stand elsewhere on the card, or say nothing of this run."""


def training_section(
    config: TrainConfig,
    data: TrainingData,
    progress: Progress,
    started_from: Sequence[str],
    *,
    cases_before: Iterable[str] = (),
    command: str = "",
) -> dict[str, Any]:
    """Return the section ``training``: the cases, how long, the whole recipe.

    ``shapes`` and ``brains`` are the cases that grown tumours take their shapes and their places
    from, ``cases_ever`` all of these and those of the networks that the run began with.

    Parameters
    ----------
    progress
        With the figures of the last validation; NaN is left out.
    started_from
        SHA-256 of the weights that the run began with.
    cases_before
        What the networks it began with had read.
    command
        How to repeat the run.
    """
    recipe = {key: value for key, value in asdict(config).items() if key not in _ELSEWHERE}
    grown = data.grown
    read = {
        "cases": sorted(case.name for case in data.training),
        "validation_cases": sorted(case.name for case in data.validation),
        "shapes": sorted(grown.shape_names) if grown else [],
        "brains": sorted(grown.brain_names) if grown else [],
    }
    return {
        **read,
        "cases_ever": sorted({*cases_before, *(name for part in read.values() for name in part)}),
        "validation": {
            key: value for key, value in progress.figures.items() if not math.isnan(value)
        },
        "held_out": list(config.held_out),
        "started_from": list(started_from),
        "command": command,
        "torch": str(torch.__version__),
        "steps": progress.step,
        "hours": round(progress.seconds / 3600.0, 2),
        "recipe": recipe,
    }


def cases_behind(weights: Path) -> frozenset[str]:
    """Return what a network has read, by the card beside it; nothing, and a warning, without one.

    Raises
    ------
    CheckpointError
        If the card cannot be read or is of other weights.
    """
    if not weights.with_suffix(".json").is_file():
        logger.warning("%s: without its card; what it has read is not known", weights)
        return frozenset()
    try:
        card = read_card(weights.parent, weights.stem)
        verify(weights.parent, weights.stem)
    except WeightsError as error:
        raise CheckpointError(str(error)) from error
    return card.read_cases
