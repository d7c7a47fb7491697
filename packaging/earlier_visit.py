"""An earlier visit of the sample study's patient, for the picture of a comparison."""

from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

from model.synthetic import TumourSpec, write_sample_study

_DATE = "20250922"
_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")


def write_earlier_visit(folder: Path) -> Path:
    """Write the sample study with a smaller tumour, months before, and return its DICOM folder."""
    tumour = TumourSpec(core_radius_mm=14.0, oedema_mm=8.0)
    study = write_sample_study(folder, tumour=tumour)
    uids: dict[str, str] = {}
    for file in sorted(one for one in study.dicom_folder.rglob("*") if one.is_file()):
        image = pydicom.dcmread(file)
        for name in (one for one in _UIDS if one in image):
            image[name].value = uids.setdefault(image[name].value, generate_uid())
        for name in (one for one in _DATES if one in image):
            image[name].value = _DATE
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.save_as(file)
    return study.dicom_folder
