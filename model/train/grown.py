"""Tumours of real shape grown in brains that have none.

A brain without tumour (real, or painted from a map of its tissues) receives the shape of a real
glioma with invented intensities: many more places, contrasts and anatomies than a few dozen
patients offer, and brains whose every other part is certainly healthy. The idea of painting label
maps with random contrasts is SynthSeg's (Billot et al. 2023, doi 10.1016/j.media.2023.102789).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from model.cropping import occupied_box
from model.data import (
    CaseError,
    find_cases,
    load_case,
    load_lps,
    of_patients,
    reference_labels,
)
from model.normalise import CLIP_HIGH, CLIP_LOW
from model.spec import Label, LabelArray
from model.train.augment import affine_grid
from model.train.config import GrownConfig
from model.train.crops import anchors_of, mean_filter
from model.train.prepared import PreparedCase, normalised_brain

Generator = np.random.Generator
FloatArray = npt.NDArray[np.float32]

TUMOUR_MEAN = {
    Label.NCR: ((-0.2, -0.4, 1.5, 1.9), (0.8, 0.6, 1.0, 1.0)),
    Label.ED: ((0.1, 0.0, 0.7, 1.6), (0.4, 0.5, 0.5, 0.6)),
    Label.ET: ((0.0, 2.2, 0.8, 1.6), (0.6, 0.8, 0.7, 0.8)),
}
"""Mean and deviation between patients of T1, T1c, T2 and FLAIR in each part of a glioma, in units
of the normalised image; rounded from the BraTS 2021 patients."""
TUMOUR_TEXTURE = 0.6
"""Deviation inside one part of one tumour, same source."""

TISSUES: dict[str, tuple[tuple[int, ...], tuple[float, float, float, float]]] = {
    "white matter": ((2, 7, 16, 28, 41, 46, 60, 77, 85), (0.8, 0.7, -0.6, 0.0)),
    "cortex": ((3, 8, 17, 18, 42, 47, 53, 54), (-0.1, 0.0, 0.1, 0.5)),
    "deep grey matter": ((10, 11, 12, 13, 26, 49, 50, 51, 52, 58), (0.4, 0.4, -0.3, 0.3)),
    "fluid": ((4, 5, 14, 15, 24, 25, 43, 44, 57, 72), (-2.0, -1.8, 2.8, -1.8)),
    "vessels": ((30, 62, 31, 63), (-0.6, 2.5, 0.5, 0.0)),
}
"""FreeSurfer labels and typical normalised intensities; what is not named here counts as cortex."""
LAST_BRAIN_LABEL = 499
HIGHEST_BRAIN = 150
"""Slices of 1 mm kept from the vertex down: some maps go on into the neck."""
SHAPE_ENDING = "_seg"
PLACES_TRIED = 6
MARGIN = 8


@dataclass(frozen=True, slots=True, eq=False)
class GrownTumours:
    """Makes cases of grown tumours; which one depends on seed and step alone.

    Parameters
    ----------
    config
        Share and renewal.
    seed
        Of the training.
    shapes
        Label arrays, each cut to its tumour.
    brains
        Normalised ``(4, k, j, i)`` images without tumour, cut to the brain.
    tissue_maps
        FreeSurfer labels, cut to the brain.
    shape_names, brain_names
        The cases that shapes and brains are of.
    """

    config: GrownConfig
    seed: int
    shapes: tuple[LabelArray, ...]
    brains: tuple[FloatArray, ...]
    tissue_maps: tuple[npt.NDArray[np.int16], ...]
    shape_names: tuple[str, ...] = ()
    brain_names: tuple[str, ...] = ()

    def case(self, step: int) -> PreparedCase:
        """Return the case in use at a step; it changes every ``config.renew_steps`` steps."""
        turn = step // self.config.renew_steps
        rng = np.random.default_rng([self.seed, 7, turn])
        if self.brains and (not self.tissue_maps or rng.random() < self.config.real_brains):
            images = self.brains[int(rng.integers(len(self.brains)))].copy()
        else:
            images = paint_brain(self.tissue_maps[int(rng.integers(len(self.tissue_maps)))], rng)
        shape = deform_shape(self.shapes[int(rng.integers(len(self.shapes)))], rng)
        if self.config.diffuse and rng.random() < self.config.diffuse:
            shape = diffuse_shape(shape, rng)
        labels = place_shape(shape, images, rng)
        grow(images, labels, rng)
        labels, images = labels.copy(), _standardised(images)
        return PreparedCase(
            f"grown {turn}", 1.0, images.astype(np.float16), labels, anchors_of(labels)
        )


def load_grown(
    config: GrownConfig, seed: int, data: Path, *, unread: Collection[str] = ()
) -> GrownTumours | None:
    """Read shapes, brains and tissue maps; ``None`` if the share is zero.

    Parameters
    ----------
    unread
        Cases whose patients' shapes and brains are left out too: what is held out, and what is
        set aside for validation.

    Raises
    ------
    CaseError
        If there are no shapes, or neither brains nor tissue maps, or a brain cannot be used.
    """
    if config.share <= 0:
        return None
    shapes = read_shapes(data / config.shapes, unread=unread)
    brains: list[FloatArray] = []
    cases = find_cases(data / config.brains) if config.brains else []
    left_out = of_patients([path.name for path in cases], unread)
    cases = [path for path in cases if path.name not in left_out]
    for path in cases:
        brains.append(normalised_brain(load_case(path))[0])
    maps: tuple[npt.NDArray[np.int16], ...] = ()
    if config.tissue_maps:
        maps = tuple(_tissue_map(p) for p in sorted((data / config.tissue_maps).glob("*.nii*")))
    if not shapes or not (brains or maps):
        msg = f"{data}: growing tumours needs shapes, and brains or tissue maps to put them in"
        raise CaseError(msg)
    return GrownTumours(
        config,
        seed,
        tuple(shapes.values()),
        tuple(brains),
        maps,
        shape_names=tuple(shapes),
        brain_names=tuple(path.name for path in cases),
    )


def read_shapes(folder: Path, *, unread: Collection[str] = ()) -> dict[str, LabelArray]:
    """Return the masks of tumours in a folder, each cut to its tumour, by their cases' names.

    Raises
    ------
    CaseError
        If one cannot be read or is empty.
    """
    names = {_shape_name(path): path for path in _masks(folder)}
    left_out = of_patients(names, unread)
    return {name: _shape(path) for name, path in names.items() if name not in left_out}


def paint_brain(tissues: npt.NDArray[np.int16], rng: Generator) -> FloatArray:
    """Return a ``(4, k, j, i)`` image of a tissue map with random contrast, zero outside it."""
    spread = 0.8 if rng.random() < 0.15 else 0.25
    table = np.zeros((4, LAST_BRAIN_LABEL + 1), dtype=np.float32)
    table[:] = np.array(TISSUES["cortex"][1], dtype=np.float32)[:, None]
    for labels, means in TISSUES.values():
        tint = np.array(means) + rng.normal(0.0, spread, 4)
        table[:, labels] = tint[:, None]
    table += rng.normal(0.0, 0.12, table.shape).astype(np.float32)
    inside = tissues > 0
    sharpness = float(rng.uniform(0.2, 1.0))
    images = np.empty((4, *tissues.shape), dtype=np.float32)
    for channel, row in zip(images, table, strict=True):
        sharp = torch.from_numpy(row[tissues])
        noise = torch.from_numpy(rng.standard_normal(tissues.shape, dtype=np.float32))
        blurred = mean_filter(sharp + noise * float(rng.uniform(0.2, 0.5)))
        channel[:] = torch.lerp(blurred, sharp, 1.0 - sharpness).numpy() * inside
    return images


def deform_shape(shape: LabelArray, rng: Generator) -> LabelArray:
    """Return a shape mirrored, turned, zoomed and sometimes stripped of its enhancement."""
    flips = tuple(axis for axis in range(3) if rng.random() < 0.5)
    labels = torch.from_numpy(np.flip(shape, flips).copy())
    grid = affine_grid(labels.shape, rng)
    warped = functional.grid_sample(
        labels[None, None].float(), grid, mode="nearest", align_corners=False
    )
    deformed: LabelArray = warped[0, 0].to(torch.uint8).numpy()
    if rng.random() < 0.2:
        deformed[deformed == Label.ET] = Label.NCR
    return deformed


def diffuse_shape(shape: LabelArray, rng: Generator) -> LabelArray:
    """Return a shape that is core (NCR) but for a rim of oedema of uneven width, none enhancing.

    So BraTS outlines most gliomas of lower grade.
    """
    tumour = shape > 0
    depth = torch.from_numpy(ndimage.distance_transform_edt(tumour).astype(np.float32))
    core = depth + 2.0 * _texture(shape.shape, rng) > float(rng.uniform(2.0, 7.0))
    return np.where(tumour, np.where(core.numpy(), Label.NCR, Label.ED), 0).astype(np.uint8)


def place_shape(shape: LabelArray, images_ckji: FloatArray, rng: Generator) -> LabelArray:
    """Return labels on the brain's grid, at the best of some random places inside it."""
    inside = (images_ckji != 0).any(axis=0)
    candidates = np.argwhere(inside[::4, ::4, ::4]) * 4
    best, best_count = np.zeros(inside.shape, dtype=np.uint8), -1
    for _ in range(PLACES_TRIED):
        labels = np.zeros(inside.shape, dtype=np.uint8)
        start = candidates[int(rng.integers(len(candidates)))] - np.array(shape.shape) // 2
        low = np.maximum(start, 0)
        high = np.minimum(start + shape.shape, inside.shape)
        target = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        source = tuple(
            slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True)
        )
        labels[target] = shape[source]
        labels[~inside] = 0
        count = int((labels > 0).sum())
        if count > best_count:
            best, best_count = labels, count
    # Neither oedema nor tumour fills the ventricles: bright on T2, dark on FLAIR.
    if rng.random() < 0.7:
        best[(images_ckji[2] > 2.0) & (images_ckji[3] < -0.5)] = 0
    return best


def grow(images_ckji: FloatArray, labels_kji: LabelArray, rng: Generator) -> None:
    """Paint a tumour with the given labels into a brain, in place."""
    box = occupied_box(labels_kji > 0)
    if box is None:
        return
    wide = tuple(slice(max(0, s.start - MARGIN), s.stop + MARGIN) for s in box)
    part = torch.from_numpy(images_ckji[:, *wide])
    labels = torch.from_numpy(labels_kji[wide])
    inside = (part != 0).any(dim=0)
    enhancing = bool((labels == Label.ET).any())
    for label, (mean, deviation) in TUMOUR_MEAN.items():
        mask = (labels == label).float()
        if not bool(mask.any()):
            continue
        tint = np.array(mean) + rng.normal(0.0, 1.0, 4) * np.array(deviation)
        if label is Label.NCR and not enhancing:
            tint[1] = min(tint[1], tint[0] + rng.normal(0.0, 0.15))  # it takes up no contrast
        if label is Label.ED:
            tint[2:] = np.maximum(tint[2:], (0.3, 0.9))
        if label is Label.ET:
            tint[1] = max(tint[1], 0.8)
        # Oedema fades into the brain and lets its structure shine through.
        edge = 2 if label is Label.ED else 1
        cover = mask
        for _ in range(edge):
            cover = mean_filter(cover)
        cover = cover * float(rng.uniform(0.6, 0.95) if label is Label.ED else 1.0)
        shared = _texture(mask.shape, rng)
        for channel, level in zip(part, tint, strict=True):
            texture = 0.7 * shared * float(rng.choice((-1.0, 1.0))) + 0.7 * _texture(
                mask.shape, rng
            )
            target = float(level) + texture * TUMOUR_TEXTURE * float(rng.uniform(0.4, 1.3))
            channel.copy_(torch.lerp(channel, target, cover) * inside)


def _texture(shape: Sequence[int], rng: Generator) -> Tensor:
    """Smooth noise on two scales, deviation about 1."""
    coarse = torch.from_numpy(
        rng.standard_normal((1, 1, *(max(2, n // 10) for n in shape)), dtype=np.float32)
    )
    smooth = functional.interpolate(coarse, tuple(shape), mode="trilinear", align_corners=True)
    fine = torch.from_numpy(rng.standard_normal(tuple(shape), dtype=np.float32))
    return smooth[0, 0] * 1.2 + mean_filter(fine) * 2.0


def _standardised(images: FloatArray) -> FloatArray:
    """Return images normalised anew, as the tumour changed mean and deviation."""
    inside = (images != 0).any(axis=0)
    for channel in images:
        values = channel[inside]
        scaled = (values - values.mean()) / max(float(values.std()), 1e-3)
        channel[inside] = np.clip(scaled, CLIP_LOW, CLIP_HIGH)
    return images


def names_to_grow_from(config: GrownConfig, data: Path) -> set[str]:
    """Return the names of all cases whose shapes or brains could be used, held out or not."""
    shapes = {_shape_name(path) for path in _masks(data / config.shapes)}
    brains = (data / config.brains).glob("*/") if config.brains else ()
    return shapes | {path.name for path in brains}


def _masks(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SHAPE_ENDING}.nii*"))


def _shape_name(path: Path) -> str:
    """Return the name of the case that a mask is of."""
    return path.name.rpartition(SHAPE_ENDING)[0]


def _shape(path: Path) -> LabelArray:
    labels = reference_labels(path, load_lps(path)[0])
    box = occupied_box(labels > 0)
    if box is None:
        msg = f"{path}: an empty mask is no shape"
        raise CaseError(msg)
    return np.pad(labels[box], MARGIN)


def _tissue_map(path: Path) -> npt.NDArray[np.int16]:
    labels = np.asarray(load_lps(path)[0]).astype(np.int16)
    brain = (labels > 0) & (labels <= LAST_BRAIN_LABEL)
    # The largest part alone: some maps carry specks beside the brain.
    parts, count = ndimage.label(brain)
    if count == 0:
        msg = f"{path}: no brain in this map"
        raise CaseError(msg)
    brain = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    box = occupied_box(brain)
    assert box is not None
    return np.where(brain, labels, 0)[box][-HIGHEST_BRAIN:].astype(np.int16)
