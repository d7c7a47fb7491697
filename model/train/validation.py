"""A look at the cases set aside: sliding windows, Dice and HD95 of every target."""

import importlib.util
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from model.network import SegResNetConfig
from model.spec import region_masks
from model.train.cases import CaseArrays
from model.train.config import ConfigError, TrainConfig
from model.train.distributed import Share, gather
from model.train.prepared import UNKNOWN
from model.train.task import Task

Network = Callable[[Tensor], Tensor]
Shape = tuple[int, int, int]
PERCENTILE = 95.0
MONAI: Final = "monai>=1.6,<1.7"
"""As in the group ``train`` of ``pyproject.toml``, which an installed program does not have."""


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """Dice and HD95 in mm of one case by target; NaN where the reference has none of it."""

    name: str
    dice: Mapping[str, float]
    hd95_mm: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """Those of all cases."""

    cases: tuple[CaseFigures, ...]

    def mean(self) -> dict[str, float]:
        """Return the means over the cases, by target and over the targets."""
        dice = {
            target: _mean([case.dice[target] for case in self.cases])
            for target in self.cases[0].dice
        }
        distance = {
            target: _mean([case.hd95_mm[target] for case in self.cases])
            for target in self.cases[0].hd95_mm
        }
        return {
            "dice": _mean(list(dice.values())),
            "hd95_mm": _mean(list(distance.values())),
            **{f"dice_{target}": value for target, value in dice.items()},
            **{f"hd95_mm_{target}": value for target, value in distance.items()},
        }


@dataclass(frozen=True, slots=True)
class Validator:
    """Segments cases and scores them as MONAI does, each process its share.

    Attributes
    ----------
    task
        What is to be found.
    window_kji, overlap
        Of the sliding windows.
    device, share
        Where the network is, and which cases are this process's.
    """

    task: Task
    window_kji: Shape
    overlap: float
    device: torch.device
    share: Share

    def look(self, network: Network, cases: Sequence[CaseArrays]) -> Figures:
        """Return the figures of all cases."""
        figures = [self._figures(network, cases[n]) for n in self.share.of(len(cases))]
        return Figures(tuple(sorted(gather(figures), key=lambda one: one.name)))

    def _figures(self, network: Network, case: CaseArrays) -> CaseFigures:
        found, true = self._found(network, case), _truth(case, self.task)
        masks = {
            target: (found[:, n : n + 1], true[:, n : n + 1])
            for n, target in enumerate(self.task.scored)
        }
        return figures_of(case.name, masks.items(), self.task.spacing_kji_mm)

    def _found(self, network: Network, case: CaseArrays) -> Tensor:
        logits = self.logits(network, case.images_ckji)
        known = torch.from_numpy(np.asarray(case.labels_kji) != UNKNOWN)
        return (self.task.masks(logits) & known).float()

    def logits(self, network: Network, images_ckji: NDArray[np.floating[Any]]) -> Tensor:
        """Return what a network says of a prepared image, ``(1, c, k, j, i)``."""
        # Seconds of import that a run without validation need not spend.
        from monai.inferers.utils import sliding_window_inference

        image = torch.from_numpy(np.asarray(images_ckji, dtype=np.float32))[None]
        with torch.inference_mode():
            logits = sliding_window_inference(
                image,
                self.window_kji,
                1,
                network,
                self.overlap,
                sw_device=self.device,
                device=torch.device("cpu"),
            )
        if not isinstance(logits, Tensor):
            raise TypeError(f"the network gave {type(logits).__name__}")
        return logits


def figures_of(
    name: str,
    masks: Iterable[tuple[str, tuple[Tensor, Tensor]]],
    spacing_kji_mm: tuple[float, float, float],
) -> CaseFigures:
    """Return the figures of one case.

    Parameters
    ----------
    masks
        Per target what was found and what is true, ``(1, 1, k, j, i)``.
    spacing_kji_mm
        Of their grid.
    """
    from monai.metrics.meandice import compute_dice

    dice: dict[str, float] = {}
    distance: dict[str, float] = {}
    for target, (one, other) in masks:
        if not other.any():
            dice[target] = distance[target] = math.nan
        elif not one.any():
            # What is missed altogether is as far off as the image goes.
            far = math.hypot(*np.multiply(other.shape[2:], spacing_kji_mm).tolist())
            dice[target], distance[target] = 0.0, far
        else:
            dice[target] = float(compute_dice(one, other))
            distance[target] = _hausdorff95(one, other, spacing_kji_mm)
    return CaseFigures(name, dice, distance)


def require_monai(config: TrainConfig) -> None:
    """Raise where the run will want MONAI and it is not installed.

    Raises
    ------
    ConfigError
        Naming the command that installs it.
    """
    network = isinstance(config.network, SegResNetConfig)
    wanting = "the network segresnet" if network else "validation"
    if not network and config.validation.fraction == 0.0:
        return
    if importlib.util.find_spec("monai") is None:
        msg = f"{wanting} wants MONAI, which is not installed: pip install '{MONAI}'"
        raise ConfigError(msg)


class InEvaluation:
    """Holds a network in evaluation mode with other weights, and gives both back.

    Parameters
    ----------
    network, state
        The network and the weights to look at.
    """

    def __init__(self, network: nn.Module, state: Mapping[str, Tensor]) -> None:
        self._network = network
        self._state = state
        self._own: dict[str, Tensor] = {}

    def __enter__(self) -> nn.Module:
        self._own = {key: value.clone() for key, value in self._network.state_dict().items()}
        self._network.load_state_dict(self._state)
        return self._network.eval()

    def __exit__(self, *_exception: object) -> None:
        self._network.load_state_dict(self._own)
        self._network.train()


def _hausdorff95(one: Tensor, other: Tensor, spacing: tuple[float, float, float]) -> float:
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance

    with warnings.catch_warnings():
        # MONAI passes on an argument of its own that it has deprecated.
        warnings.filterwarnings("ignore", ".*always_return_as_numpy", FutureWarning)
        return float(
            compute_hausdorff_distance(
                one, other, include_background=True, percentile=PERCENTILE, spacing=spacing
            )
        )


def _truth(case: CaseArrays, task: Task) -> Tensor:
    labels = np.asarray(case.labels_kji)
    if not task.exclusive:
        return torch.from_numpy(region_masks(labels))[None].float()
    classes = torch.from_numpy(labels.astype(np.int64))
    return functional.one_hot(classes, len(task.targets)).movedim(-1, 0)[None, 1:].float()


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
