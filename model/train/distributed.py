"""Several processes on one run, started by ``torchrun``; one process needs none of this.

Every process draws its share of each batch; sums over the batch run over all processes, so the
loss and its gradient are those of one process with the whole batch.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

PATIENCE = timedelta(hours=12)
"""How long processes wait for the first one, which prepares the cases of all."""


@dataclass(frozen=True, slots=True)
class Share:
    """One process among all.

    Attributes
    ----------
    rank
        Its number; the first, 0, writes the files.
    world
        How many there are.
    local_rank
        Its number on this computer: which GPU it takes.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes checkpoint, log and weights."""
        return self.rank == 0

    def of(self, count: int) -> range:
        """Return which of `count` things are this process's."""
        return range(self.rank, count, self.world)


def join(device: torch.device) -> Share:
    """Meet the other processes that ``torchrun`` started; alone without it.

    Parameters
    ----------
    device
        NCCL connects GPUs, Gloo everything else.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Share()
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    return Share(dist.get_rank(), dist.get_world_size(), local_rank())


def local_rank() -> int:
    """Return this process's number on this computer."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def wait_for_all() -> None:
    """Wait until every process has come here."""
    if dist.is_initialized():
        dist.barrier()


def leave() -> None:
    """Part from the other processes, if there are any."""
    if dist.is_initialized():
        dist.destroy_process_group()


def total(value: Tensor) -> Tensor:
    """Return the sum over all processes; gradients flow back to each of them."""
    if not dist.is_initialized():
        return value
    summed: Tensor = _Total.apply(value)  # type: ignore[no-untyped-call]
    return summed


def gather(values: list[Any]) -> list[Any]:
    """Return the lists of all processes as one."""
    if not dist.is_initialized():
        return values
    lists: list[list[Any]] = [[] for _ in range(dist.get_world_size())]
    dist.all_gather_object(lists, values)
    return [value for one in lists for value in one]


def any_process(flag: bool, device: torch.device) -> bool:
    """Return whether the flag is set in any process."""
    if not dist.is_initialized():
        return flag
    flags = torch.tensor(int(flag), device=device)
    dist.all_reduce(flags, op=dist.ReduceOp.MAX)
    return bool(flags)


class _Total(torch.autograd.Function):
    """Sum over processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(_context: Any, value: Tensor) -> Tensor:
        summed = value.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        summed = gradient.clone()
        dist.all_reduce(summed)
        return summed
