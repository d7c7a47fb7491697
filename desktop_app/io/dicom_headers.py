"""DICOM headers of MR images: what each file says of its patient, study and series."""

from dataclasses import dataclass, field
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from desktop_app.domain.study import PatientSummary
from desktop_app.io.dicom_elements import integer, text
from desktop_app.io.dicom_slices import (
    MEDIA_DIRECTORY,
    MR_CLASSES,
    MULTIFRAME_MR,
    SIEMENS_B_VALUE,
    Groups,
    SliceHeader,
    slices_of,
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


_TAGS = [
    *(Tag(keyword) for keyword in (*_TEXT_KEYWORDS, *_OTHER_KEYWORDS)),
    SIEMENS_B_VALUE,
]


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
