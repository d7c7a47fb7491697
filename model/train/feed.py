"""The batches of a run in their order: drawn here, or ahead of time by worker processes."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from model.train.config import StageConfig, TrainConfig
from model.train.distributed import Share
from model.train.patches import PatchSampler
from model.train.sampling import CropSampler

Batch = tuple[Tensor, Tensor, Tensor]


class Drawer(Protocol):
    """Draws one crop; which, its number says."""

    def draw(self, number: int, stage: StageConfig) -> Batch:
        """Return images, target and weight, each with a batch axis of one."""


MakeDrawer = Callable[[TrainConfig], Drawer]


@dataclass(frozen=True, slots=True)
class RegionDrawer:
    """Crops of BraTS cases with the regions TC, WT and ET."""

    sampler: CropSampler

    def draw(self, number: int, stage: StageConfig) -> Batch:
        """Return images, target and weight, each with a batch axis of one."""
        return self.sampler.batch(number, stage.shape, 1)


@dataclass(frozen=True, slots=True)
class ClassDrawer:
    """Patches of Decathlon cases with one channel per class."""

    sampler: PatchSampler

    def draw(self, number: int, stage: StageConfig) -> Batch:
        """Return images, target and weight, each with a batch axis of one."""
        return self.sampler.patch(number, stage.shape)


class Feed:
    """The part of every batch that falls to one process.

    A crop's number is its step times the largest batch plus its place in the batch: however many
    processes or workers share the work, a step sees the same crops.

    Parameters
    ----------
    make_drawer
        Makes what draws crops, here or in a worker process; picklable where there are workers.
    config
        The run, its steps known.
    share
        Which crops of a batch are this process's.
    """

    def __init__(self, make_drawer: MakeDrawer, config: TrainConfig, share: Share) -> None:
        self._make_drawer = make_drawer
        self._config = config
        self._share = share
        self._drawer: Drawer | None = None

    def __getstate__(self) -> tuple[MakeDrawer, TrainConfig, Share]:
        return self._make_drawer, self._config, self._share

    def __setstate__(self, state: tuple[MakeDrawer, TrainConfig, Share]) -> None:
        self._make_drawer, self._config, self._share = state
        self._drawer = None

    def batch(self, step: int, stage: StageConfig) -> Batch:
        """Return images, target and weight of the process's crops of a step."""
        if self._drawer is None:
            self._drawer = self._make_drawer(self._config)
        first = step * self._config.largest_batch
        crops = [self._drawer.draw(first + n, stage) for n in self._share.of(stage.batch)]
        images, targets, weights = zip(*crops, strict=True)
        return torch.cat(images), torch.cat(targets), torch.cat(weights)

    def from_step(self, step: int) -> Iterator[Batch] | None:
        """Return the batches from a step on, drawn by worker processes; None without workers."""
        if not self._config.workers:
            return None
        loader = DataLoader(
            _Steps(self, self._config),
            batch_size=None,
            sampler=range(step, self._config.steps),
            num_workers=self._config.workers,
            worker_init_fn=_leave_signals_to_parent,
            multiprocessing_context="spawn",
            pin_memory=torch.cuda.is_available(),
        )
        return iter(loader)


class _Steps(Dataset[Batch]):
    """The batch of each step, as torch's loader wants it."""

    def __init__(self, feed: Feed, config: TrainConfig) -> None:
        self._feed = feed
        self._config = config

    def __getitem__(self, step: int) -> Batch:
        return self._feed.batch(step, self._config.stage_at(step / self._config.steps))


def _leave_signals_to_parent(_number: int) -> None:
    """Outlive a stop that reaches the whole group: the parent still has its step to finish."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
