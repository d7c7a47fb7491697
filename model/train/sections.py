"""The sections of a training configuration, each checked where it is made."""

import math
from dataclasses import dataclass, field
from enum import StrEnum


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
    clip_norm
        Largest norm of the gradient; 0: as it is.
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

    @property
    def largest_norm(self) -> float:
        """Of the gradient; infinite where it is not clipped."""
        return self.clip_norm or math.inf


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Probability of each augmentation for one crop, or one sequence of it.

    What each does: `model.train.augment`; `transplant`: `model.train.transplant`; `unenhanced`,
    `cyst` and `lesion_tint`: `model.train.lesions`. `curve` bends the grey scale of a sequence;
    `scale_shift` multiplies it by 1 ± `scale_shift_range` at most and adds as much;
    `coarse_plane` gives it the in-plane pixels of a scan with fewer lines and columns.
    """

    flip_lr: float = 0.5
    flip_ap: float = 0.5
    flip_si: float = 0.5
    affine: float = 0.0
    gamma: float = 0.0
    scale_shift: float = 1.0
    scale_shift_range: float = 0.15
    noise: float = 0.0
    blur: float = 0.0
    thick_slices: float = 0.0
    bias_field: float = 0.0
    misregistration: float = 0.0
    missing_sequence: float = 0.0
    leftover_scalp: float = 0.0
    eroded_brain: float = 0.0
    transplant: float = 0.0
    curve: float = 0.0
    unenhanced: float = 0.0
    cyst: float = 0.0
    lesion_tint: float = 0.0
    ghosting: float = 0.0
    coarse_plane: float = 0.0


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
    diffuse
        Share of the tumours that take up no contrast and are core but for a rim of oedema.
    """

    share: float = 0.0
    shapes: str = "shapes"
    brains: str = "normal"
    tissue_maps: str = "heads/labelmaps"
    real_brains: float = 0.5
    renew_steps: int = 10
    diffuse: float = 0.0
