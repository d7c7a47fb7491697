"""Overlap and surface distance between two masks, by the rules of the BraTS challenge.

Rules for empty masks (BraTS 2021, Baid et al., arXiv 2107.02314): both empty is perfect (Dice 1,
Hausdorff 0 mm); one empty is the worst possible (Dice 0, Hausdorff 373.13 mm, the diagonal of
BraTS' 240×240×155 grid).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from model.cropping import occupied_box
from model.spec import MaskArray

WORST_HAUSDORFF_MM: Final = 373.13
SURFACE_TOLERANCE_MM: Final = 1.0
HAUSDORFF_PERCENTILE: Final = 95.0

Spacing = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class RegionScore:
    """How well one region of one case was found.

    Attributes
    ----------
    dice
        Overlap, 0 to 1.
    hd95_mm
        95th percentile of the surface distances, the larger of the two directions.
    surface_dice
        Share of both surfaces within :data:`SURFACE_TOLERANCE_MM` of the other.
    reference_mm3, predicted_mm3
        Volumes.
    """

    dice: float
    hd95_mm: float
    surface_dice: float
    reference_mm3: float
    predicted_mm3: float


def score(predicted: MaskArray, reference: MaskArray, spacing_kji_mm: Spacing) -> RegionScore:
    """Return every measure of one region.

    Parameters
    ----------
    predicted, reference
        Masks of one shape ``(k, j, i)``.
    spacing_kji_mm
        Size of a voxel.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    require_one_grid(predicted, reference)
    voxel_mm3 = float(np.prod(spacing_kji_mm))
    hd95_mm, surface_dice = surface_measures(predicted, reference, spacing_kji_mm)
    return RegionScore(
        dice(predicted, reference),
        hd95_mm,
        surface_dice,
        float(reference.sum()) * voxel_mm3,
        float(predicted.sum()) * voxel_mm3,
    )


def require_one_grid(predicted: MaskArray, reference: MaskArray) -> None:
    """Check that two masks can be compared.

    Raises
    ------
    ValueError
        If they do not share a ``(k, j, i)`` shape.
    """
    if predicted.shape != reference.shape or predicted.ndim != 3:
        msg = f"masks must share a (k, j, i) shape, got {predicted.shape} and {reference.shape}"
        raise ValueError(msg)


def dice(predicted: MaskArray, reference: MaskArray) -> float:
    """Return twice the intersection over the sum of the sizes; 1 if both are empty."""
    total = int(predicted.sum()) + int(reference.sum())
    if total == 0:
        return 1.0
    return 2.0 * int((predicted & reference).sum()) / total


def surface_measures(
    predicted: MaskArray, reference: MaskArray, spacing_kji_mm: Spacing
) -> tuple[float, float]:
    """Return the 95 % Hausdorff distance in mm and the surface Dice at 1 mm.

    A surface is the mask's voxels with a face towards the outside; distances run between voxel
    centres.
    """
    # One voxel of margin, so that the erosion sees the outside.
    box = occupied_box(predicted | reference, (1, 1, 1))
    if box is None:
        return 0.0, 1.0
    if not predicted.any() or not reference.any():
        return WORST_HAUSDORFF_MM, 0.0
    surfaces = _surface(predicted[box]), _surface(reference[box])
    there = _distances(surfaces[0], surfaces[1], spacing_kji_mm)
    back = _distances(surfaces[1], surfaces[0], spacing_kji_mm)
    hausdorff = max(
        float(np.percentile(there, HAUSDORFF_PERCENTILE)),
        float(np.percentile(back, HAUSDORFF_PERCENTILE)),
    )
    close = int((there <= SURFACE_TOLERANCE_MM).sum() + (back <= SURFACE_TOLERANCE_MM).sum())
    return hausdorff, close / (there.size + back.size)


def _surface(mask: MaskArray) -> MaskArray:
    eroded: MaskArray = ndimage.binary_erosion(mask)
    return mask & ~eroded


def _distances(
    source: MaskArray, target: MaskArray, spacing_kji_mm: Spacing
) -> npt.NDArray[np.float64]:
    distance = ndimage.distance_transform_edt(~target, sampling=spacing_kji_mm)
    return np.asarray(distance[source], dtype=np.float64)
