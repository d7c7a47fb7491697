"""Where each slice of an MR image lies, in single-frame and multi-frame files alike."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from desktop_app.io.dicom.elements import integer, numbers, text

# SOP classes of DICOM PS3.4 B.5
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.1"
LEGACY_ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.4"
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
MULTIFRAME_MR = frozenset({ENHANCED_MR_IMAGE, LEGACY_ENHANCED_MR_IMAGE})
MR_CLASSES = MULTIFRAME_MR | {MR_IMAGE}

# Siemens keeps the b-value of its older scanners in a private tag (0019,xx0C).
SIEMENS_B_VALUE = BaseTag(0x0019100C)
# GE tells only here which component an image is: 0 magnitude, 1 phase, 2 real, 3 imaginary.
GE_CREATOR, GE_COMPONENT = BaseTag(0x00430010), BaseTag(0x0043102F)
_GE_CREATOR_NAME = "GEMS_PARM_01"
_GE_COMPONENTS = {"1": "PHASE", "2": "REAL", "3": "IMAGINARY"}
# Values of Image Type and Frame Type, behind the two that the standard fixes; Philips joins the
# letter to the kind of sequence: R_SE.
_COMPONENTS_IN_TYPE = {
    "PHASE": re.compile(r"PHASE|P(?:_\w+)?"),
    "IMAGINARY": re.compile(r"IMAGINARY|I(?:_\w+)?"),
    "REAL": re.compile(r"REAL|R(?:_\w+)?"),
}


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
        pixel size, component (as Complex Image Component; empty for the magnitude).
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
            _component(dataset, dataset, text(dataset, "ImageType")),
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
    frame_type = groups.item("MRImageFrameTypeSequence")
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
            text(frame_type, "FrameType"),
            text(groups.item("MRDiffusionSequence"), "DiffusionBValue"),
            f"{rows}×{columns}",
            _spacing_text(spacing),
            _component(dataset, frame_type, text(frame_type, "FrameType")),
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


def _component(dataset: Dataset, described: Dataset, image_type: str) -> str:
    """Return which component an image is, empty for the magnitude and where nothing tells.

    Parameters
    ----------
    dataset, described
        The file's header, and the part of it that describes the image.
    image_type
        Image Type or Frame Type.
    """
    component = text(described, "ComplexImageComponent") or text(dataset, "ComplexImageComponent")
    if component in (*_COMPONENTS_IN_TYPE, "MAGNITUDE"):
        return component.removesuffix("MAGNITUDE")
    own = [value.strip().upper() for value in image_type.split("\\")[2:]]
    for name, pattern in _COMPONENTS_IN_TYPE.items():
        if any(pattern.fullmatch(value) for value in own):
            return name
    if GE_COMPONENT in dataset and _private_text(dataset, GE_CREATOR) == _GE_CREATOR_NAME:
        return _GE_COMPONENTS.get(_private_text(dataset, GE_COMPONENT), "")
    return ""


def _private_text(dataset: Dataset, tag: BaseTag) -> str:
    value = dataset[tag].value if tag in dataset else ""
    plain = value.decode("ascii", "ignore") if isinstance(value, bytes) else str(value)
    return plain.strip(" \x00")


def _b_value(dataset: Dataset) -> str:
    return text(dataset, "DiffusionBValue") or _private_text(dataset, SIEMENS_B_VALUE)
