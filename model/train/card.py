"""What the model card says of the training."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from model.train.checkpoint import Progress
from model.train.config import TrainConfig
from model.train.sources import TrainingData

_ELSEWHERE = ("network", "card", "held_out", "folds")
"""Sections of the configuration that stand elsewhere on the card, or say nothing of this run."""


def training_section(
    config: TrainConfig,
    data: TrainingData,
    progress: Progress,
    started_from: Sequence[str],
    command: str = "",
) -> dict[str, Any]:
    """Return the section ``training``: the cases, how long, the whole recipe.

    ``shapes`` and ``brains`` are the cases that grown tumours take their shapes and their places
    from.

    Parameters
    ----------
    progress
        With the figures of the last validation; NaN is left out.
    started_from
        SHA-256 of the weights that the run began with.
    command
        How to repeat the run.
    """
    recipe = {key: value for key, value in asdict(config).items() if key not in _ELSEWHERE}
    grown = data.grown
    return {
        "cases": sorted(case.name for case in data.training),
        "validation_cases": sorted(case.name for case in data.validation),
        "validation": {
            key: value for key, value in progress.figures.items() if not math.isnan(value)
        },
        "shapes": sorted(grown.shape_names) if grown else [],
        "brains": sorted(grown.brain_names) if grown else [],
        "held_out": list(config.held_out),
        "started_from": list(started_from),
        "command": command,
        "torch": str(torch.__version__),
        "steps": progress.step,
        "hours": round(progress.seconds / 3600.0, 2),
        "recipe": recipe,
    }
