"""Where the network looks: overlapping windows, or one over the whole brain."""

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from model.network.slim_unetrpp import TOTAL_STRIDE

Shape = tuple[int, int, int]
Window = tuple[slice, slice, slice, slice]

# Width of the Gaussian in windows and its floor; the values of Isensee et al. 2021 (nnU-Net),
# doi 10.1038/s41592-020-01008-z.
_SIGMA = 0.125
_FLOOR = 1e-3

# Two voxels at the coarsest stage: its norms need more than one.
_MIN_SIDE = 2 * TOTAL_STRIDE


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Windows that cover a grid.

    Parameters
    ----------
    shape_kji
        The grid, padded.
    offset_kji
        Where the image begins on the padded grid.
    window_kji
        Size of each window, multiples of the network's stride.
    starts_kji
        First voxel of each window.
    """

    shape_kji: Shape
    offset_kji: Shape
    window_kji: Shape
    starts_kji: tuple[Shape, ...]

    @property
    def voxels(self) -> int:
        """Number of voxels in all windows together."""
        return math.prod(self.window_kji) * len(self.starts_kji)

    def slices(self) -> list[Window]:
        """Return what to cut from a (channel, k, j, i) array for each window."""
        size_k, size_j, size_i = self.window_kji
        return [
            (slice(None), slice(k, k + size_k), slice(j, j + size_j), slice(i, i + size_i))
            for k, j, i in self.starts_kji
        ]


def plan_windows(shape_kji: Shape, side: int | None, overlap: float) -> WindowPlan:
    """Cover a grid.

    Parameters
    ----------
    shape_kji
        The image's grid.
    side
        Side of a window in voxels, a multiple of the network's stride; ``None`` for one window
        over everything.
    overlap
        Least part of a window that its neighbour covers too.

    Raises
    ------
    ValueError
        If the side does not suit the network or the overlap is not in [0, 1).
    """
    if side is not None and (side < _MIN_SIDE or side % TOTAL_STRIDE):
        raise ValueError(
            f"a window's side must be {_MIN_SIDE} or a larger multiple of "
            f"{TOTAL_STRIDE}, not {side}"
        )
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap must be in [0, 1), not {overlap}")
    axes = [_plan_axis(length, side, overlap) for length in shape_kji]
    padded, offset, window, starts = zip(*axes, strict=True)
    return WindowPlan(padded, offset, window, tuple(itertools.product(*starts)))


def gaussian_weights(window_kji: Shape) -> Tensor:
    """Return how far to trust each voxel of a window: most in its middle.

    Returns
    -------
    Tensor
        (k, j, i) float32, 1 at the most.
    """
    weights = torch.ones(window_kji)
    for axis, length in enumerate(window_kji):
        position = torch.arange(length, dtype=torch.float32) - (length - 1) / 2
        profile = torch.exp(-0.5 * (position / (_SIGMA * length)) ** 2)
        weights *= profile.reshape([-1 if a == axis else 1 for a in range(3)])
    return (weights / weights.max()).clamp_min(_FLOOR)


def _plan_axis(
    length: int, side: int | None, overlap: float
) -> tuple[int, int, int, tuple[int, ...]]:
    padded = max(_MIN_SIDE, -(-length // TOTAL_STRIDE) * TOTAL_STRIDE)
    if side is None or padded <= side:
        return padded, (padded - length) // 2, padded, (0,)
    count = math.ceil((length - side) / (side * (1 - overlap))) + 1
    starts = tuple(round(n * (length - side) / (count - 1)) for n in range(count))
    return length, 0, side, starts
