"""DICOM headers of MR images: one value per slice, whether a file holds one slice or many."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from desktop_app.domain.study import PatientSummary

# SOP classes of DICOM PS3.4 B.5
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.1"
LEGACY_ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.4"
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
MULTIFRAME_MR = frozenset({ENHANCED_MR_IMAGE, LEGACY_ENHANCED_MR_IMAGE})
MR_CLASSES = MULTIFRAME_MR | {MR_IMAGE}

_TEXT_KEYWORDS = (
    "Modality",
    "SeriesDescription",
    "ProtocolName",
    "ImageType",
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "SequenceName",
    "PulseSequenceName",
    "AcquisitionContrast",
    "EchoPulseSequence",
    "MRAcquisitionType",
    "RepetitionTime",
    "EchoTime",
    "InversionTime",
    "FlipAngle",
    "EchoTrainLength",
    "SliceThickness",
    "ContrastBolusAgent",
    "ContrastBolusStartTime",
    "DiffusionBValue",
    "BodyPartExamined",
    "BurnedInAnnotation",
    "LossyImageCompression",
    "Manufacturer",
    "ManufacturerModelName",
    "StudyDate",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "AcquisitionDateTime",
)

_OTHER_KEYWORDS = (
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "StudyDescription",
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "SeriesNumber",
    "InstanceNumber",
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "TriggerTime",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "ContrastBolusAgentSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)

_READERS = ("pydicom", "openjpeg", "pylibjpeg")

# Siemens keeps the b-value of its older scanners in a private tag (0019,xx0C).
_SIEMENS_B_VALUE = BaseTag(0x0019100C)

_TAGS = [
    *(Tag(keyword) for keyword in (*_TEXT_KEYWORDS, *_OTHER_KEYWORDS)),
    _SIEMENS_B_VALUE,
]


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
        Values that separate images stored in one series: echo time, image type, b-value, matrix.
    repeat_keys
        Values that may separate repeated images: temporal position, acquisition, trigger time.
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


@dataclass(frozen=True, slots=True, eq=False)
class FileHeader:
    """What a DICOM file says of its patient, study and series, and its slices.

    `attributes` are the values the sequence rules read, by DICOM keyword, as text.
    """

    path: Path
    sop_class_uid: str
    study_uid: str
    series_uid: str
    series_number: int
    frame_of_reference_uid: str
    patient: PatientSummary
    study_description: str
    attributes: dict[str, str]
    slices: tuple[SliceHeader, ...] = field(default=())

    @property
    def modality(self) -> str:
        """Modality code, ``"unknown"`` where the header has none."""
        return self.attributes.get("Modality", "unknown")


class NotDicom(ValueError):
    """The file is not a readable DICOM image header; the message says why, in plain words."""


def read_header(path: Path) -> FileHeader:
    """Read the header of a DICOM file, without its pixels.

    Parameters
    ----------
    path
        A file with or without suffix, preamble and file meta information.

    Raises
    ------
    NotDicom
        If the file cannot be read or is not DICOM.
    """
    try:
        dataset = dcmread(path, force=True, stop_before_pixels=True, specific_tags=_TAGS)
        return _file_header(path, dataset)
    except NotDicom:
        raise
    except OSError as error:
        raise NotDicom(f"cannot be read ({error.strerror or 'unreadable'})") from error
    except Exception as error:
        raise NotDicom(f"damaged DICOM file ({type(error).__name__})") from error


def _file_header(path: Path, dataset: Dataset) -> FileHeader:
    sop_class_uid = text(dataset, "SOPClassUID")
    if not sop_class_uid:
        media = getattr(dataset, "file_meta", None)
        if media is not None and media.get("MediaStorageSOPClassUID") == MEDIA_DIRECTORY:
            raise NotDicom("a DICOMDIR, an index without images")
        raise NotDicom("not a DICOM file")
    attributes = {key: value for key in _TEXT_KEYWORDS if (value := text(dataset, key))}
    agent = _contrast_agent(dataset)
    if agent:
        attributes["ContrastBolusAgentSequence"] = agent
    is_image = sop_class_uid in MR_CLASSES
    if sop_class_uid in MULTIFRAME_MR:
        attributes = {**_nested_attributes(dataset), **attributes}
    return FileHeader(
        path=path,
        sop_class_uid=sop_class_uid,
        study_uid=text(dataset, "StudyInstanceUID"),
        series_uid=text(dataset, "SeriesInstanceUID"),
        series_number=_integer(dataset, "SeriesNumber"),
        frame_of_reference_uid=text(dataset, "FrameOfReferenceUID"),
        patient=PatientSummary(
            text(dataset, "PatientID"),
            text(dataset, "PatientName"),
            text(dataset, "PatientBirthDate"),
            text(dataset, "PatientSex"),
        ),
        study_description=text(dataset, "StudyDescription"),
        attributes=attributes,
        slices=_slices(path, dataset, sop_class_uid) if is_image else (),
    )


def text(dataset: Dataset, keyword: str) -> str:
    r"""Return an element as text, several values joined by ``\``; empty where absent."""
    value = dataset.get(keyword)
    if value is None:
        return ""
    if (
        not isinstance(value, str)
        and hasattr(value, "__iter__")
        and not hasattr(value, "formatted")
    ):
        return "\\".join(str(item).strip() for item in value)
    # A damaged text value may hold NUL bytes, which no file system or report takes.
    return str(value).replace("\x00", "").strip()


def _integer(dataset: Dataset, keyword: str) -> int:
    try:
        return int(float(text(dataset, keyword)))
    except ValueError:
        return 0


def numbers(dataset: Dataset, keyword: str, count: int) -> NDArray[np.float64] | None:
    """Return `count` finite numbers, or ``None`` where the element does not hold them."""
    try:
        values = np.array([float(v) for v in dataset.get(keyword) or ()], dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return values if values.shape == (count,) and np.isfinite(values).all() else None


def _contrast_agent(dataset: Dataset) -> str:
    items = dataset.get("ContrastBolusAgentSequence") or ()
    names = [text(item, "CodeMeaning") or text(item, "CodeValue") for item in items]
    return "\\".join(name for name in names if name)


def _b_value(dataset: Dataset) -> str:
    value = text(dataset, "DiffusionBValue")
    if not value and _SIEMENS_B_VALUE in dataset:
        raw = dataset[_SIEMENS_B_VALUE].value
        value = raw.decode("ascii", "ignore") if isinstance(raw, bytes) else str(raw)
    return value.strip(" \x00")


def _slices(path: Path, dataset: Dataset, sop_class_uid: str) -> tuple[SliceHeader, ...]:
    if sop_class_uid in MULTIFRAME_MR:
        frames = dataset.get("PerFrameFunctionalGroupsSequence") or ()
        shared_items = dataset.get("SharedFunctionalGroupsSequence") or ()
        shared = shared_items[0] if shared_items else Dataset()
        return tuple(
            _frame_slice(path, dataset, _Groups(frame, shared), number)
            for number, frame in enumerate(frames, start=1)
        )
    return (_classic_slice(path, dataset),)


def _classic_slice(path: Path, dataset: Dataset) -> SliceHeader:
    spacing = numbers(dataset, "PixelSpacing", 2)
    rows, columns = _integer(dataset, "Rows"), _integer(dataset, "Columns")
    return SliceHeader(
        path=path,
        frame=None,
        sop_instance_uid=text(dataset, "SOPInstanceUID"),
        position_lps_mm=numbers(dataset, "ImagePositionPatient", 3),
        orientation=numbers(dataset, "ImageOrientationPatient", 6),
        pixel_spacing_mm=None if spacing is None else (float(spacing[0]), float(spacing[1])),
        rows=rows,
        columns=columns,
        instance_number=_integer(dataset, "InstanceNumber"),
        kind=(
            _rounded(text(dataset, "EchoTime")),
            text(dataset, "ImageType"),
            _b_value(dataset),
            f"{rows}×{columns}",
            _spacing_text(spacing),
        ),
        repeat_keys=(
            text(dataset, "TemporalPositionIdentifier"),
            text(dataset, "AcquisitionNumber"),
            text(dataset, "TriggerTime"),
            text(dataset, "AcquisitionTime"),
        ),
    )


class _Groups:
    """Functional groups of one frame, falling back on the shared ones (PS3.3 C.7.6.16)."""

    __slots__ = ("frame", "shared")

    def __init__(self, frame: Dataset, shared: Dataset) -> None:
        self.frame = frame
        self.shared = shared

    def item(self, keyword: str) -> Dataset:
        for groups in (self.frame, self.shared):
            items = groups.get(keyword)
            if items:
                found: Dataset = items[0]
                return found
        return Dataset()


def _frame_slice(path: Path, dataset: Dataset, groups: _Groups, number: int) -> SliceHeader:
    spacing = numbers(groups.item("PixelMeasuresSequence"), "PixelSpacing", 2)
    rows, columns = _integer(dataset, "Rows"), _integer(dataset, "Columns")
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
            _rounded(text(groups.item("MREchoSequence"), "EffectiveEchoTime")),
            text(groups.item("MRImageFrameTypeSequence"), "FrameType"),
            text(groups.item("MRDiffusionSequence"), "DiffusionBValue"),
            f"{rows}×{columns}",
            _spacing_text(spacing),
        ),
        repeat_keys=(
            text(content, "TemporalPositionIndex"),
            text(content, "FrameAcquisitionNumber"),
            text(content, "StackID"),
            text(content, "FrameAcquisitionDateTime"),
        ),
    )


def _rounded(value: str) -> str:
    """Return a time in ms to a tenth, so that stored rounding does not split a series."""
    try:
        return f"{float(value):.1f}"
    except ValueError:
        return value


def _spacing_text(spacing: NDArray[np.float64] | None) -> str:
    return "" if spacing is None else f"{spacing[0]:.3f}×{spacing[1]:.3f} mm"


def _nested_attributes(dataset: Dataset) -> dict[str, str]:
    """Collect from the functional groups of an enhanced image what a classic one has on top."""
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or (Dataset(),)
    shared = dataset.get("SharedFunctionalGroupsSequence") or (Dataset(),)
    groups = _Groups(frames[0], shared[0])
    timing = groups.item("MRTimingAndRelatedParametersSequence")
    modifier = groups.item("MRModifierSequence")
    found = {
        "RepetitionTime": text(timing, "RepetitionTime"),
        "FlipAngle": text(timing, "FlipAngle"),
        "EchoTime": text(groups.item("MREchoSequence"), "EffectiveEchoTime"),
        "InversionTime": text(modifier, "InversionTimes").split("\\")[0],
        "InversionRecovery": text(modifier, "InversionRecovery"),
        "SliceThickness": text(groups.item("PixelMeasuresSequence"), "SliceThickness"),
        "DiffusionBValue": text(groups.item("MRDiffusionSequence"), "DiffusionBValue"),
        "ContrastAdministered": text(
            groups.item("ContrastBolusUsageSequence"), "ContrastBolusAgentAdministered"
        ),
    }
    return {key: value for key, value in found.items() if value}


def transfer_syntax_name(uid: str) -> str:
    """Return the plain name of a transfer syntax, or the UID itself where it is unknown."""
    return UID(uid).name


@contextmanager
def lenient_pydicom() -> Iterator[None]:
    """Take odd values from real scanners as they are, without a warning for each."""
    loggers = [logging.getLogger(name) for name in _READERS]
    levels = [logger.level for logger in loggers]
    with config.disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
