"""What the network reads and writes: sequences, labels, regions, grid.

Every array in this package is in ``(channel, k, j, i)`` order on an LPS grid: ``i`` grows towards
the patient's Left, ``j`` towards Posterior, ``k`` towards Superior.
"""

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
