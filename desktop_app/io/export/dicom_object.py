"""What every DICOM object that we write has in common."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

import desktop_app
from desktop_app.domain.provenance import Provenance
from desktop_app.domain.segmentation import REGION_TITLES, Region
from desktop_app.io.atomic import atomic_path
from desktop_app.io.export.dicom_source import DicomSource

MANUFACTURER = "Gliascope"
RESEARCH_USE = desktop_app.DISCLAIMER

# ST holds 1024 characters (PS3.5 6.2).
_SHORT_TEXT_LENGTH = 1024
# Own results come after the scanner's series in every list that is sorted by number.
_SERIES_NUMBER_OFFSET = 9000
# IS holds 32 bits with a sign (PS3.5 6.2).
_SERIES_NUMBER_LIMIT = 2**31 - 1


def series_number(source: DicomSource, index: int) -> int:
    """Return the number of the index-th series of results made from a source."""
    number = _SERIES_NUMBER_OFFSET + 10 * source.series_number + index
    return min(number, _SERIES_NUMBER_LIMIT)


def equipment(provenance: Provenance) -> dict[str, str]:
    """Return the equipment module by keyword: what made the object, traceable to its weights."""
    return {
        "Manufacturer": MANUFACTURER,
        "ManufacturerModelName": provenance.model_id[:64],
        "SoftwareVersions": provenance.app_version[:64],
        "DeviceSerialNumber": provenance.weights_sha256[:16] or "0",
    }


def device_uid(made_by: Mapping[str, str]) -> str:
    """Return the UID of what `equipment` names: one program with one network has one."""
    return _uid_of(*made_by.values())


def series_description(what: str, provenance: Provenance) -> str:
    """Return how an archive lists a series of results, corrected ones by another name."""
    corrected = ", corrected" if provenance.edited else ""
    return f"{MANUFACTURER} {what}{corrected}, for research use"


def tracking(source: DicomSource, region: Region) -> tuple[str, str]:
    """Return UID and identifier by which all results of one series name a region (TID 1501).

    The UID is made of a UUID of the series' own UID (PS3.5 B.2), so that the corrected region is
    known as the one that was corrected; the identifier ends in its last digits, since it is to be
    no other patient's (PS3.3 C.8.20.2).
    """
    patient = str(source.identity.get("PatientID", ""))
    uid = _uid_of(MANUFACTURER, patient, source.study_uid, source.series_uid, region)
    return uid, f"{region_label(region)}, {uid[-8:]}"


def _uid_of(*named: str) -> str:
    """Return the UID that the same words always have (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, chr(10).join(named)).int}"


def region_label(region: Region) -> str:
    """Return a region's name as results bear it."""
    return f"{REGION_TITLES[region]} ({region.value})"


def remarks(warnings: tuple[str, ...]) -> str:
    """Return what a short text of at most 1024 characters can hold of a result's warnings."""
    told = " ".join((RESEARCH_USE, *warnings))
    is_short = len(told) <= _SHORT_TEXT_LENGTH
    return told if is_short else f"{told[: _SHORT_TEXT_LENGTH - 2]} …"


def date_object(dataset: Dataset, source: DicomSource, created: datetime | None) -> None:
    """Write when an object was made, now if not given, in the zone of its study's times.

    Where the scanner tells none, it is the computer's, which is then not named: a zone holds for
    all times of an object.
    """
    local = (created or datetime.now().astimezone()).astimezone(source.timezone)
    kinds = ["Series", "InstanceCreation"]
    kinds += [kind for kind in ("Content", "StructureSet") if f"{kind}Date" in dataset]
    for kind in kinds:
        setattr(dataset, f"{kind}Date", f"{local:%Y%m%d}")
        setattr(dataset, f"{kind}Time", f"{local:%H%M%S}")
    for equipment_item in dataset.get("ContributingEquipmentSequence", ()):
        equipment_item.ContributionDateTime = f"{local:%Y%m%d%H%M%S}"


def new_object(
    source: DicomSource,
    provenance: Provenance,
    *,
    sop_class_uid: str,
    modality: str,
    series_index: int,
    what: str,
) -> Dataset:
    """Return an object with its patient, study, series, equipment and SOP common modules.

    Parameters
    ----------
    series_index
        Tells the series of one export apart.
    what
        As in `series_description`.
    """
    dataset = Dataset()
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = generate_uid(prefix=None)
    dataset.Modality = modality
    dataset.SeriesInstanceUID = generate_uid(prefix=None)
    dataset.SeriesNumber = series_number(source, series_index)
    dataset.SeriesDescription = series_description(what, provenance)
    dataset.InstanceNumber = 1
    for keyword, value in equipment(provenance).items():
        setattr(dataset, keyword, value)
    source.identify(dataset)
    return dataset


def encode_as(dataset: Dataset, transfer_syntax_uid: str) -> None:
    """Have an object written in a transfer syntax."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def save(dataset: Dataset, path: Path) -> Path:
    """Write an object as a DICOM file that appears only when it is whole.

    Explicit VR Little Endian, unless `encode_as` said otherwise.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    if not hasattr(dataset, "file_meta"):
        encode_as(dataset, ExplicitVRLittleEndian)
    with atomic_path(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
    return path
