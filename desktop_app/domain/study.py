"""What a scan finds: patients, studies, series, and the role proposed for each series."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from desktop_app.domain.geometry import Geometry

ON_PLANE_MM = 0.35
"""How far an image may lie from a plane of a grid and still be its image: as far as loading lets a
slice jitter, along the stack and within the plane, before it resamples."""


class Sequence(StrEnum):
    """The four MR sequences the network looks at, in the order of its input channels."""

    T1 = "T1"
    T1C = "T1c"
    T2 = "T2"
    FLAIR = "FLAIR"


@dataclass(frozen=True, slots=True)
class PatientSummary:
    """Who a study is of, as the headers say; empty where they do not."""

    patient_id: str = ""
    name: str = ""
    birth_date: str = ""
    sex: str = ""


@dataclass(frozen=True, slots=True)
class InstanceRef:
    """One file (or one frame of a multi-frame file) of a series.

    Parameters
    ----------
    frame
        Counted from 1 in a multi-frame file.
    number
        Instance Number, by which archives show a single-frame image; ``None`` where unknown.
    position_lps_mm
        Centre of the first voxel; ``None`` where unknown.
    """

    path: Path
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    frame: int | None = None
    number: int | None = None
    position_lps_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One image series: files sorted along the slice normal and the grid they make.

    Parameters
    ----------
    series_uid
        Series Instance UID; for NIfTI the file's path.
    description
        Series Description or file name.
    instances
        Files in slice order. NIfTI series hold one instance.
    geometry
        The grid, from headers alone; ``None`` where it could not be established.
    number
        Series Number, 0 where unknown.
    acquired
        Acquisition (or series) date and time as ISO text, for people and for sorting.
    attributes
        Header values the sequence rules use, by DICOM keyword, as text.
    problems
        One plain sentence each: what was repaired, assumed or refused.
    usable
        False where the series cannot be loaded as one volume (see `problems`).
    """

    series_uid: str
    description: str
    instances: tuple[InstanceRef, ...]
    geometry: Geometry | None
    number: int = 0
    acquired: str = ""
    modality: str = "MR"
    attributes: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    usable: bool = True

    @property
    def is_nifti(self) -> bool:
        """Whether the series is a NIfTI file."""
        return self.instances[0].path.name.lower().endswith((".nii", ".nii.gz"))

    def image_on(self, geometry: Geometry, plane: int) -> InstanceRef | None:
        """Return the image that lies on plane k of a grid, found by its place.

        Its order tells nothing: numbers of images may run against the grid, and a grid may have
        planes that the scanner did not measure, for which there is ``None``.
        """
        corner_lps_mm = geometry.to_patient_mm(np.array([plane, 0, 0], np.float64))
        apart_mm = {
            number: float(np.linalg.norm(corner_lps_mm - image.position_lps_mm))
            for number, image in enumerate(self.instances)
            if image.position_lps_mm is not None
        }
        nearest = min(apart_mm, key=apart_mm.__getitem__, default=None)
        if nearest is None or apart_mm[nearest] > ON_PLANE_MM:
            return None
        return self.instances[nearest]


@dataclass(frozen=True, slots=True)
class RoleProposal:
    """The series proposed for a sequence.

    Parameters
    ----------
    confidence
        0 to 1: how sure the rules are.
    reason
        One plain sentence.
    by_pixels
        Whether nothing but the image itself speaks for it: a suggestion, to be told as one.
    """

    series_uid: str
    confidence: float
    reason: str
    by_pixels: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """One examination of one patient.

    Parameters
    ----------
    name
        Safe, short folder name for results, unique within a scan.
    roles
        Proposal per sequence; a sequence with no candidate is absent.
    skipped
        (path or series, reason) pairs of everything that was left out.
    time, accession_number, age
        Study Time, Accession Number and Patient's Age as DICOM writes them; empty where unknown.
    """

    study_uid: str
    name: str
    patient: PatientSummary
    date: str
    description: str
    root: Path
    series: tuple[Series, ...]
    roles: dict[Sequence, RoleProposal] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()
    time: str = ""
    accession_number: str = ""
    age: str = ""

    def series_by_uid(self, series_uid: str) -> Series:
        """Return the series with this UID.

        Raises
        ------
        KeyError
            If the study has no such series.
        """
        for series in self.series:
            if series.series_uid == series_uid:
                return series
        raise KeyError(series_uid)
