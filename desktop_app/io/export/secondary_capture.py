"""The report page as a picture that every archive shows: a DICOM secondary capture."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from desktop_app.domain.provenance import Provenance
from desktop_app.io.export.dicom_object import RESEARCH_USE, date_object, new_object
from desktop_app.io.export.dicom_source import DicomSource

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def build_sc(
    picture_yxc: NDArray[np.uint8],
    source: DicomSource,
    provenance: Provenance,
    *,
    created: datetime | None = None,
) -> Dataset:
    """Make a colour picture of the study.

    Parameters
    ----------
    picture_yxc
        (rows, columns, 3) red, green, blue. Shows who the patient is unless `source` is
        anonymised, or made from images that are.
    created
        When it is made; now if not given.

    Returns
    -------
    Dataset
        Ready to be saved with `dicom_object.save`.

    Raises
    ------
    ValueError
        If the picture is not RGB with 8 bits.
    """
    if picture_yxc.dtype != np.uint8 or picture_yxc.ndim != 3 or picture_yxc.shape[2] != 3:
        raise ValueError(f"not an RGB picture: {picture_yxc.dtype} {picture_yxc.shape}")
    dataset = new_object(
        source,
        provenance,
        sop_class_uid=_SECONDARY_CAPTURE,
        modality="OT",
        series_index=3,
        what="report",
    )
    date_object(dataset, source, created)
    dataset.ConversionType = "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.ImageComments = RESEARCH_USE
    # A page has no side of the patient at its edges; the pictures on it carry their own letters.
    dataset.PatientOrientation = ""
    dataset.BodyPartExamined = "BRAIN"
    dataset.BurnedInAnnotation = "NO" if source.is_nameless else "YES"
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "RGB"
    dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns, _ = picture_yxc.shape
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    pixels = np.ascontiguousarray(picture_yxc).tobytes()
    # Pixel data has an even length (PS3.5 8.1.1).
    dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
    return dataset
