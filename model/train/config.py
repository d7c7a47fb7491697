"""The training configuration, read from a TOML file."""

import math
import tomllib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from model.network import NetworkConfig, SlimUNETRppConfig, read_config

T = TypeVar("T")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the setting."""


class Layout(StrEnum):
    """How the data lie in their folder."""

    BRATS = "brats"
    DECATHLON = "decathlon"


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """What the images are, where that is not BraTS.

    Attributes
    ----------
    layout
        ``brats``: folders of cases, four sequences, regions TC, WT, ET. ``decathlon``: one folder
        with ``dataset.json``; its modalities, its labels, each voxel of one class.
    spacing_kji_mm
        Grid that Decathlon cases are resampled to; empty for the median of the training cases.
    """

    layout: Layout = Layout.BRATS
    spacing_kji_mm: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            Naming the setting that cannot be used.
        """
        if self.layout not in list(Layout):
            msg = f"layout must be one of {', '.join(Layout)}, not {self.layout}"
            raise ConfigError(msg)
        object.__setattr__(self, "layout", Layout(self.layout))
        if len(self.spacing_kji_mm) not in (0, 3) or min(self.spacing_kji_mm, default=1.0) <= 0:
            msg = f"spacing_kji_mm must be three positive numbers, got {self.spacing_kji_mm}"
            raise ConfigError(msg)


@dataclass(frozen=True, slots=True)
class ValidationConfig:
    """Cases set aside to look at during training, and how they are looked at.

    Attributes
    ----------
    fraction
        Share of the cases that are set aside, drawn by the seed alone; 0 for none.
    every_steps
        Steps between two looks; 0 for one at the end only.
    overlap
        Of the sliding windows, which are as large as the crops of the last stage.
    """

    fraction: float = 0.0
    every_steps: int = 0
    overlap: float = 0.5

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            If a value is out of range.
        """
        if not 0.0 <= self.fraction < 1.0 or not 0.0 <= self.overlap < 1.0 or self.every_steps < 0:
            msg = f"validation out of range: {self}"
            raise ConfigError(msg)


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One folder of cases.

    Attributes
    ----------
    folder
        Below the data folder; "." is the data folder itself.
    weight
        How often one of its cases is drawn, relative to the other sources' cases.
    healthy
        True: cases without tumour and without reference labels, all background.
    optional
        True: skip silently when the folder is not there.
    case_weights
        Factors on `weight` for single cases by name.
    """

    folder: str
    weight: float = 1.0
    healthy: bool = False
    optional: bool = False
    case_weights: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageConfig:
    """Crop size up to a fraction of the training.

    Attributes
    ----------
    until
        Fraction of the training, in (0, 1].
    side
        Side of a cubic crop in voxels, a multiple of the network's total stride.
    batch
        Crops a step, over all processes.
    patch
        Sides along k, j, i of a crop that is no cube; then without `side`.
    """

    until: float
    side: int = 0
    batch: int = 1
    patch: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sides of the crop along k, j and i."""
        k, j, i = self.patch or (self.side,) * 3
        return k, j, i


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """Optimiser, its schedule after a linear warm-up, clipping and an average of weights.

    Attributes
    ----------
    kind
        ``adamw``, or ``sgd`` with Nesterov's momentum.
    schedule
        ``cosine``, or ``polynomial``: (1 - fraction)^0.9, as nnU-Net has it.
    hold
        Fraction of the run up to which the rate stays constant before it falls.
    warm_up_epochs
        Instead of `warm_up_steps`, where the run is given in epochs.
    ema_decay
        Of the average of weights, which is what is saved; 0 for the last weights themselves.
    """

    kind: str = "adamw"
    schedule: str = "cosine"
    learning_rate: float = 1e-3
    final_fraction: float = 0.01
    warm_up_steps: int = 100
    warm_up_epochs: int = 0
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.95)
    momentum: float = 0.99
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    hold: float = 0.0

    def __post_init__(self) -> None:
        """Check the names.

        Raises
        ------
        ConfigError
            If there is no such optimiser or schedule.
        """
        if self.kind not in ("adamw", "sgd") or self.schedule not in ("cosine", "polynomial"):
            msg = f"unknown optimiser or schedule: {self.kind}, {self.schedule}"
            raise ConfigError(msg)


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Probability of each augmentation for one crop (or one sequence of it, where it says so)."""

    flip_lr: float = 0.5
    flip_ap: float = 0.5
    flip_si: float = 0.5
    affine: float = 0.0
    gamma: float = 0.0
    scale_shift: float = 1.0
    noise: float = 0.0
    blur: float = 0.0
    thick_slices: float = 0.0
    bias_field: float = 0.0
    misregistration: float = 0.0
    missing_sequence: float = 0.0
    leftover_scalp: float = 0.0
    eroded_brain: float = 0.0
    transplant: float = 0.0


@dataclass(frozen=True, slots=True)
class GrownConfig:
    """Tumours grown in brains without one, see :mod:`model.train.grown`.

    Attributes
    ----------
    share
        Of the crops; 0 for none.
    shapes, brains, tissue_maps
        Folders below the data folder: masks, cases without tumour, FreeSurfer maps of whole
        heads. Of the latter two one may be empty.
    real_brains
        Share of the real brains, where there are both.
    renew_steps
        Steps until the next case is grown.
    """

    share: float = 0.0
    shapes: str = "shapes"
    brains: str = "normal"
    tissue_maps: str = "heads/labelmaps"
    real_brains: float = 0.5
    renew_steps: int = 10


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
    max_hours
        Wall-clock limit; the schedule then follows whichever of steps and time is further, so
        that it always completes. 0: no limit, and a resumed run repeats the uninterrupted one.
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
        Run the network under bf16 autocast.
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
    max_hours: float = 0.0
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
        if self.workers and (not self.cache or self.max_hours > 0):
            msg = "workers need cache = true and no max_hours"
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
    """Read a configuration.

    Raises
    ------
    ConfigError
        If the file is not TOML or a setting is unknown, missing or out of range.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error
    try:
        network = read_config(document.pop("network", {}))
    except ValueError as error:
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
