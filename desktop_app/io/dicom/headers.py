"""DICOM headers of MR images: what each file says of its patient, study and series."""

import io
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from desktop_app.domain.study import PatientSummary
from desktop_app.io.dicom.elements import integer, text
from desktop_app.io.dicom.slices import (
    GE_COMPONENT,
    GE_CREATOR,
    MEDIA_DIRECTORY,
    MR_CLASSES,
    MULTIFRAME_MR,
    SIEMENS_B_VALUE,
    Groups,
    SliceHeader,
    slices_of,
)
from desktop_app.io.file_head import (
    META_BYTES,
    META_LENGTH_END,
    FileHead,
    NotAFile,
    begins_like_dicom,
    open_file,
    read_head,
)

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
    "MagneticFieldStrength",
    "AccessionNumber",
    "PatientAge",
    "StudyDate",
    "StudyTime",
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
    "ComplexImageComponent",
    "SeriesNumber",
    "InstanceNumber",
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "TriggerTime",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SpacingBetweenSlices",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "ContrastBolusAgentSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)


# Behind it stand private elements of many kilobytes, then frames, then pixels.
_LAST_GROUP_OF_A_SLICE = 0x0028
# GE's are short, and one of them tells magnitude from phase.
_LAST_GROUP_OF_GE = GE_COMPONENT >> 16
# How the names of all its private blocks begin; the first stands in group 0009.
_BLOCKS_OF_GE = b"GEMS_"
# The header of an image of 10,000 frames takes half of either.
_MOST_BYTES = 256 << 20
_MOST_READS = 1_000_000
_MOST_INFLATED_BYTES = 8 << 20

_TAGS: tuple[BaseTag, ...] = (
    *(Tag(keyword) for keyword in (*_TEXT_KEYWORDS, *_OTHER_KEYWORDS)),
    SIEMENS_B_VALUE,
    GE_CREATOR,
    GE_COMPONENT,
)


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


class Unreadable(NotDicom):
    """The system does not give the file out now; it may do so later."""


def read_header(path: Path) -> FileHeader:
    """Read the header of a DICOM file, without its pixels.

    Parameters
    ----------
    path
        A file with or without suffix, preamble and file meta information.

    Raises
    ------
    Unreadable
        If the system does not let it be read.
    NotDicom
        If it is not DICOM, or damaged.
    """
    try:
        return _file_header(path, _dataset(path, read_head(path)))
    except NotDicom:
        raise
    except NotAFile as error:
        raise Unreadable("neither a file nor a folder") from error
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror or 'unreadable'})") from error
    except Exception as error:
        raise NotDicom(f"damaged DICOM file ({type(error).__name__})") from error


def _dataset(path: Path, head: FileHead) -> Dataset:
    """Parse as little of a file as tells what it is."""
    if not head.data:
        raise NotDicom("an empty file")
    if not begins_like_dicom(head.data):
        raise NotDicom("not a DICOM file")
    if DeflatedExplicitVRLittleEndian.encode("ascii") in head.data[:META_BYTES]:
        return _parsed(io.BytesIO(_inflated(path)))
    dataset, found_end = _parsed_to_matrix(head.data)
    if not found_end and not head.is_whole:
        dataset = _parsed_file(path)
    elif found_end and text(dataset, "SOPClassUID") in MULTIFRAME_MR:
        # Its frames are described behind the matrix.
        dataset = _parsed_file(path)
    return dataset


def _parsed_to_matrix(data: bytes) -> tuple[Dataset, bool]:
    """Return what stands before the end of the last group, and whether that end is in `data`."""
    found_end = False
    last_group = _LAST_GROUP_OF_GE if _BLOCKS_OF_GE in data else _LAST_GROUP_OF_A_SLICE

    def at_end(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        nonlocal found_end
        found_end = tag >> 16 > last_group
        return found_end

    dataset = read_partial(io.BytesIO(data), at_end, force=True, specific_tags=[*_TAGS])
    return dataset, found_end


def _parsed_file(path: Path) -> Dataset:
    with _BoundedReader(open_file(path).detach()) as file:
        return _parsed(file)


def _parsed(source: BinaryIO) -> Dataset:
    return dcmread(source, force=True, stop_before_pixels=True, specific_tags=[*_TAGS])


class _BoundedReader(io.BufferedReader):
    """Ends what only a damaged length, or a file of nothing but zeros, can ask for."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self._bytes_left = _MOST_BYTES
        self._reads_left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self._bytes_left if size is None or size < 0 else size
        if wanted > self._bytes_left or not self._reads_left:
            raise NotDicom("damaged DICOM file (its header does not end)")
        data = super().read(wanted)
        self._bytes_left -= len(data)
        self._reads_left -= 1
        return data


def _inflated(path: Path) -> bytes:
    """Return the beginning of a deflated data set; a bomb would unpack a thousandfold."""
    with open_file(path) as file:
        start = file.read(META_LENGTH_END)
        file.seek(int.from_bytes(start[-4:], "little"), io.SEEK_CUR)
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(
            file.read(_MOST_INFLATED_BYTES), _MOST_INFLATED_BYTES
        )


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
        series_number=integer(dataset, "SeriesNumber"),
        frame_of_reference_uid=text(dataset, "FrameOfReferenceUID"),
        patient=PatientSummary(
            text(dataset, "PatientID"),
            text(dataset, "PatientName"),
            text(dataset, "PatientBirthDate"),
            text(dataset, "PatientSex"),
        ),
        study_description=text(dataset, "StudyDescription"),
        attributes=attributes,
        slices=slices_of(path, dataset, sop_class_uid) if is_image else (),
    )


def _contrast_agent(dataset: Dataset) -> str:
    items = dataset.get("ContrastBolusAgentSequence") or ()
    names = [text(item, "CodeMeaning") or text(item, "CodeValue") for item in items]
    return "\\".join(name for name in names if name)


def _nested_attributes(dataset: Dataset) -> dict[str, str]:
    """Collect from the functional groups of an enhanced image what a classic one has on top."""
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or (Dataset(),)
    shared = dataset.get("SharedFunctionalGroupsSequence") or (Dataset(),)
    groups = Groups(frames[0], shared[0])
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
