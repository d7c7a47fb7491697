"""A tumour that goes on where an image ends is said to, whichever way the image is stored."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from desktop_app.domain.correction import Tool, ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.result import PreparedStudy
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.services.correction.correction import Correction
from desktop_app.services.measuring.field_ends import end_remarks, is_cut_off, is_end_remark
from tests.heads import Head, make_head
from tests.result_cases import make_result
from tests.study_cases import make_study

THROUGH_TUMOUR = 72
UPPER = "The tumour reaches the upper end of T1c: volumes and diameters are too small."


@pytest.fixture(scope="module")
def head() -> Head:
    return make_head(2.0)


def prepared_of(
    reference: Volume, others: Mapping[Sequence, Volume] | None = None
) -> PreparedStudy:
    base = make_result(make_study(), np.zeros((4, 5, 6), np.uint8)).prepared
    volumes = {Sequence.T1C: reference, **(others or {})}
    return replace(base, reference=reference, volumes=volumes)


def remarks(
    tumour: NDArray[np.bool_], reference: Volume, others: Mapping[Sequence, Volume] | None = None
) -> tuple[str, ...]:
    return end_remarks(np.where(tumour, 2, 0).astype(np.uint8), prepared_of(reference, others))


def cropped(volume: Volume, tumour: NDArray[np.bool_], box: tuple[slice, slice, slice]):
    return Volume(volume.array_kji[box], volume.geometry.cropped(box)), tumour[box]


def below(top: int, shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    return slice(0, top), slice(0, shape[1]), slice(0, shape[2])


def test_a_whole_head_has_no_remark(head: Head) -> None:
    assert remarks(head.tumour, head.images[Sequence.T1C]) == ()
    nothing = np.zeros_like(head.tumour)
    assert remarks(nothing, head.images[Sequence.T1C]) == ()


def test_an_image_that_ends_in_the_tumour_says_so(head: Head) -> None:
    box = below(THROUGH_TUMOUR, head.tumour.shape)
    image, tumour = cropped(head.images[Sequence.T1C], head.tumour, box)
    assert remarks(tumour, image) == (UPPER,)
    assert is_cut_off(remarks(tumour, image))
    # Without labels in the last plane, as the edge of an outline often leaves it.
    tumour = tumour.copy()
    tumour[-1] = False
    assert remarks(tumour, image) == (UPPER,)
    # A finger's breadth above it, the image shows where the tumour ends.
    box = below(THROUGH_TUMOUR + 14, head.tumour.shape)
    image, tumour = cropped(head.images[Sequence.T1C], head.tumour, box)
    assert remarks(tumour, image) == ()


def test_ends_are_the_patients_not_the_arrays(head: Head) -> None:
    """Sagittal, slices from left to right, rows from the top down."""
    box = (slice(0, THROUGH_TUMOUR), slice(0, 120), slice(0, 72))
    image, tumour = cropped(head.images[Sequence.T1C], head.tumour, box)
    affine = image.geometry.affine_lps_mm
    turned = np.eye(4)
    turned[:3, 0], turned[:3, 1], turned[:3, 2] = affine[:3, 1], -affine[:3, 2], -affine[:3, 0]
    last = np.array([image.geometry.shape_kji[0] - 1, 0, image.geometry.shape_kji[2] - 1.0])
    turned[:3, 3] = image.geometry.to_patient_mm(last)

    def stored(array: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.ascontiguousarray(array.transpose(2, 0, 1)[::-1, ::-1])

    array = stored(image.array_kji)
    sagittal = Volume(array, Geometry((72, THROUGH_TUMOUR, 120), turned))
    (said,) = remarks(stored(tumour).astype(bool), sagittal)
    assert said.startswith("The tumour reaches the upper and left ends of T1c")


def test_a_cut_brain_in_a_larger_grid_is_no_whole_one(head: Head) -> None:
    """Images without the skull keep their grid where the field of view was cut."""
    brain = np.where(head.brain, head.images[Sequence.T1C].array_kji, 0)
    # As far out as the brain: the surface of a whole brain is not an end.
    tumour = head.brain & (np.indices(head.brain.shape)[2] > 60)
    assert remarks(tumour, Volume(brain, head.geometry)) == ()
    cut = brain.copy()
    cut[THROUGH_TUMOUR:] = 0
    assert remarks(head.tumour & (cut != 0), Volume(cut, head.geometry)) == (UPPER,)


def test_thick_slices_end_with_the_last_one(head: Head) -> None:
    image = head.images[Sequence.T1C]
    affine = image.geometry.affine_lps_mm @ np.diag([1.0, 1.0, 3.0, 1.0])
    array, tumour = image.array_kji[:72:3], head.tumour[:72:3].copy()
    thick = Volume(array, Geometry(array.shape, affine))
    assert remarks(tumour, thick) == (UPPER,)
    tumour[-1] = False
    assert remarks(tumour, thick) == ()


def test_another_image_that_ends_earlier_is_told_too(head: Head) -> None:
    box = below(THROUGH_TUMOUR, head.tumour.shape)
    flair, _ = cropped(head.images[Sequence.FLAIR], head.tumour, box)
    said = remarks(head.tumour, head.images[Sequence.T1C], {Sequence.FLAIR: flair})
    assert said == ("The tumour reaches the upper end of FLAIR: FLAIR shows nothing beyond.",)
    assert is_end_remark(said[0])
    assert not is_cut_off(said)


def test_images_that_end_together_on_one_grid_are_told_once(head: Head) -> None:
    box = below(THROUGH_TUMOUR, head.tumour.shape)
    image, tumour = cropped(head.images[Sequence.T1C], head.tumour, box)
    flair, _ = cropped(head.images[Sequence.FLAIR], head.tumour, box)
    assert remarks(tumour, image, {Sequence.FLAIR: flair}) == (UPPER,)


def test_corrected_labels_are_looked_at_as_they_are(head: Head, tmp_path: Path) -> None:
    box = below(THROUGH_TUMOUR, head.tumour.shape)
    image, tumour = cropped(head.images[Sequence.T1C], head.tumour, box)
    labels = np.where(tumour, 2, 0).astype(np.uint8)
    base = make_result(make_study(), np.zeros((4, 5, 6), np.uint8), (UPPER, "Thick slices."))
    segmentation = replace(base.segmentation, labels_kji=labels, geometry=image.geometry)
    result = replace(base, segmentation=segmentation, prepared=prepared_of(image))
    correction = Correction(result, tmp_path)
    axial, place = np.array([0.0, 0.0, 1.0]), image.geometry.to_patient_mm(np.array([40, 50, 50.0]))
    correction.begin(ToolSettings(Tool.BRUSH, 2, 4.0), place, axial)
    correction.finish()
    assert correction.result().segmentation.warnings == (UPPER, "Thick slices.")
    top = image.geometry.to_patient_mm(np.argwhere(tumour)[-1].astype(float))
    correction.begin(ToolSettings(Tool.PART, 0), top, axial)
    correction.finish()
    assert correction.result().segmentation.warnings == ("Thick slices.",)
