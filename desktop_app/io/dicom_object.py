"""What every DICOM object that we write has in common."""

from datetime import datetime
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from desktop_app.domain.provenance import Provenance
from desktop_app.io.atomic import atomic_path
from desktop_app.io.dicom_source import DicomSource

MANUFACTURER = "Gliascope"
RESEARCH_USE = "For research use. Not a medical device."

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


def new_object(
    source: DicomSource,
    provenance: Provenance,
    *,
    sop_class_uid: str,
    modality: str,
    series_index: int,
    series_description: str,
) -> Dataset:
    """Return an object with its patient, study, series, equipment and SOP common modules.

    Parameters
    ----------
    series_index
        Tells the series of one export apart.
    """
    now = datetime.now()
    dataset = Dataset()
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = generate_uid(prefix=None)
    dataset.InstanceCreationDate = f"{now:%Y%m%d}"
    dataset.InstanceCreationTime = f"{now:%H%M%S}"
    dataset.Modality = modality
    dataset.SeriesInstanceUID = generate_uid(prefix=None)
    dataset.SeriesNumber = series_number(source, series_index)
    dataset.SeriesDescription = series_description
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
