"""Labels read back from a DICOM Segmentation that this program wrote."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import dcmread

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.provenance import Provenance
from desktop_app.domain.segmentation import DEFAULT_LABELS, codes_of
from desktop_app.domain.study import ON_PLANE_MM
from desktop_app.io.dicom.elements import integer, lenient_pydicom, numbers, text
from desktop_app.io.dicom.geometry import ORIENTATION_TOLERANCE
from desktop_app.io.export.dicom_object import MANUFACTURER
from desktop_app.io.result_errors import result_of_other_images, unusable_result

# Planes lie where the scanner says, see `dicom_source`; decimals of the file are few.
_POSITION_TOLERANCE_MM = ON_PLANE_MM + 0.01
_SPACING_TOLERANCE_MM = 1e-3

_NOT_OURS = "The DICOM SEG is none that this program wrote."
_DAMAGED = "The DICOM SEG is damaged."


@dataclass(frozen=True, slots=True, eq=False)
class StoredLabels:
    """Labels of a file and what it says of their origin.

    Parameters
    ----------
    labels_kji
        (k, j, i) uint8, the values of `DEFAULT_LABELS`.
    """

    labels_kji: NDArray[np.uint8]
    provenance: Provenance


def read_seg(file: Path, geometry: Geometry) -> StoredLabels:
    """Read the labels of `build_seg` back onto their grid, voxel by voxel.

    Parameters
    ----------
    geometry
        Grid of the images that the labels were made from.

    Raises
    ------
    InputError
        If the file is damaged, of other images, or by another program.
    """
    try:
        with lenient_pydicom():
            seg = dcmread(file)
    except (OSError, InvalidDicomError, ValueError) as error:
        raise unusable_result(_DAMAGED, file) from error
    if text(seg, "Modality") != "SEG" or text(seg, "Manufacturer") != MANUFACTURER:
        raise unusable_result(_NOT_OURS, file)
    _require_grid(seg, geometry, file)
    values = _values(seg, file)
    labels_kji = np.zeros(geometry.shape_kji, np.uint8)
    groups = seg.get("PerFrameFunctionalGroupsSequence") or ()
    for frame_ji, group in zip(_frames_kji(seg, len(groups), file), groups, strict=True):
        number, k = _place(seg, group, geometry, file)
        labels_kji[k][frame_ji] = values[number]
    return StoredLabels(labels_kji, _provenance(seg))


def _require_grid(seg: Dataset, geometry: Geometry, file: Path) -> None:
    _, rows, columns = geometry.shape_kji
    shared = (seg.get("SharedFunctionalGroupsSequence") or (Dataset(),))[0]
    orientation = numbers(_item(shared, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    spacing_mm = numbers(_item(shared, "PixelMeasuresSequence"), "PixelSpacing", 2)
    if orientation is None or spacing_mm is None:
        raise unusable_result(_DAMAGED, file)
    turned = np.abs(orientation - geometry.direction_lps[:, :2].T.ravel()).max()
    scaled_mm = np.abs(spacing_mm - geometry.spacing_mm[1:]).max()
    is_same = turned <= ORIENTATION_TOLERANCE and scaled_mm <= _SPACING_TOLERANCE_MM
    if not is_same or (integer(seg, "Rows"), integer(seg, "Columns")) != (rows, columns):
        raise result_of_other_images(file)


def _values(seg: Dataset, file: Path) -> dict[int, int]:
    """Return the label of each segment, by the code of what it is."""
    known = {(code.scheme, code.value): one for one in DEFAULT_LABELS for code in codes_of(one)}
    values = {}
    for segment in seg.get("SegmentSequence") or ():
        code = _item(segment, "SegmentedPropertyTypeCodeSequence")
        label = known.get((text(code, "CodingSchemeDesignator"), text(code, "CodeValue")))
        if label is None:
            raise unusable_result(_NOT_OURS, file)
        values[integer(segment, "SegmentNumber")] = label.value
    return values


def _frames_kji(seg: Dataset, count: int, file: Path) -> NDArray[np.bool_]:
    """Return the frames; one bit a voxel, the first in the lowest (PS3.5 8.1.1)."""
    rows, columns = integer(seg, "Rows"), integer(seg, "Columns")
    stored = np.frombuffer(seg.get("PixelData") or b"", np.uint8)
    voxels = count * rows * columns
    if text(seg, "SegmentationType") != "BINARY" or not 0 < voxels <= 8 * stored.size:
        raise unusable_result(_DAMAGED, file)
    bits = np.unpackbits(stored, count=voxels, bitorder="little")
    return bits.reshape(count, rows, columns).astype(bool)


def _place(seg: Dataset, group: Dataset, geometry: Geometry, file: Path) -> tuple[int, int]:
    """Return segment number and plane of a frame."""
    number = integer(_item(group, "SegmentIdentificationSequence"), "ReferencedSegmentNumber")
    position = numbers(_item(group, "PlanePositionSequence"), "ImagePositionPatient", 3)
    if position is None or number not in range(1, len(seg.SegmentSequence) + 1):
        raise unusable_result(_DAMAGED, file)
    k = round(float(geometry.to_index_kji(position)[0]))
    expected = geometry.to_patient_mm(np.array([k, 0.0, 0.0]))
    is_near = np.linalg.norm(position - expected) <= _POSITION_TOLERANCE_MM
    if not (is_near and 0 <= k < geometry.shape_kji[0]):
        raise result_of_other_images(file)
    return number, k


def _provenance(seg: Dataset) -> Provenance:
    segments = seg.get("SegmentSequence") or ()
    edited = any(text(one, "SegmentAlgorithmType") == "SEMIAUTOMATIC" for one in segments)
    return Provenance(
        model_id=text(seg, "ManufacturerModelName"),
        weights_sha256=text(seg, "DeviceSerialNumber"),
        app_version=text(seg, "SoftwareVersions"),
        device="",
        precision="",
        edited=edited,
    )


def _item(dataset: Dataset, keyword: str) -> Dataset:
    items = dataset.get(keyword)
    found: Dataset = items[0] if items else Dataset()
    return found
