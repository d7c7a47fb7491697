"""The training configuration, read from a TOML file."""

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from model.network import SlimUNETRppConfig
from model.network.slim_unetrpp import TOTAL_STRIDE

T = TypeVar("T")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the setting."""


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
        Side of the crop in voxels, a multiple of 32: one for a cube, or three (k, j, i).
    batch
        Crops a step.
    """

    until: float
    side: int | tuple[int, int, int]
    batch: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Size of the crop along k, j and i."""
        return self.side if isinstance(self.side, tuple) else (self.side, self.side, self.side)


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """AdamW with a linear warm-up, gradient clipping and an average of weights.

    After the warm-up the rate holds until the fraction `hold` of the run and falls on half a
    cosine from there; 0 is the paper's plain cosine.
    """

    learning_rate: float = 1e-3
    hold: float = 0.0
    final_fraction: float = 0.01
    warm_up_steps: int = 100
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.95)
    clip_norm: float = 1.0
    ema_decay: float = 0.999


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
        Optimiser steps of the whole run.
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
    card
        What the model card says beyond what the run itself knows: licence of the data, intended
        use, limits.
    """

    name: str
    steps: int
    stages: tuple[StageConfig, ...]
    sources: tuple[SourceConfig, ...] = ()
    network: SlimUNETRppConfig = field(default_factory=SlimUNETRppConfig)
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
    card: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            Naming the setting that cannot be used.
        """
        if self.steps < 1:
            msg = f"steps must be positive, got {self.steps}"
            raise ConfigError(msg)
        if not self.sources and self.grown.share < 1:
            msg = "at least one [[sources]] is needed"
            raise ConfigError(msg)
        if not self.stages or self.stages[-1].until < 1.0:
            msg = "the last of [[stages]] must have until = 1.0"
            raise ConfigError(msg)
        for stage in self.stages:
            if any(n < 1 or n % TOTAL_STRIDE for n in stage.shape) or stage.batch < 1:
                msg = f"a stage needs a side that is a multiple of {TOTAL_STRIDE}: {stage}"
                raise ConfigError(msg)

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
        network = SlimUNETRppConfig.from_mapping(document.pop("network", {}))
    except ValueError as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error
    sources = tuple(_build(SourceConfig, item) for item in document.pop("sources", ()))
    stages = tuple(_build(StageConfig, item) for item in document.pop("stages", ()))
    optimiser = _build(OptimiserConfig, document.pop("optimiser", {}))
    augment = _build(AugmentConfig, document.pop("augment", {}))
    folds = {name: tuple(cases) for name, cases in document.pop("folds", {}).items()}
    grown = _build(GrownConfig, document.pop("grown", {}))
    return _build(
        TrainConfig,
        {
            **document,
            "network": network,
            "sources": sources,
            "stages": stages,
            "optimiser": optimiser,
            "augment": augment,
            "grown": grown,
            "folds": folds,
        },
    )


def _build(kind: type[T], values: dict[str, Any]) -> T:
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        return kind(**arguments)
    except TypeError as error:
        msg = f"{kind.__name__}: {error}"
        raise ConfigError(msg) from error
