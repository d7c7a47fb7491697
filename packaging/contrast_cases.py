"""The people, real and simulated, that `fit_contrast_evidence` learns from.

Real ones come without the skull, as published. Simulated heads and heads painted from label maps
keep it, so that an outline of the brain that is too wide shows what a real one would: fluid, dura,
bone and scalp. Painted heads have no vessels and no T1c; they teach T1, T2 and FLAIR apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.study import Sequence
from desktop_app.services.opening.import_study import choose_roles, load_roles, open_path
from model.data import load_lps
from model.spec import Sequence as Channel
from model.synthetic.phantom import make_head, simulate
from model.synthetic.signal import PROTOCOLS, Protocol, signal
from model.synthetic.stripped import brain_mask
from model.synthetic.tissues import RELAXATION, Tissue

# Seeds of no test and of no sample study. Every third of these heads has no tumour.
HEAD_SEEDS = tuple(range(201, 213))
_HEAD_SPACING_MM = 2.0
_NOISE = 0.03
# FreeSurfer's labels; those from 500 on lie outside the brain, as read off the maps: scalp, bone,
# marrow, air, eyes and what fills the face.
_LABELS: dict[Tissue, tuple[int, ...]] = {
    Tissue.WHITE_MATTER: (2, 7, 41, 46, 77, 85, 251, 252, 253, 254, 255),
    Tissue.BRAINSTEM: (16, 28, 60),
    Tissue.STRIATUM: (11, 12, 26, 50, 51, 58),
    Tissue.PALLIDUM: (13, 52),
    Tissue.THALAMUS: (10, 49),
    Tissue.CSF: (4, 5, 14, 15, 24, 25, 43, 44, 57, 72),
    Tissue.CHOROID: (31, 63),
}
_FIRST_OUTSIDE = 500
_OUTSIDE = (Tissue.CORTICAL_BONE, Tissue.MARROW, Tissue.FAT, Tissue.MUSCLE, Tissue.SKIN)
_BRAIN_REACH_MM = 4


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One person.

    Parameters
    ----------
    images
        (k, j, i) on one grid of 1 mm.
    brain_kji
        The brain; the images go on outside it only where `has_skull`.
    """

    name: str
    images: dict[Sequence, NDArray[np.float32]]
    brain_kji: NDArray[np.bool_]
    has_skull: bool = False

    @property
    def is_real(self) -> bool:
        """Whether it is a person."""
        return not self.has_skull


def all_cases(data: Path) -> Iterator[Case]:
    """Yield every real person with all four sequences, then heads simulated and painted."""
    for folder in sorted([*(data / "train").iterdir(), *(data / "normal").glob("patient*")]):
        study = open_path(folder, use_cache=False).studies[0]
        volumes = load_roles(choose_roles(study))
        if set(volumes) == set(Sequence):
            yield real_case(
                folder.name,
                {one: np.asarray(v.array_kji, np.float32) for one, v in volumes.items()},
            )
    for seed in HEAD_SEEDS:
        yield simulated_head(seed)
    for number, path in enumerate(sorted((data / "heads" / "labelmaps").glob("*.nii*"))):
        yield painted_head(path, number)


def real_case(name: str, images: dict[Sequence, NDArray[np.float32]]) -> Case:
    """Cut images that come without the skull to what they show."""
    brain = np.logical_or.reduce([image != 0 for image in images.values()])
    box = ndimage.find_objects(brain.astype(np.uint8))[0]
    return Case(name, {one: image[box] for one, image in images.items()}, brain[box])


def simulated_head(seed: int) -> Case:
    """Picture a simulated head with protocols of its own."""
    rng = np.random.default_rng([seed, 5])
    head = make_head(seed, spacing_mm=_HEAD_SPACING_MM, healthy=seed % 3 == 0)
    brain = brain_mask(head)
    box = _with_margin(brain, round(2 * _BRAIN_REACH_MM / _HEAD_SPACING_MM))
    factor = round(_HEAD_SPACING_MM)
    images: dict[Sequence, NDArray[np.float32]] = {}
    for one, channel in zip(Sequence, Channel, strict=True):
        clean = simulate(head, _varied(PROTOCOLS[channel], rng))[box]
        fine = ndimage.zoom(clean, factor, order=1, grid_mode=True, mode="nearest")
        images[one] = _noisy(fine, rng)
    fine_brain = brain[box].repeat(factor, 0).repeat(factor, 1).repeat(factor, 2)
    return Case(f"head {seed}", images, fine_brain, has_skull=True)


def painted_head(path: Path, seed: int) -> Case:
    """Paint T1, T2 and FLAIR from a label map, with the tissues' own relaxation."""
    rng = np.random.default_rng([seed, 6])
    labels = np.asarray(load_lps(path)[0]).astype(np.int64)
    tissues = np.full(int(labels.max()) + 1, Tissue.GREY_MATTER)
    for tissue, values in _LABELS.items():
        tissues[[value for value in values if value < len(tissues)]] = tissue
    tissues[0] = Tissue.AIR
    outside = np.arange(_FIRST_OUTSIDE, len(tissues))
    tissues[outside] = rng.choice(_OUTSIDE, len(outside))
    inside = (labels > 0) & (labels < _FIRST_OUTSIDE)
    parts, _ = ndimage.label(inside)
    brain = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    box = _with_margin(brain, 2 * _BRAIN_REACH_MM)
    images: dict[Sequence, NDArray[np.float32]] = {}
    for one, channel in zip(Sequence, Channel, strict=True):
        if one is Sequence.T1C:
            continue
        protocol = _varied(PROTOCOLS[channel], rng)
        levels = np.array([signal(RELAXATION[t], protocol) for t in Tissue], dtype=np.float32)
        levels *= 1 + 0.05 * rng.standard_normal(len(levels)).astype(np.float32)
        painted = (levels / levels[Tissue.WHITE_MATTER])[tissues[labels[box]]]
        images[one] = _noisy(ndimage.gaussian_filter(painted, 0.7), rng)
    return Case(f"painted {path.name.split('.')[0]}", images, brain[box], has_skull=True)


def outline(case: Case, rng: np.random.Generator, *, vary: bool) -> NDArray[np.bool_]:
    """Return the outline of the brain as an extractor might find it, some mm off if it varies."""
    if not vary:
        return case.brain_kji
    off = int(rng.integers(-3, _BRAIN_REACH_MM + 1 if case.has_skull else 0))
    if off < 0:
        eroded: NDArray[np.bool_] = ndimage.binary_erosion(case.brain_kji, iterations=-off)
        return eroded
    if off == 0:
        return case.brain_kji
    dilated: NDArray[np.bool_] = ndimage.binary_dilation(case.brain_kji, iterations=off)
    return dilated


def _varied(protocol: Protocol, rng: np.random.Generator) -> Protocol:
    """Return the protocol as another scanner runs it, within usual practice."""
    repetition, echo = protocol.repetition_time_ms, protocol.echo_time_ms
    return replace(
        protocol,
        repetition_time_ms=repetition * float(rng.uniform(0.9, 1.2)),
        echo_time_ms=echo * float(rng.uniform(0.8, 1.15)),
        inversion_time_ms=protocol.inversion_time_ms * float(rng.uniform(0.95, 1.05)),
    )


def _noisy(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    noise = _NOISE * rng.standard_normal((2, *image.shape), dtype=np.float32)
    # Exactly 0 stands for no data.
    magnitude: NDArray[np.float32] = np.hypot(image + noise[0], noise[1])
    return np.maximum(magnitude, np.float32(1e-4))


def _with_margin(mask: NDArray[np.bool_], voxels: int) -> tuple[slice, ...]:
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(slice(max(part.start - voxels, 0), part.stop + voxels) for part in found)
