"""The training configuration, read from a TOML file."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from model.network import NetworkConfig, SlimUNETRppConfig, read_config
from model.recipes import read_recipe
from model.train.sections import (
    AugmentConfig,
    ConfigError,
    DatasetConfig,
    GrownConfig,
    Layout,
    OptimiserConfig,
    SourceConfig,
    StageConfig,
    ValidationConfig,
)

__all__ = [
    "AugmentConfig",
    "ConfigError",
    "DatasetConfig",
    "GrownConfig",
    "Layout",
    "OptimiserConfig",
    "SourceConfig",
    "StageConfig",
    "TrainConfig",
    "ValidationConfig",
    "load_config",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything a training run depends on, beside the data.

    Attributes
    ----------
    name
        Name of the weights file.
    steps
        Optimiser steps of the whole run; or
    epochs
        how often every training case is drawn on average, from which the steps follow.
    dataset, validation
        What the data are; what is set aside of them.
    seed
        Of the initial weights, the sampling and the augmentation.
    held_out
        Case names that are never read.
    folds
        Cross-validation: the names each fold leaves out, beside `held_out`.
    tumour_crops
        Share of the crops that are centred in a tumour.
    focal_gamma
        See :func:`model.train.losses.region_loss`.
    bf16
        Run the network under bf16 autocast, on devices that gain from it: see
        :func:`model.device.bf16_for`.
    checkpoint_minutes
        Time between two checkpoints.
    cache
        Keep prepared cases on disk and read only the crops: for data larger than memory.
    workers
        Processes that draw crops ahead of the network; they need `cache`.
    card
        What the model card says beyond what the run itself knows: licence of the data, intended
        use, limits.
    """

    name: str
    sources: tuple[SourceConfig, ...]
    stages: tuple[StageConfig, ...]
    steps: int = 0
    epochs: int = 0
    network: NetworkConfig = field(default_factory=SlimUNETRppConfig)
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    grown: GrownConfig = field(default_factory=GrownConfig)
    seed: int = 0
    held_out: tuple[str, ...] = ()
    folds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tumour_crops: float = 0.7
    focal_gamma: float = 2.0
    bf16: bool = False
    checkpoint_minutes: float = 5.0
    cache: bool = False
    workers: int = 0
    card: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            Naming the setting that cannot be used.
        """
        if (self.steps < 1) == (self.epochs < 1):
            msg = f"either steps or epochs must be positive, got {self.steps} and {self.epochs}"
            raise ConfigError(msg)
        if not self.sources:
            msg = "at least one [[sources]] is needed"
            raise ConfigError(msg)
        if not self.stages or self.stages[-1].until < 1.0:
            msg = "the last of [[stages]] must have until = 1.0"
            raise ConfigError(msg)
        for stage in self.stages:
            self._check_stage(stage)
        if self.workers and not self.cache:
            msg = "workers need cache = true"
            raise ConfigError(msg)

    def _check_stage(self, stage: StageConfig) -> None:
        stride = self.network.total_stride
        fits = len(stage.patch or (1, 1, 1)) == 3 and all(
            side >= step and side % step == 0
            for side, step in zip(stage.shape, stride, strict=True)
        )
        if not fits or stage.batch < 1:
            msg = f"a stage's sides must be multiples of {_sides(stride)}: {stage}"
            raise ConfigError(msg)

    @property
    def largest_batch(self) -> int:
        """Crops a step in the stage that has most; a crop's number counts in such steps."""
        return max(stage.batch for stage in self.stages)

    def for_cases(self, count: int) -> "TrainConfig":
        """Return the configuration with epochs turned into steps for so many training cases."""
        if not self.epochs:
            return self
        epoch = math.ceil(count / self.stages[-1].batch)
        optimiser = self.optimiser
        if optimiser.warm_up_epochs:
            optimiser = replace(optimiser, warm_up_steps=optimiser.warm_up_epochs * epoch)
        return replace(self, steps=self.epochs * epoch, epochs=0, optimiser=optimiser)

    def without(self, fold: str) -> "TrainConfig":
        """Return the configuration with one fold's cases held out.

        Raises
        ------
        ConfigError
            If there is no such fold.
        """
        if fold not in self.folds:
            msg = f"no fold {fold!r}; the configuration has: {', '.join(self.folds) or 'none'}"
            raise ConfigError(msg)
        return replace(self, held_out=(*self.held_out, *self.folds[fold]))

    def stage_at(self, fraction: float) -> StageConfig:
        """Return the stage in force after this fraction of the training."""
        return next(s for s in self.stages if fraction < s.until or s is self.stages[-1])


def load_config(path: Path) -> TrainConfig:
    """Read a configuration, see `model.recipes.read_recipe` for what it may leave out.

    Raises
    ------
    ConfigError
        If the file is not TOML or a setting is unknown, missing or out of range.
    """
    try:
        document = read_recipe(path)
        network = read_config(document.pop("network", {}))
    except (OSError, ValueError) as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error
    sources = tuple(_build(SourceConfig, item) for item in document.pop("sources", ()))
    stages = tuple(_build(StageConfig, item) for item in document.pop("stages", ()))
    dataset = _build(DatasetConfig, document.pop("dataset", {}))
    validation = _build(ValidationConfig, document.pop("validation", {}))
    optimiser = _build(OptimiserConfig, document.pop("optimiser", {}))
    augment = _build(AugmentConfig, document.pop("augment", {}))
    grown = _build(GrownConfig, document.pop("grown", {}))
    folds = {name: tuple(cases) for name, cases in document.pop("folds", {}).items()}
    return _build(
        TrainConfig,
        {
            **document,
            "network": network,
            "sources": sources,
            "stages": stages,
            "dataset": dataset,
            "validation": validation,
            "optimiser": optimiser,
            "augment": augment,
            "grown": grown,
            "folds": folds,
        },
    )


def _sides(stride: tuple[int, int, int]) -> str:
    return str(stride[0]) if len(set(stride)) == 1 else "×".join(map(str, stride))


def _build(kind: type[T], values: dict[str, Any]) -> T:
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        return kind(**arguments)
    except TypeError as error:
        msg = f"{kind.__name__}: {error}"
        raise ConfigError(msg) from error
