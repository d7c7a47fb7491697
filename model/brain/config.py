"""The configuration of a training, read from a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.network import BrainUNetConfig
from model.network.config import from_settings
from model.train.sections import ConfigError, OptimiserConfig


@dataclass(frozen=True, slots=True)
class BrainTrainConfig:
    """Everything a run depends on, beside the data.

    Attributes
    ----------
    name
        Name of the weights file.
    steps
        Optimiser steps of the whole run, one scan each.
    seed
        Of the initial weights and of every scan.
    heads, shapes
        Folders of maps of heads and of tumours' masks, below the data's.
    held_out
        Names of maps that are never read by training: their scans are what validation looks at.
    crops
        Voxels of 3 mm along k, j, i; one of them is drawn for every step.
    renew_steps, kept
        Every so many steps a new anatomy is drawn; scans are made of the newest `kept` ones.
    bf16
        Run the network under bf16 autocast, on devices that gain from it: see
        :func:`model.device.bf16_for`.
    checkpoint_minutes
        Time between two checkpoints, each with the weights at that moment.
    card
        What the model card says beyond what the run itself knows.
    """

    name: str
    steps: int
    network: BrainUNetConfig = field(default_factory=BrainUNetConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    seed: int = 0
    heads: str = "heads/labelmaps"
    shapes: str = "shapes"
    held_out: tuple[str, ...] = ()
    crops: tuple[tuple[int, int, int], ...] = ((64, 80, 64),)
    renew_steps: int = 4
    kept: int = 32
    bf16: bool = False
    checkpoint_minutes: float = 3.0
    card: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            Naming the setting that cannot be used.
        """
        crops = tuple((int(k), int(j), int(i)) for k, j, i in self.crops)
        object.__setattr__(self, "crops", crops)
        if min(self.steps, self.renew_steps, self.kept, len(crops)) < 1:
            msg = "steps, renew_steps, kept and the number of crops must be positive"
            raise ConfigError(msg)
        stride = self.network.total_stride[0]
        if any(side < stride or side % stride for crop in crops for side in crop):
            msg = f"the sides of crops must be multiples of {stride}: {crops}"
            raise ConfigError(msg)


def read_config(path: Path) -> BrainTrainConfig:
    """Read a configuration.

    Raises
    ------
    ConfigError
        If the file is not TOML or a setting is unknown, missing or out of range.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        network = from_settings(BrainUNetConfig, _section(document, "network"))
        optimiser = from_settings(OptimiserConfig, _section(document, "optimiser"))
        parts = {**document, "network": network, "optimiser": optimiser}
        return from_settings(BrainTrainConfig, parts)
    except (OSError, ValueError) as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error


def _section(document: dict[str, Any], name: str) -> Mapping[str, object]:
    section: Mapping[str, object] = document.pop(name, {})
    return section
