"""Maps of whole heads: what every voxel is made of, and how deep in the brain it lies."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from model.cropping import occupied_box
from model.data import CaseError, load_lps
from model.synthetic.tissues import Tissue
from model.train.grown import LAST_BRAIN_LABEL

DEEPEST_MM = 12.0
"""Distances from the brain's surface are kept up to here."""
DISTANCE_STEP_MM = 0.125
CLOSING_MM = 8.0
"""Sulci and fissures narrower than twice this belong to the brain."""
RIM_MM = 1.0
"""So much of the fluid around the brain belongs to it, as in the masks of BraTS."""

_OUTER_FLUID = 24
_NOT_BRAIN = (0, _OUTER_FLUID, 30, 62)
_VESSELS = (502, 514)
# FreeSurfer's labels inside the brain; CHARM's (Puonti et al. 2020) from 500 on.
LABELS: dict[Tissue, tuple[int, ...]] = {
    Tissue.WHITE_MATTER: (2, 7, 41, 46, 77, 85, 530),
    Tissue.GREY_MATTER: (3, 8, 17, 18, 42, 47, 53, 54),
    Tissue.STRIATUM: (11, 12, 26, 50, 51, 58),
    Tissue.PALLIDUM: (13, 52),
    Tissue.THALAMUS: (9, 10, 28, 48, 49, 60),
    Tissue.BRAINSTEM: (16, 512),
    Tissue.CSF: (4, 5, 14, 15, _OUTER_FLUID, 43, 44, 72),
    Tissue.CHOROID: (31, 63),
    Tissue.BLOOD: (30, 62, 502, 514),
    Tissue.VITREOUS: (506,),
    Tissue.MUSCLE: (507, 508),
    Tissue.MUCOSA: (509,),
    Tissue.SKIN: (511,),
    Tissue.CORTICAL_BONE: (515,),
    Tissue.MARROW: (516,),
    Tissue.AIR: (0, 501, 520),
}
Labels = npt.NDArray[np.int16]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class HeadMap:
    """One head on a grid of 1 mm, axes k → S, j → P, i → L.

    Parameters
    ----------
    name
        Of the file.
    tissues_kji
        uint8, codes of `Tissue`.
    distance_kji
        int8, depth below the brain's surface in steps of `DISTANCE_STEP_MM`; negative outside.
    """

    name: str
    tissues_kji: npt.NDArray[np.uint8]
    distance_kji: npt.NDArray[np.int8]


def read_head(path: Path) -> HeadMap:
    """Read a map of FreeSurfer's and CHARM's labels.

    Raises
    ------
    CaseError
        If it is no image of 1 mm, or there is no brain in it.
    """
    array, affine = load_lps(path)
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    if array.ndim != 3 or not np.allclose(spacing_mm, 1.0, atol=0.01):
        msg = f"{path}: a map of tissues must have three axes and voxels of 1 mm"
        raise CaseError(msg)
    labels = np.asarray(array).astype(np.int16)
    brain = brain_of(labels)
    if not brain.any():
        msg = f"{path}: no brain in this map"
        raise CaseError(msg)
    return HeadMap(head_name(path), tissues_of(labels), signed_distance(brain))


def head_name(path: Path) -> str:
    """Return the name of a map's file without its endings."""
    return path.name.partition(".")[0]


def tissues_of(labels: Labels) -> npt.NDArray[np.uint8]:
    """Return codes of `Tissue`; brain that is not named counts as grey matter."""
    table = np.full(max(int(labels.max()), LAST_BRAIN_LABEL) + 1, Tissue.MUSCLE, dtype=np.uint8)
    table[: LAST_BRAIN_LABEL + 1] = Tissue.GREY_MATTER
    for tissue, codes in LABELS.items():
        table[[code for code in codes if code < table.size]] = tissue
    return table[labels]


def brain_of(labels: Labels) -> Mask:
    """Return the brain as masks of patients draw it: tissue, sulci, a rim of fluid; no sinuses."""
    tissue = (labels <= LAST_BRAIN_LABEL) & ~np.isin(labels, _NOT_BRAIN)
    box = occupied_box(tissue)
    if box is None:
        return tissue
    pad = int(np.ceil(2 * CLOSING_MM))
    within = tuple(slice(max(0, side.start - pad), side.stop + pad) for side in box)
    part = np.pad(_largest(tissue[within]), pad)
    away_mm = ndimage.distance_transform_edt(~part)
    closed = _shrunk(away_mm <= CLOSING_MM, CLOSING_MM)
    inner = (slice(pad, -pad),) * 3
    rim = away_mm[inner] <= RIM_MM
    fluid = (labels[within] <= LAST_BRAIN_LABEL) & (labels[within] > 0)
    vessel = np.isin(labels[within], _VESSELS)
    kept = part[inner] | (rim & fluid) | (closed[inner] & (fluid | vessel))
    brain = np.zeros(labels.shape, dtype=np.bool_)
    brain[within] = _filled(kept)
    return brain


def signed_distance(brain: Mask) -> npt.NDArray[np.int8]:
    """Return the depth below the surface that runs between the voxels, in `DISTANCE_STEP_MM`."""
    deepest = int(DEEPEST_MM / DISTANCE_STEP_MM)
    distance = np.full(brain.shape, -deepest, dtype=np.int8)
    box = occupied_box(brain)
    if box is None:
        return distance
    pad = int(DEEPEST_MM)
    within = tuple(slice(max(0, side.start - pad), side.stop + pad) for side in box)
    part = np.pad(brain[within], 1)
    depth = ndimage.distance_transform_edt(part) - ndimage.distance_transform_edt(~part)
    depth -= 0.5 * np.sign(depth)
    steps = np.clip(np.rint(depth / DISTANCE_STEP_MM), -deepest, deepest)
    distance[within] = steps[1:-1, 1:-1, 1:-1].astype(np.int8)
    return distance


def _largest(mask: Mask) -> Mask:
    parts, _ = ndimage.label(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    largest: Mask = parts == int(sizes.argmax())
    return largest


def _filled(mask: Mask) -> Mask:
    # By labelling, as scipy's binary_fill_holes takes twenty times as long.
    parts, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    filled: Mask = parts[1:-1, 1:-1, 1:-1] != parts[0, 0, 0]
    return filled


def _shrunk(mask: Mask, radius_mm: float) -> Mask:
    shrunk: Mask = ndimage.distance_transform_edt(mask) > radius_mm
    return shrunk
