"""What the network reads and writes: sequences, labels, regions, grid.

Every array in this package is in ``(channel, k, j, i)`` order on an LPS grid: ``i`` grows towards
the patient's Left, ``j`` towards Posterior, ``k`` towards Superior.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
LabelArray = npt.NDArray[np.uint8]
MaskArray = npt.NDArray[np.bool_]


class Sequence(StrEnum):
    """The four MR sequences, in the order of the network's input channels."""

    T1 = "T1"
    T1C = "T1c"
    T2 = "T2"
    FLAIR = "FLAIR"


class Label(IntEnum):
    """Voxel labels of a segmentation (BraTS 2023 numbering)."""

    BACKGROUND = 0
    NCR = 1
    ED = 2
    ET = 3


class Region(StrEnum):
    """The three nested regions, in the order of the network's output channels."""

    TC = "TC"
    WT = "WT"
    ET = "ET"


SEQUENCES: Final = tuple(Sequence)
REGIONS: Final = tuple(Region)
WORK_SPACING_MM: Final = 1.0

REGION_LABELS: Final[dict[Region, tuple[Label, ...]]] = {
    Region.TC: (Label.NCR, Label.ET),
    Region.WT: (Label.NCR, Label.ED, Label.ET),
    Region.ET: (Label.ET,),
}
"""BraTS' definition of each region as a union of labels."""


@dataclass(frozen=True, slots=True)
class GridSpec:
    """The grid on which the network works.

    Attributes
    ----------
    spacing_mm
        Edge of a voxel, the same along k, j and i.
    min_side_voxels
        Smallest side of an input; shorter ones must be padded by the caller.
    """

    spacing_mm: float = WORK_SPACING_MM
    min_side_voxels: int = 32


def region_masks(labels_kji: npt.NDArray[np.integer]) -> MaskArray:
    """Return the masks of TC, WT and ET.

    Parameters
    ----------
    labels_kji
        Labels as in :class:`Label`, any shape.

    Returns
    -------
    MaskArray
        Shape ``(3, *labels.shape)`` in the order of :data:`REGIONS`.
    """
    return np.stack(
        [np.isin(labels_kji, [int(label) for label in REGION_LABELS[region]]) for region in REGIONS]
    )


def labels_from_probabilities(probabilities_ckji: FloatArray, threshold: float = 0.5) -> LabelArray:
    """Turn the network's region probabilities into one label a voxel.

    The regions are made nested by construction: ET counts only inside TC, TC only inside WT's
    union with TC, so that each voxel gets exactly one label.

    Parameters
    ----------
    probabilities_ckji
        Shape ``(3, k, j, i)``, channels as in :data:`REGIONS`, after the sigmoid.
    threshold
        A region holds where its probability exceeds this.

    Returns
    -------
    LabelArray
        Shape ``(k, j, i)``.

    Raises
    ------
    ValueError
        If there are not exactly three channels.
    """
    if probabilities_ckji.shape[0] != len(REGIONS):
        msg = f"expected {len(REGIONS)} region channels, got {probabilities_ckji.shape[0]}"
        raise ValueError(msg)
    tumour_core, whole_tumour, enhancing = probabilities_ckji > threshold
    labels = np.zeros(probabilities_ckji.shape[1:], dtype=np.uint8)
    labels[whole_tumour] = Label.ED
    labels[tumour_core] = Label.NCR
    labels[tumour_core & enhancing] = Label.ET
    return labels
