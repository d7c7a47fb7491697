"""Cases in memory, normalised and cut to the brain, ready to draw crops from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from model.cropping import Box, brain_box
from model.data import Case, CaseError, require_work_grid
from model.normalise import normalise
from model.spec import FloatArray, LabelArray
from model.train.crops import anchors_of

UNKNOWN = 255
"""Label of voxels whose truth is not known; they carry no loss."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCase:
    """A normalised case, cut to its brain.

    Attributes
    ----------
    name, weight
        Folder name and relative frequency.
    images_ckji
        float16 to save memory.
    labels_kji
        :class:`model.spec.Label` or :data:`UNKNOWN`.
    anchors
        For each label that occurs, voxel positions ``(n, 3)`` to centre crops on.
    """

    name: str
    weight: float
    images_ckji: npt.NDArray[np.float16]
    labels_kji: LabelArray
    anchors: tuple[npt.NDArray[np.int16], ...]


def prepare_case(case: Case, weight: float, *, healthy: bool) -> PreparedCase:
    """Normalise a case and cut it to the brain.

    Raises
    ------
    CaseError
        If a case that should have reference labels has none, or its images cannot be used.
    """
    if case.labels_kji is None and not healthy:
        msg = f"{case.name}: no reference labels (…seg.nii.gz)"
        raise CaseError(msg)
    brain, box = normalised_brain(case)
    images = brain.astype(np.float16)
    labels = np.zeros(images.shape[1:], dtype=np.uint8)
    if case.labels_kji is not None and not healthy:
        labels[:] = case.labels_kji[box]
    if case.coverage_kji is not None:
        labels[~case.coverage_kji[box]] = UNKNOWN
    return PreparedCase(case.name, weight, images, labels, anchors_of(labels))


def normalised_brain(case: Case) -> tuple[FloatArray, Box]:
    """Return the normalised images of a case, cut to its brain, and where that lies.

    Raises
    ------
    CaseError
        If there is no brain, a value is not finite, or the case lies on another grid than 1 mm.
    """
    require_work_grid(case)
    try:
        box = brain_box(case.images_ckji)
        return normalise(case.images_ckji)[:, *box], box
    except ValueError as error:
        msg = f"{case.name}: {error}"
        raise CaseError(msg) from error


def distance_to_tumour(labels_kji: LabelArray) -> npt.NDArray[np.uint8]:
    """Return each voxel's distance to the nearest tumour voxel, in voxels, at most 255."""
    tumour = (labels_kji > 0) & (labels_kji != UNKNOWN)
    distance = np.asarray(ndimage.distance_transform_edt(~tumour))
    return np.asarray(np.minimum(distance, 255), dtype=np.uint8)
