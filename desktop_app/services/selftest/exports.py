"""Reads back what was written, each kind of file by its own means."""

import csv
import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.io.export.csv_table import TABLE_ENCODING
from desktop_app.io.nifti.files import read_nifti
from desktop_app.services.case import CaseOutcome
from desktop_app.services.export.formats import FILE_NAMES, TITLES, ExportFormat
from desktop_app.services.export.measurement_document import SCHEMA
from desktop_app.services.measuring.measure import MM3_PER_CM3, volumes_mm3
from desktop_app.services.selftest.checks import CheckFailed, Checklist, NotPossibleHere

# Text of a decimal in DICOM has 16 characters; contours and tables are rounded to 0.001.
_RELATIVE_TOLERANCE = 1e-3
_LEAST_PDF_BYTES = 10_000


def check_exports(
    checklist: Checklist, outcome: CaseOutcome, left_out: dict[ExportFormat, str]
) -> None:
    """Read every file of a study's results and compare it with the result.

    Parameters
    ----------
    left_out
        What could not be written here, and why.
    """
    readers = {
        ExportFormat.NIFTI: _nifti,
        ExportFormat.SEG: _seg,
        ExportFormat.SR: _sr,
        ExportFormat.RTSTRUCT: _rtstruct,
        ExportFormat.SC: _capture,
        ExportFormat.CSV: _csv,
        ExportFormat.JSON: _json,
        ExportFormat.PDF: _pdf,
    }

    def read(one: ExportFormat) -> str:
        if one in left_out:
            raise NotPossibleHere(left_out[one])
        path = outcome.folder / FILE_NAMES[one]
        if not path.is_file():
            raise CheckFailed(f"{path.name} was not written")
        return f"{path.name}: {readers[one](path, outcome.result)}"

    for one in ExportFormat:
        checklist.attempt(TITLES[one], partial(read, one))


def _nifti(path: Path, result: StudyResult) -> str:
    return _same_voxels(read_nifti(path).array_kji, result)


def _seg(path: Path, result: StudyResult) -> str:
    """Put the frames of the SEG back onto the grid of the segmentation."""
    from highdicom.seg import segread

    geometry = result.segmentation.geometry
    segmentation = segread(path)
    labels_kji = np.zeros(geometry.shape_kji, np.uint8)
    functional_groups = segmentation.PerFrameFunctionalGroupsSequence
    frames = segmentation.pixel_array.reshape(-1, *geometry.shape_kji[1:])
    for frame, group in zip(frames, functional_groups, strict=True):
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, np.float64)
        k = round(float(geometry.to_index_kji(position)[0]))
        value = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        labels_kji[k][frame > 0] = value
    return _same_voxels(labels_kji, result)


def _sr(path: Path, result: StudyResult) -> str:
    return _same_volumes(
        (
            float(item.MeasuredValueSequence[0].NumericValue)
            for item in _content(dcmread(path))
            if item.ValueType == "NUM"
            and item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm3"
        ),
        result,
    )


def _rtstruct(path: Path, result: StudyResult) -> str:
    dataset = dcmread(path)
    structures = dataset.StructureSetROISequence
    contours = sum(len(roi.ContourSequence) for roi in dataset.ROIContourSequence)
    volumes = (float(structure.ROIVolume) * MM3_PER_CM3 for structure in structures)
    return f"{_same_volumes(volumes, result)}, {contours} contours"


def _capture(path: Path, _result: StudyResult) -> str:
    picture_yxc = dcmread(path).pixel_array
    if picture_yxc.ndim != 3 or picture_yxc.min() == picture_yxc.max():
        raise CheckFailed(f"{path.name} shows nothing")
    return f"{picture_yxc.shape[1]} × {picture_yxc.shape[0]} pixels"


def _csv(path: Path, result: StudyResult) -> str:
    with path.open(encoding=TABLE_ENCODING, newline="") as file:
        rows = list(csv.DictReader(file))
    return _same_volumes((float(row["volume_mm3"]) for row in rows), result)


def _json(path: Path, result: StudyResult) -> str:
    document = json.loads(path.read_text("utf-8"))
    if document["schema"] != SCHEMA:
        raise CheckFailed(f"{path.name} is of the schema {document['schema']}")
    return _same_volumes((one["volume_mm3"] for one in document["regions"].values()), result)


def _pdf(path: Path, _result: StudyResult) -> str:
    content = path.read_bytes()
    whole = content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
    if not whole or len(content) < _LEAST_PDF_BYTES:
        raise CheckFailed(f"{path.name} is not a whole PDF")
    return f"{len(content) // 1000} kB"


def _content(dataset: Dataset) -> Iterator[Dataset]:
    for item in dataset.get("ContentSequence", ()):
        yield item
        yield from _content(item)


def _same_voxels(labels_kji: NDArray[np.generic], result: StudyResult) -> str:
    if not np.array_equal(labels_kji, result.segmentation.labels_kji):
        raise CheckFailed("read back, its labels are others")
    return "read back voxel by voxel"


def _same_volumes(found_mm3: Iterable[float], result: StudyResult) -> str:
    """Require every region's volume among what was found."""
    found = np.fromiter(found_mm3, np.float64)
    expected = {region: v for region, v in volumes_mm3(result.measurements).items() if v > 0}
    missing = [
        region.value
        for region, volume in expected.items()
        if not np.isclose(found, volume, rtol=_RELATIVE_TOLERANCE).any()
    ]
    if missing:
        raise CheckFailed(f"the volumes of {', '.join(missing)} are missing or others")
    return f"volumes of {', '.join(region.value for region in Region if region in expected)}"
