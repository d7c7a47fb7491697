"""What every sampler of crops needs: places to cut, cutting, turning, smoothing."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from model.spec import Label, LabelArray

Shape = tuple[int, int, int]
ANCHORS_PER_LABEL = 20_000


def anchors_of(
    labels_kji: LabelArray, values: Iterable[int] = (Label.NCR, Label.ED, Label.ET)
) -> tuple[npt.NDArray[np.int16], ...]:
    """Return some voxels ``(n, 3)`` of each label that occurs, to centre crops on."""
    anchors = []
    for value in values:
        positions = np.argwhere(labels_kji == value).astype(np.int16)
        if len(positions):
            anchors.append(positions[:: max(1, len(positions) // ANCHORS_PER_LABEL)])
    return tuple(anchors)


def cut(
    images_ckji: npt.NDArray[np.float16],
    labels_kji: LabelArray,
    start: npt.NDArray[np.int64],
    shape: Shape,
) -> tuple[Tensor, Tensor]:
    """Return images ``(c, k, j, i)`` and labels ``(k, j, i)`` from a voxel on, zero outside."""
    images = np.zeros((images_ckji.shape[0], *shape), dtype=np.float32)
    labels = np.zeros(shape, dtype=np.uint8)
    low = np.maximum(start, 0)
    high = np.minimum(start + np.array(shape), labels_kji.shape)
    source = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    target = tuple(slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))
    images[:, *target] = images_ckji[:, *source]
    labels[target] = labels_kji[source]
    return torch.from_numpy(images), torch.from_numpy(labels)


def rotation(degrees: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return the matrix of turns about x, y and z, which are i, j and k."""
    a, b, c = (math.radians(angle) for angle in degrees)
    about_x = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    about_y = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    turn: npt.NDArray[np.float64] = about_x @ about_y @ about_z
    return turn


def sampling_grid(shape: Sequence[int], matrix_xyz: npt.NDArray[np.float64]) -> Tensor:
    """Return the grid ``(1, k, j, i, 3)`` by which `turned` moves a crop about its middle.

    Parameters
    ----------
    shape
        Of the crop, k, j, i.
    matrix_xyz
        Rotation and zoom, in voxels.
    """
    # The grid's coordinates run from -1 to 1 along every axis, x (i) first: undo the sides' ratio.
    sides = np.diag([float(n) for n in reversed(shape)])
    matrix = np.zeros((1, 3, 4), dtype=np.float32)
    matrix[0, :, :3] = np.linalg.inv(sides) @ matrix_xyz @ sides
    return functional.affine_grid(torch.from_numpy(matrix), [1, 1, *shape], align_corners=False)


def turned(images: Tensor, labels: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
    """Return images ``(c, k, j, i)`` and labels ``(k, j, i)`` sampled at a grid."""
    moved = functional.grid_sample(images[None], grid, align_corners=False)[0]
    nearest = functional.grid_sample(
        labels[None, None].float(), grid, mode="nearest", align_corners=False
    )
    return moved, nearest[0, 0].to(torch.uint8)


def mean_filter(x: Tensor) -> Tensor:
    """Return the mean of the neighbours of each voxel, of 27 or at the faces of those there are."""
    return functional.avg_pool3d(x[None, None], 3, stride=1, padding=1, count_include_pad=False)[
        0, 0
    ]
