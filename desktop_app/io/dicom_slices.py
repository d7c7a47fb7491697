"""Where each slice of an MR image lies, in single-frame and multi-frame files alike."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from desktop_app.io.dicom_elements import integer, numbers, text

# SOP classes of DICOM PS3.4 B.5
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.1"
LEGACY_ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.4"
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
MULTIFRAME_MR = frozenset({ENHANCED_MR_IMAGE, LEGACY_ENHANCED_MR_IMAGE})
MR_CLASSES = MULTIFRAME_MR | {MR_IMAGE}

# Siemens keeps the b-value of its older scanners in a private tag (0019,xx0C).
SIEMENS_B_VALUE = BaseTag(0x0019100C)


@dataclass(frozen=True, slots=True, eq=False)
class SliceHeader:
    """Where one slice lies and what tells it from the slices of another image.

    Parameters
    ----------
    frame
        Frame number, counted from 1, in a multi-frame file; ``None`` in a single-frame one.
    position_lps_mm, orientation
        (3,) centre of the first voxel and (6,) direction cosines along a row, then along a column;
        ``None`` where the header lacks them.
    pixel_spacing_mm
        Between rows, between columns.
    kind
        Values that separate images stored in one series: echo time, image type, b-value, matrix,
        pixel size, magnitude or phase.
    repeat_keys
        Values that may separate repeated images: temporal position, acquisition, trigger time or
        stack, inversion time, flip angle, time.
    thickness_mm, distance_mm
        Of a slice, and to the next; ``None`` where the header does not say.
    """

    path: Path
    frame: int | None
    sop_instance_uid: str
    position_lps_mm: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    pixel_spacing_mm: tuple[float, float] | None
    rows: int
    columns: int
    instance_number: int
    kind: tuple[str, ...]
    repeat_keys: tuple[str, ...]
    thickness_mm: float | None = None
    distance_mm: float | None = None


def slices_of(path: Path, dataset: Dataset, sop_class_uid: str) -> tuple[SliceHeader, ...]:
    """Return the slices that a file holds, by its header."""
    if sop_class_uid in MULTIFRAME_MR:
        # Without groups of its own, a frame still counts as an image, of which nobody knows where.
        frames = dataset.get("PerFrameFunctionalGroupsSequence") or (Dataset(),)
        shared_items = dataset.get("SharedFunctionalGroupsSequence") or ()
        shared = shared_items[0] if shared_items else Dataset()
        return tuple(
            _frame_slice(path, dataset, Groups(frame, shared), number)
            for number, frame in enumerate(frames, start=1)
        )
    return (_classic_slice(path, dataset),)


def _classic_slice(path: Path, dataset: Dataset) -> SliceHeader:
    spacing = numbers(dataset, "PixelSpacing", 2)
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    return SliceHeader(
        path=path,
        frame=None,
        sop_instance_uid=text(dataset, "SOPInstanceUID"),
        position_lps_mm=numbers(dataset, "ImagePositionPatient", 3),
        orientation=numbers(dataset, "ImageOrientationPatient", 6),
        pixel_spacing_mm=None if spacing is None else (float(spacing[0]), float(spacing[1])),
        rows=rows,
        columns=columns,
        instance_number=integer(dataset, "InstanceNumber"),
        kind=(
            _plain_number(text(dataset, "EchoTime")),
            text(dataset, "ImageType"),
            _b_value(dataset),
            f"{rows}×{columns}",
            _spacing_text(spacing),
            "",
        ),
        repeat_keys=(
            text(dataset, "TemporalPositionIdentifier"),
            text(dataset, "AcquisitionNumber"),
            text(dataset, "TriggerTime"),
            text(dataset, "InversionTime"),
            text(dataset, "FlipAngle"),
            text(dataset, "AcquisitionTime"),
        ),
        thickness_mm=_length_mm(dataset, "SliceThickness"),
        distance_mm=_length_mm(dataset, "SpacingBetweenSlices"),
    )


class Groups:
    """Functional groups of one frame, falling back on the shared ones (PS3.3 C.7.6.16)."""

    __slots__ = ("frame", "shared")

    def __init__(self, frame: Dataset, shared: Dataset) -> None:
        self.frame = frame
        self.shared = shared

    def item(self, keyword: str) -> Dataset:
        """Return the one item of a group, an empty dataset where there is none."""
        for groups in (self.frame, self.shared):
            items = groups.get(keyword)
            if items:
                found: Dataset = items[0]
                return found
        return Dataset()


def _frame_slice(path: Path, dataset: Dataset, groups: Groups, number: int) -> SliceHeader:
    measures = groups.item("PixelMeasuresSequence")
    spacing = numbers(measures, "PixelSpacing", 2)
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    content = groups.item("FrameContentSequence")
    return SliceHeader(
        path=path,
        frame=number,
        sop_instance_uid=text(dataset, "SOPInstanceUID"),
        position_lps_mm=numbers(groups.item("PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation=numbers(groups.item("PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        pixel_spacing_mm=None if spacing is None else (float(spacing[0]), float(spacing[1])),
        rows=rows,
        columns=columns,
        instance_number=number,
        kind=(
            _plain_number(text(groups.item("MREchoSequence"), "EffectiveEchoTime")),
            text(groups.item("MRImageFrameTypeSequence"), "FrameType"),
            text(groups.item("MRDiffusionSequence"), "DiffusionBValue"),
            f"{rows}×{columns}",
            _spacing_text(spacing),
            text(groups.item("MRImageFrameTypeSequence"), "ComplexImageComponent"),
        ),
        repeat_keys=(
            text(content, "TemporalPositionIndex"),
            text(content, "FrameAcquisitionNumber"),
            text(content, "StackID"),
            text(groups.item("MRModifierSequence"), "InversionTimes"),
            text(content, "FrameAcquisitionDateTime"),
        ),
        thickness_mm=_length_mm(measures, "SliceThickness"),
        distance_mm=_length_mm(measures, "SpacingBetweenSlices"),
    )


def _plain_number(value: str) -> str:
    """Return a time in ms as a plain number, whichever way it is written."""
    try:
        return f"{float(value):g}"
    except ValueError:
        return value


def _length_mm(dataset: Dataset, keyword: str) -> float | None:
    try:
        length_mm = float(text(dataset, keyword))
    except ValueError:
        return None
    return length_mm if 0 < length_mm < math.inf else None


def _spacing_text(spacing: NDArray[np.float64] | None) -> str:
    return "" if spacing is None else f"{spacing[0]:.3f}×{spacing[1]:.3f} mm"


def _b_value(dataset: Dataset) -> str:
    value = text(dataset, "DiffusionBValue")
    if not value and SIEMENS_B_VALUE in dataset:
        raw = dataset[SIEMENS_B_VALUE].value
        value = raw.decode("ascii", "ignore") if isinstance(raw, bytes) else str(raw)
    return value.strip(" \x00")
