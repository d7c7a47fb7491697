"""Heads of new shape, place and disease from maps of heads, on the network's grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from model.brain.heads import DISTANCE_STEP_MM, HeadMap
from model.messages import BRAIN_SPACING_MM
from model.spec import Label, LabelArray
from model.synthetic.tissues import Tissue
from model.train.grown import deform_shape

Generator = np.random.Generator
SHAPE_KJI = (88, 88, 80)
"""Of the head: 264 × 264 × 240 mm."""
JITTER_MM = BRAIN_SPACING_MM / 4
"""Two samples of a voxel lie so far from its middle; their mean is a partial volume."""

_TUMOUR = {
    Label.NCR: Tissue.NECROSIS,
    Label.ED: Tissue.OEDEMA,
    Label.ET: Tissue.ENHANCING_RIM,
}
# Masks of tumours have voxels of 1 mm.
_STRIDE = round(BRAIN_SPACING_MM)
_BONE = (Tissue.CORTICAL_BONE, Tissue.MARROW)
_SOFT = (Tissue.MUSCLE, Tissue.SKIN)


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """One head on `SHAPE_KJI`.

    Parameters
    ----------
    tissues
        uint8 ``(2, k, j, i)``: codes of `Tissue` at two points of every voxel.
    depth_mm
        float32 ``(k, j, i)``: depth below the brain's surface, negative outside.
    """

    tissues: Tensor
    depth_mm: Tensor


def draw_anatomy(heads: Sequence[HeadMap], shapes: Sequence[LabelArray], rng: Generator) -> Anatomy:
    """Return a head deformed, with other fat and dura, mostly with a tumour.

    Parameters
    ----------
    shapes
        Masks of tumours on a grid of 1 mm; none may be given.
    """
    head = heads[int(rng.integers(len(heads)))]
    points = _points_mm(rng)
    if rng.random() < 0.5:  # the other side's mirror image
        points[..., 2] *= -1.0
    centre = _centre(head)
    depth = torch.from_numpy(head.distance_kji).float() * DISTANCE_STEP_MM
    deep = _sample(depth, points, centre, "bilinear", outside=float(depth.min()))
    codes = torch.from_numpy(head.tissues_kji).float()
    samples = [
        _sample(codes, points + side * JITTER_MM, centre, "nearest", outside=float(Tissue.AIR))
        for side in (-1.0, 1.0)
    ]
    tissues = torch.stack(samples).to(torch.uint8).numpy()
    _vary_outside(tissues, deep.numpy(), rng)
    if len(shapes) and rng.random() < 0.6:
        shape = shapes[int(rng.integers(len(shapes)))]
        _plant(
            tissues, deep.numpy(), deform_shape(shape[::_STRIDE, ::_STRIDE, ::_STRIDE], rng), rng
        )
    return Anatomy(torch.from_numpy(tissues), deep)


def _centre(head: HeadMap) -> tuple[float, float, float]:
    inside = np.argwhere(head.distance_kji[::4, ::4, ::4] > 0) * 4.0
    k, j, i = (inside.min(axis=0) + inside.max(axis=0)) / 2
    return float(k), float(j), float(i)


def _points_mm(rng: Generator) -> Tensor:
    """Return where each voxel lies in the map, in mm from the brain's middle."""
    axes = [(torch.arange(n) - (n - 1) / 2) * BRAIN_SPACING_MM for n in SHAPE_KJI]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    matrix = torch.from_numpy(_matrix(rng)).float()
    # The brain lies in the upper part of a head.
    shift = torch.tensor([*rng.normal((-25.0, 0.0, 0.0), (10.0, 8.0, 6.0))]).float()
    points = (grid + shift) @ matrix.T
    for cells, amplitude_mm in ((4, rng.uniform(0, 6)), (8, rng.uniform(0, 3))):
        points += _smooth_field(3, cells, rng).movedim(0, -1) * float(amplitude_mm)
    return points


def _matrix(rng: Generator) -> npt.NDArray[np.float64]:
    """Rotation (deviation 8° about each axis), zoom and shear."""
    matrix = np.eye(3)
    for axis, angle in enumerate(rng.normal(0.0, np.radians(8.0), 3)):
        first, second = [a for a in range(3) if a != axis]
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    zoom = np.diag(np.exp(rng.normal(0.0, 0.06, 3) + rng.normal(0.0, 0.06)))
    shear = np.eye(3) + rng.normal(0.0, 0.03, (3, 3)) * (1 - np.eye(3))
    skewed: npt.NDArray[np.float64] = matrix @ zoom @ shear
    return skewed


def _smooth_field(channels: int, cells: int, rng: Generator) -> Tensor:
    """Smooth noise of deviation about 1 on the head's grid."""
    coarse = rng.standard_normal((1, channels, cells, cells, cells), dtype=np.float32)
    fine = functional.interpolate(
        torch.from_numpy(coarse), SHAPE_KJI, mode="trilinear", align_corners=True
    )
    return fine[0]


def _sample(
    volume: Tensor,
    points_mm: Tensor,
    centre: tuple[float, float, float],
    mode: str,
    *,
    outside: float,
) -> Tensor:
    """Return values at points given in mm, which are voxels of the map."""
    index = points_mm + torch.tensor(centre)
    sizes = torch.tensor(volume.shape).float()
    scaled = (2.0 * index + 1.0) / sizes - 1.0
    found = functional.grid_sample(
        (volume - outside)[None, None], scaled.flip(-1)[None], mode=mode, align_corners=False
    )
    return found[0, 0] + outside


def _vary_outside(
    tissues: npt.NDArray[np.uint8], depth_mm: npt.NDArray[np.float32], rng: Generator
) -> None:
    """Draw fat, dura and now and then a gap in the skull, in place."""
    fat = _smooth_field(1, 24, rng)[0].numpy() + float(rng.normal(0.0, 0.6)) > 0
    tissues[np.isin(tissues, _SOFT) & fat] = Tissue.FAT
    if rng.random() < 0.6:
        near = (depth_mm < -float(rng.uniform(0, 1.5))) & (depth_mm > -float(rng.uniform(2, 4)))
        tissues[near & np.isin(tissues, (Tissue.CSF, *_BONE))] = Tissue.DURA
    if rng.random() < 0.15:
        middle = rng.choice(np.argwhere(np.abs(depth_mm[::2, ::2, ::2]) < 1.5)) * 2
        gap = _ball(middle, float(rng.uniform(10, 36)) / BRAIN_SPACING_MM) & (depth_mm < 0)
        filling = rng.choice((Tissue.CSF, Tissue.MUSCLE, Tissue.MUCOSA, Tissue.AIR))
        tissues[gap & np.isin(tissues, (*_BONE, Tissue.DURA))] = filling


def _ball(middle: npt.NDArray[np.int64], radius: float) -> npt.NDArray[np.bool_]:
    axes = np.ogrid[tuple(slice(0, n) for n in SHAPE_KJI)]
    squares = [(axis - at) ** 2 for axis, at in zip(axes, middle, strict=True)]
    inside: npt.NDArray[np.bool_] = squares[0] + squares[1] + squares[2] <= radius**2
    return inside


def _plant(
    tissues: npt.NDArray[np.uint8],
    depth_mm: npt.NDArray[np.float32],
    shape: LabelArray,
    rng: Generator,
) -> None:
    """Put a tumour into the brain, in place; half of them reach the surface."""
    deepest = 10.0 if rng.random() < 0.5 else np.inf
    places = np.argwhere((depth_mm[::3, ::3, ::3] > 0) & (depth_mm[::3, ::3, ::3] <= deepest)) * 3
    if not len(places):
        return
    tumour = np.argwhere(shape > 0)
    if not len(tumour):
        return
    at = tumour + (rng.choice(places) - np.rint(tumour.mean(axis=0)).astype(int))
    here = ((at >= 0) & (at < np.array(SHAPE_KJI))).all(axis=1)
    labels = np.zeros(SHAPE_KJI, dtype=np.uint8)
    labels[tuple(at[here].T)] = shape[tuple(tumour[here].T)]
    labels[depth_mm <= 0] = 0
    cavity = rng.random() < 0.1  # after an operation
    for label, tissue in _TUMOUR.items():
        filled = Tissue.CSF if cavity and label is not Label.ED else tissue
        tissues[:, labels == label] = filled
    # No holes of brain one voxel wide, which `deform_shape` may leave.
    core = ndimage.binary_closing(labels > 0) & (labels == 0) & (depth_mm > 0)
    tissues[:, core] = Tissue.OEDEMA
