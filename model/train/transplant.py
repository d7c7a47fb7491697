"""Tumours of one patient put into another patient's brain.

After CarveMix (Zhang et al. 2023, doi 10.1016/j.neuroimage.2023.120041): the tumour is taken
together with a margin of random width. The brains are aligned by the centres of their boxes only,
as BraTS brains lie in one space.
"""

import numpy as np
import numpy.typing as npt

from model.train.cases import CaseArrays
from model.train.prepared import UNKNOWN, PreparedCase, distance_to_tumour

LARGEST_MARGIN = 10.0
"""Voxels of the donor's brain that go along, at most."""
SOFT_EDGE = 3.0
"""Voxels over which donor and recipient are blended."""
SHIFT = 8
"""Largest random displacement along each axis, in voxels."""

Voxel = npt.NDArray[np.int64]


def can_give(case: CaseArrays) -> bool:
    """Whether a case has a tumour, every sequence, and its truth is known everywhere."""
    present = all(bool(image.any()) for image in case.images_ckji)
    return present and bool(case.anchors) and not bool((case.labels_kji == UNKNOWN).any())


class Donor:
    """A case whose tumour can be given away.

    Parameters
    ----------
    case
        One that :func:`can_give`.
    """

    def __init__(self, case: CaseArrays) -> None:
        self.case = case
        self._distance = distance_to_tumour(case.labels_kji)

    def give(self, recipient: CaseArrays, rng: np.random.Generator) -> PreparedCase:
        """Return the recipient with this tumour beside its own.

        What falls outside the recipient's brain is lost; a sequence the recipient lacks stays
        missing; where its truth is unknown it stays so.
        """
        shift = (np.array(recipient.labels_kji.shape) - self.case.labels_kji.shape) // 2
        shift = shift + rng.integers(-SHIFT, SHIFT + 1, size=3)
        here, there = _overlap(recipient.labels_kji.shape, self.case.labels_kji.shape, shift)
        margin = float(rng.uniform(0.0, LARGEST_MARGIN))
        given = self.case.images_ckji[:, *there].astype(np.float32)
        cover = np.clip((margin - self._distance[there]) / SOFT_EDGE + 1.0, 0.0, 1.0)
        cover = cover.astype(np.float32) * (given != 0).any(axis=0)
        images = recipient.images_ckji.copy()
        own = images[:, *here].astype(np.float32)
        own_brain = (own != 0).any(axis=0)
        mixed = (own + cover * (given - own)) * own_brain
        present = np.asarray(images.any(axis=(1, 2, 3)))
        images[:, *here] = np.where(present[:, None, None, None], mixed, 0.0).astype(np.float16)
        labels = recipient.labels_kji.copy()
        part = labels[here]
        taken = (cover > 0.5) & own_brain & (part != UNKNOWN)
        part[taken] = self.case.labels_kji[there][taken]
        anchors = tuple(
            moved
            for positions in self.case.anchors
            if len(moved := _inside(positions + shift, labels.shape))
        )
        return PreparedCase(
            f"{recipient.name} with the tumour of {self.case.name}",
            recipient.weight,
            images,
            labels,
            anchors or recipient.anchors,
        )


def _overlap(
    recipient: tuple[int, ...], donor: tuple[int, ...], shift: Voxel
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    low = np.maximum(shift, 0)
    high = np.minimum(np.array(donor) + shift, recipient)
    here = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    there = tuple(slice(int(a), int(b)) for a, b in zip(low - shift, high - shift, strict=True))
    return here, there


def _inside(positions: Voxel, shape: tuple[int, ...]) -> npt.NDArray[np.int16]:
    keep: npt.NDArray[np.bool_] = np.all((positions >= 0) & (positions < shape), axis=1)
    return positions[keep].astype(np.int16)
