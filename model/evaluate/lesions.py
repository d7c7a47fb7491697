"""Lesion-wise Dice and Hausdorff distance, by the rules of BraTS 2023.

The organisers' program (github.com/rachitsaluja/BraTS-2023-Metrics, glioma challenge; Saluja et al.
2023) is the definition: parts of the reference that touch after a dilation by 3 voxels are one
lesion; every part of the prediction that meets a dilated lesion belongs to it; a lesion that
nothing meets, and a part that meets nothing, score 0 and 374 mm. Lesions of 50 mm³ or less are not
scored, but what meets them is no false alarm.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from model.cropping import occupied_box
from model.evaluate.metrics import Spacing, dice, require_one_grid, surface_measures
from model.spec import MaskArray

WORST_LESION_MM: Final = 374.0
DILATION_VOXELS: Final = 3
SMALLEST_LESION_MM3: Final = 50.0

_EIGHTEEN: Final = ndimage.generate_binary_structure(3, 2)
_TWENTY_SIX: Final = ndimage.generate_binary_structure(3, 3)


@dataclass(frozen=True, slots=True)
class LesionScore:
    """How well the lesions of one region were found, each counting the same.

    Attributes
    ----------
    dice
        Mean over the scored lesions and the false alarms (0 each); 1 where there are neither.
    hd95_mm
        Likewise, 374 mm for what was missed or made up; 0 where there are neither.
    found, missed, false_alarms
        Scored lesions that something meets, that nothing meets, and parts that meet no lesion.
    """

    dice: float
    hd95_mm: float
    found: int
    missed: int
    false_alarms: int


def lesion_score(
    predicted: MaskArray, reference: MaskArray, spacing_kji_mm: Spacing
) -> LesionScore:
    """Compare lesion by lesion.

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
    box = occupied_box(predicted | reference)
    if box is None:
        return LesionScore(1.0, 0.0, 0, 0, 0)
    # Room for the dilation, so that the image's border does not cut it.
    predicted, reference = (np.pad(m[box], DILATION_VOXELS + 1) for m in (predicted, reference))
    parts, count = ndimage.label(predicted, structure=_TWENTY_SIX)
    lesions, lesion_count = _lesions(reference)
    smallest = SMALLEST_LESION_MM3 / float(np.prod(spacing_kji_mm))
    met: set[int] = set()
    scores: list[tuple[float, float]] = []
    found = 0
    for number in range(1, lesion_count + 1):
        lesion = lesions == number
        touching = _touching(parts, lesion)
        met.update(touching)
        if lesion.sum() <= smallest:
            continue
        found += bool(touching)
        scores.append(_score(np.isin(parts, touching), lesion, spacing_kji_mm))
    return _summary(scores, found, false_alarms=count - len(met))


def _summary(scores: list[tuple[float, float]], found: int, *, false_alarms: int) -> LesionScore:
    total = len(scores) + false_alarms
    if total == 0:
        return LesionScore(1.0, 0.0, 0, 0, 0)
    hd95_mm = sum(mm for _, mm in scores) + false_alarms * WORST_LESION_MM
    mean_dice = sum(value for value, _ in scores) / total
    return LesionScore(mean_dice, hd95_mm / total, found, len(scores) - found, false_alarms)


def _lesions(reference: MaskArray) -> tuple[npt.NDArray[np.int32], int]:
    grown = ndimage.binary_dilation(reference, structure=_EIGHTEEN, iterations=DILATION_VOXELS)
    parts, count = ndimage.label(grown, structure=_TWENTY_SIX)
    return np.where(reference, parts, 0), count


def _touching(parts: npt.NDArray[np.int32], lesion: MaskArray) -> list[int]:
    box = occupied_box(lesion)
    if box is None:
        return []
    wide = tuple(slice(max(0, s.start - DILATION_VOXELS), s.stop + DILATION_VOXELS) for s in box)
    grown = ndimage.binary_dilation(lesion[wide], structure=_EIGHTEEN, iterations=DILATION_VOXELS)
    return [int(part) for part in np.unique(parts[wide][grown]) if part]


def _score(predicted: MaskArray, lesion: MaskArray, spacing_kji_mm: Spacing) -> tuple[float, float]:
    if not predicted.any():
        return 0.0, WORST_LESION_MM
    hd95_mm, _ = surface_measures(predicted, lesion, spacing_kji_mm)
    return dice(predicted, lesion), hd95_mm
