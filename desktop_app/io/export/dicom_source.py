"""The images a result was made from, as DICOM objects that refer to them need them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timezone
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.uid import generate_uid
from pydicom.valuerep import DSfloat

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.pseudonyms import Pseudonyms
from desktop_app.domain.study import ON_PLANE_MM, InstanceRef, Sequence, Series
from desktop_app.errors import InputError
from desktop_app.io.dicom.elements import lenient_pydicom, numbers, text
from desktop_app.io.dicom.geometry import TURN_TOLERANCE
from desktop_app.io.dicom.identity import SOURCE_KEYWORDS, identity_of, not_allowed, timezone_of
from desktop_app.io.dicom.slices import MULTIFRAME_MR

_GRID_KEYWORDS = (
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SliceThickness",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)


@dataclass(frozen=True, slots=True, eq=False)
class SourceFrame:
    """One slice of the source; `frame` counts from 1 in a multi-frame file, else is None."""

    sop_class_uid: str
    sop_instance_uid: str
    frame: int | None
    position_lps_mm: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OtherSeries:
    """A series that a result was made from besides the one that it lies on.

    `instances` are as in `DicomSource`.
    """

    sequence: Sequence
    study_uid: str
    series_uid: str
    instances: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class DicomSource:
    """The series a result lies on, with the identity that the result's files carry.

    Parameters
    ----------
    identity
        Patient and study attributes to write; replaced ones where anonymised.
    frames
        Per plane k of the result's grid, the source slice that lies there; ``None`` where the
        grid has a plane the scanner did not measure.
    instances
        (SOP class UID, SOP instance UID) of all files of the series.
    geometry
        The grid; orientation and spacing hold for all planes.
    orientation
        (6,) direction cosines along a row, then along a column.
    slice_thickness_mm
        As the scanner says; the distance of slices where it does not.
    others
        What else the result was made from.
    """

    identity: Dataset
    study_uid: str
    series_uid: str
    series_number: int
    frame_of_reference_uid: str
    geometry: Geometry
    orientation: NDArray[np.float64]
    slice_thickness_mm: float
    frames: tuple[SourceFrame | None, ...]
    instances: tuple[tuple[str, str], ...]
    lossy: Dataset
    others: tuple[OtherSeries, ...] = ()

    @property
    def timezone(self) -> timezone | None:
        """The zone of the study's times; ``None`` where the scanner does not say."""
        return timezone_of(self.identity)

    @property
    def is_nameless(self) -> bool:
        """Whether nothing tells who the patient is, by pseudonyms or in the images already."""
        # Without an ID of its own a series may lie in a study that has the patient's.
        removed = str(self.identity.get("PatientIdentityRemoved", "")) == "YES"
        return removed and bool(self.identity.get("PatientID"))

    @property
    def positions_lps_mm(self) -> NDArray[np.float64]:
        """(k, 3) centre of the first voxel of every plane."""
        count = self.geometry.shape_kji[0]
        index_kji = np.stack([np.arange(count), np.zeros(count), np.zeros(count)], axis=-1)
        positions = self.geometry.to_patient_mm(index_kji.astype(np.float64))
        for k, frame in enumerate(self.frames):
            if frame is not None:
                positions[k] = frame.position_lps_mm
        return positions

    def identify(self, dataset: Dataset) -> None:
        """Write patient and study into a dataset, in UTF-8."""
        dataset.SpecificCharacterSet = "ISO_IR 192"
        for element in self.identity:
            dataset[element.tag] = element


def read_source(
    series: Series,
    geometry: Geometry,
    *,
    pseudonyms: Pseudonyms | None = None,
    others: Mapping[Sequence, Series] = MappingProxyType({}),
) -> DicomSource:
    """Read from the headers of a series what a result must say about it.

    Parameters
    ----------
    geometry
        Grid of the result: that of the series as loaded.
    pseudonyms
        Stand for patient, study and all UIDs, where they are not to be told; grid and frames stay.
    others
        The further series that the result was made from, read from DICOM.

    Raises
    ------
    InputError
        If the files of the series can no longer be read.
    """
    paths = list(dict.fromkeys(instance.path for instance in series.instances))
    headers = {path: _read(path) for path in paths}
    first = headers[paths[0]]
    uids = _Uids(pseudonyms)
    frames = _frames(series.instances, headers, geometry, uids)
    study_uid = uids.of(text(first, "StudyInstanceUID"), "study")
    thickness = _thickness(first)
    return DicomSource(
        identity=identity_of(first, study_uid, pseudonyms),
        study_uid=study_uid,
        series_uid=uids.of(text(first, "SeriesInstanceUID"), "series"),
        series_number=int(_number(text(first, "SeriesNumber")) or 1),
        frame_of_reference_uid=uids.of(
            text(first, "FrameOfReferenceUID") or geometry.frame_of_reference_uid,
            "frame of reference",
        ),
        geometry=geometry,
        orientation=_orientation(first, series.instances[0], geometry),
        slice_thickness_mm=thickness or geometry.spacing_mm[0],
        frames=frames,
        instances=tuple(
            (text(header, "SOPClassUID"), uids.of(text(header, "SOPInstanceUID"), str(path)))
            for path, header in headers.items()
        ),
        lossy=_only(first, [k for k in _GRID_KEYWORDS if k.startswith("LossyImage")]),
        others=tuple(_other(*one, uids) for one in others.items()),
    )


def odd_identifiers(series: Series) -> tuple[str, ...]:
    """Return by name what of a series' identifiers results repeat though DICOM does not allow it.

    Empty where its files can no longer be read.
    """
    try:
        return not_allowed(_read(series.instances[0].path))
    except InputError:
        return ()


def decimals(values: Iterable[float]) -> list[DSfloat]:
    """Return numbers rounded to what a decimal string of DICOM holds, 16 characters."""
    return [DSfloat(float(value), auto_format=True) for value in values]


class _Uids:
    """Gives every UID itself or what stands for it, and a fresh one for each that is missing."""

    def __init__(self, pseudonyms: Pseudonyms | None) -> None:
        self._pseudonyms = pseudonyms
        self._fresh: dict[str, str] = {}

    def of(self, uid: str, owner: str) -> str:
        """Return the UID to write; `owner` tells things without one apart."""
        if not uid:
            return self._fresh.setdefault(owner, str(generate_uid(prefix=None)))
        return uid if self._pseudonyms is None else self._pseudonyms.uid(uid)


def _other(sequence: Sequence, series: Series, uids: _Uids) -> OtherSeries:
    header = _read(series.instances[0].path)
    # Frames of one file share its UID.
    files = {instance.path: instance for instance in series.instances}
    return OtherSeries(
        sequence,
        uids.of(text(header, "StudyInstanceUID"), "study"),
        uids.of(text(header, "SeriesInstanceUID"), str(series.instances[0].path.parent)),
        tuple(
            (
                one.sop_class_uid or text(header, "SOPClassUID"),
                uids.of(one.sop_instance_uid, str(path)),
            )
            for path, one in files.items()
        ),
    )


def _read(path: Path) -> Dataset:
    try:
        with lenient_pydicom():
            return dcmread(
                path,
                force=True,
                stop_before_pixels=True,
                specific_tags=[*SOURCE_KEYWORDS, *_GRID_KEYWORDS],
            )
    except OSError as error:
        raise InputError(
            "The images of the study can no longer be read.",
            f"File {path}",
            "Put the study back where it was, or export without DICOM formats.",
        ) from error


def _frames(
    refs: tuple[InstanceRef, ...], headers: dict[Path, Dataset], geometry: Geometry, uids: _Uids
) -> tuple[SourceFrame | None, ...]:
    """Find the source slice of every plane by its place, not by its order."""
    planes: list[SourceFrame | None] = [None] * geometry.shape_kji[0]
    for ref in refs:
        header = headers[ref.path]
        position, orientation = _place(header, ref)
        if position is None or orientation is None:
            continue
        expected = geometry.direction_lps[:, :2].T.ravel()
        if np.abs(orientation - expected).max() > TURN_TOLERANCE:
            continue
        k = round(float(geometry.to_index_kji(position)[0]))
        if not 0 <= k < len(planes) or planes[k] is not None:
            continue
        offset = position - geometry.to_patient_mm(np.array([k, 0, 0], dtype=np.float64))
        if np.linalg.norm(offset) <= ON_PLANE_MM:
            planes[k] = SourceFrame(
                text(header, "SOPClassUID"),
                uids.of(text(header, "SOPInstanceUID"), str(ref.path)),
                ref.frame,
                position,
            )
    return tuple(planes)


def _place(
    header: Dataset, ref: InstanceRef
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    position = _group(header, ref, "PlanePositionSequence")
    orientation = _group(header, ref, "PlaneOrientationSequence")
    return (
        numbers(position, "ImagePositionPatient", 3),
        numbers(orientation, "ImageOrientationPatient", 6),
    )


def _group(header: Dataset, ref: InstanceRef, keyword: str) -> Dataset:
    """Return where an attribute of a slice stands: on top, or in a functional group."""
    if text(header, "SOPClassUID") not in MULTIFRAME_MR or ref.frame is None:
        return header
    frames = header.get("PerFrameFunctionalGroupsSequence") or ()
    shared = header.get("SharedFunctionalGroupsSequence") or ()
    for groups in (*frames[ref.frame - 1 : ref.frame], *shared[:1]):
        items = groups.get(keyword)
        if items:
            found: Dataset = items[0]
            return found
    return Dataset()


def _orientation(header: Dataset, ref: InstanceRef, geometry: Geometry) -> NDArray[np.float64]:
    """Return the scanner's own direction cosines where they are those of the grid."""
    exact: NDArray[np.float64] = geometry.direction_lps[:, :2].T.ravel()
    _, orientation = _place(header, ref)
    if orientation is None or np.abs(orientation - exact).max() > 1e-6:
        return exact
    return orientation


def _thickness(header: Dataset) -> float | None:
    measures = _group(header, InstanceRef(Path(), frame=1), "PixelMeasuresSequence")
    return _number(text(measures, "SliceThickness"))


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) and number > 0 else None


def _only(header: Dataset, keywords: list[str]) -> Dataset:
    chosen = Dataset()
    for keyword in keywords:
        if keyword in header:
            chosen[keyword] = header[keyword]
    return chosen
