"""The segments of a DICOM Segmentation of any maker, on the grid that they are given on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import dcmread
from pydicom.uid import UID

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import PatientSummary
from desktop_app.errors import InputError
from desktop_app.io.dicom.elements import integer, lenient_pydicom, numbers, text
from desktop_app.io.dicom.geometry import MAX_VOXELS

_DAMAGED = "The DICOM SEG is damaged."
_REMEDY = "Export the labels again, as NIfTI or as uncompressed DICOM SEG."
# What programs round off positions and orientations.
_SHIFT_MM = 0.1
_TURN = 1e-3
_STEP_SHARE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One segment.

    Parameters
    ----------
    code
        Scheme and value of what it is.
    name
        Its label, and what its code means where that is something else.
    mask_kji
        (k, j, i) on the grid of all segments.
    """

    number: int
    code: tuple[str, str]
    name: str
    mask_kji: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """What a DICOM SEG holds; its grid may leave out slices without a segment at either end."""

    patient: PatientSummary
    geometry: Geometry
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    number: int
    position_mm: NDArray[np.float64]
    orientation: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]
    step_mm: float


def read_segments(file: Path) -> Segments:
    """Read every segment of a DICOM SEG.

    Segments may overlap. Of fractional ones that counts which is half taken or more.

    Raises
    ------
    InputError
        If the file is damaged, compressed, empty, or its frames make no grid.
    """
    try:
        with lenient_pydicom():
            seg = dcmread(file)
    except (OSError, InvalidDicomError, ValueError, EOFError) as error:
        raise _refused(_DAMAGED, file) from error
    if text(seg, "Modality") != "SEG":
        raise _refused("The file is no DICOM SEG.", file)
    syntax = UID(seg.file_meta.get("TransferSyntaxUID", "")) if "file_meta" in dir(seg) else UID("")
    if syntax.is_private or (syntax.is_transfer_syntax and syntax.is_encapsulated):
        raise _refused("The DICOM SEG is compressed in a way that is not read.", file)
    frames = tuple(_frames(seg, file))
    if not frames:
        raise _refused("The DICOM SEG marks nothing.", file)
    geometry, planes = _grid(seg, frames, file)
    values_kji = _values(seg, len(frames), file)
    is_map = text(seg, "SegmentationType") == "LABELMAP"
    items = seg.get("SegmentSequence") or ()
    listed = [integer(one, "SegmentNumber") for one in items]
    is_told = is_map or {one.number for one in frames} <= set(listed)
    if len(set(listed)) < len(listed) or not is_told:
        raise _refused(_DAMAGED, file)
    found = []
    for number, one in zip(listed, items, strict=True):
        mask_kji = np.zeros(geometry.shape_kji, bool)
        for frame, k, values in zip(frames, planes, values_kji, strict=True):
            if is_map:
                mask_kji[k] |= values == number
            elif frame.number == number:
                mask_kji[k] |= values.astype(bool)
        found.append(Segment(number, *_named(one), mask_kji))
    patient = PatientSummary(
        text(seg, "PatientID"),
        text(seg, "PatientName"),
        text(seg, "PatientBirthDate"),
        text(seg, "PatientSex"),
    )
    return Segments(patient, geometry, tuple(found))


def _frames(seg: Dataset, file: Path) -> Iterator[_Frame]:
    shared = _item(seg, "SharedFunctionalGroupsSequence")
    for group in seg.get("PerFrameFunctionalGroupsSequence") or ():

        def said(keyword: str, group: Dataset = group) -> Dataset:
            return _item(group, keyword) if keyword in group else _item(shared, keyword)

        position = numbers(said("PlanePositionSequence"), "ImagePositionPatient", 3)
        orientation = numbers(said("PlaneOrientationSequence"), "ImageOrientationPatient", 6)
        measures = said("PixelMeasuresSequence")
        spacing = numbers(measures, "PixelSpacing", 2)
        if position is None or orientation is None or spacing is None:
            raise _refused(_DAMAGED, file)
        steps = (
            numbers(measures, keyword, 1) for keyword in ("SpacingBetweenSlices", "SliceThickness")
        )
        step = next((float(abs(one[0])) for one in steps if one is not None and one[0]), 0.0)
        number = integer(said("SegmentIdentificationSequence"), "ReferencedSegmentNumber")
        yield _Frame(number, position, orientation, spacing, step)


def _grid(seg: Dataset, frames: tuple[_Frame, ...], file: Path) -> tuple[Geometry, list[int]]:
    """Return the grid of all frames, and the plane of each."""
    first = frames[0]
    along_i, along_j = first.orientation[:3], first.orientation[3:]
    normal = np.cross(along_i, along_j)
    positions = np.stack([one.position_mm for one in frames])
    heights_mm = (positions - positions[0]) @ normal
    aside_mm = positions - positions[0] - np.outer(heights_mm, normal)
    turned = max(np.abs(one.orientation - first.orientation).max() for one in frames)
    scaled = max(np.abs(one.spacing_mm - first.spacing_mm).max() for one in frames)
    if turned > _TURN or scaled > _TURN or np.abs(aside_mm).max() > _SHIFT_MM:
        raise _refused("The frames of the DICOM SEG lie on no common grid.", file)
    step_mm = _step_mm(heights_mm, first.step_mm)
    low_mm = float(heights_mm.min())
    planes = np.rint((heights_mm - low_mm) / step_mm)
    if np.abs((heights_mm - low_mm) - planes * step_mm).max() > _SHIFT_MM:
        raise _refused("The slices of the DICOM SEG are not evenly spaced.", file)
    shape = (int(planes.max()) + 1, integer(seg, "Rows"), integer(seg, "Columns"))
    if np.prod(shape, dtype=float) > MAX_VOXELS:
        raise _refused(_DAMAGED, file)
    affine = np.eye(4)
    affine[:3, 0] = along_i * first.spacing_mm[1]
    affine[:3, 1] = along_j * first.spacing_mm[0]
    affine[:3, 2] = normal * step_mm
    affine[:3, 3] = positions[0] + normal * low_mm
    try:
        geometry = Geometry(shape, affine, text(seg, "FrameOfReferenceUID"))
    except ValueError as error:
        raise _refused(_DAMAGED, file) from error
    return geometry, [int(k) for k in planes]


def _step_mm(heights_mm: NDArray[np.float64], told_mm: float) -> float:
    """Return the distance of slices: as told where that fits, else the smallest there is.

    A fraction of the distance that most slices keep does not fit: it is the gap between them, or
    their thickness. Of a few slices far apart, each may be a lesion of its own.
    """
    gaps = np.diff(np.unique(np.round(heights_mm, 2)))
    gaps = gaps[gaps > _SHIFT_MM]
    if not gaps.size:
        return told_mm or 1.0
    least_mm = float(gaps.min())
    told_fits = told_mm > 0 and _are_whole(gaps / told_mm)
    usual = gaps < least_mm + _SHIFT_MM
    is_kept = usual.sum() > 1 and usual.mean() > 0.5 and _are_whole(gaps / least_mm)
    if told_fits and not (is_kept and least_mm > 1.5 * told_mm):
        return told_mm
    # From one end to the other, since what is rounded away adds up over a stack.
    return float(gaps.sum() / np.rint(gaps / least_mm).sum())


def _are_whole(counts: NDArray[np.float64]) -> bool:
    return bool(np.abs(counts - np.maximum(1, np.rint(counts))).max() < _STEP_SHARE)


def _values(seg: Dataset, count: int, file: Path) -> NDArray[np.generic]:
    """Return the frames as they are stored; of fractional ones whether half is taken."""
    rows, columns = integer(seg, "Rows"), integer(seg, "Columns")
    stored, voxels = seg.get("PixelData") or b"", count * rows * columns
    kind, bits = text(seg, "SegmentationType"), integer(seg, "BitsAllocated")
    if kind == "BINARY" and bits == 1:
        if not 0 < voxels <= 8 * len(stored):
            raise _refused(_DAMAGED, file)
        flat = np.unpackbits(np.frombuffer(stored, np.uint8), count=voxels, bitorder="little")
        return flat.reshape(count, rows, columns)
    if bits not in (8, 16) or not 0 < voxels * bits // 8 <= len(stored):
        raise _refused(_DAMAGED, file)
    plain = np.frombuffer(stored, f"<u{bits // 8}", count=voxels).reshape(count, rows, columns)
    if kind != "FRACTIONAL":
        return plain
    highest = integer(seg, "MaximumFractionalValue") or 255
    # Not twice the value, which has no room in its byte.
    return plain >= (highest + 1) // 2


def _named(segment: Dataset) -> tuple[tuple[str, str], str]:
    code = _item(segment, "SegmentedPropertyTypeCodeSequence")
    label, meaning = text(segment, "SegmentLabel"), text(code, "CodeMeaning")
    is_said = meaning.casefold() in label.casefold()
    name = label if is_said else f"{label} ({meaning})" if label else meaning
    return (text(code, "CodingSchemeDesignator"), text(code, "CodeValue")), name


def _item(dataset: Dataset, keyword: str) -> Dataset:
    items = dataset.get(keyword)
    found: Dataset = items[0] if items else Dataset()
    return found


def _refused(title: str, file: Path) -> InputError:
    return InputError(title, str(file), _REMEDY)
