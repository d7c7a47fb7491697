"""Tell apart patients and visits whose images bear one study identifier."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Sequence as Items
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from desktop_app.io.dicom_headers import FileHeader
from desktop_app.io.dicom_slices import MR_CLASSES

# An examination may last over midnight.
_LONGEST_VISIT = timedelta(days=1)
# Headers whose dates were replaced by some day bear one before there was MR.
_FIRST_YEAR = 1977
_SUFFIX_LETTERS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """Files of one visit of one patient.

    Parameters
    ----------
    uid
        The study identifier; where others bear it, with a checksum of patient and day, which
        stays the same whatever else lies in a folder.
    date
        Of the visit as DICOM writes it, where the identifier is of several; else empty.
    told
        (what, reason) pairs of what was kept apart.
    """

    uid: str
    headers: tuple[FileHeader, ...]
    date: str = ""
    told: tuple[tuple[str, str], ...] = ()


def separate_examinations(uid: str, headers: Items[FileHeader]) -> tuple[Examination, ...]:
    """Keep patients apart, and visits of more than a day's distance.

    Some anonymisers give all images one study identifier, and archives merge studies.

    Parameters
    ----------
    uid
        What all `headers` have as study identifier.

    Returns
    -------
    tuple of Examination
        By patient, then by day; at least one.
    """
    patients = _by_patient(headers)
    visits = {patient: _by_visit(members) for patient, members in patients.items()}
    told = []
    if len(patients) > 1:
        told.append(f"used for {len(patients)} patients, who are kept apart")
    # No dates: what is told here stands in anonymised records too.
    most = max(map(len, visits.values()))
    if most > 1:
        told.append(f"used for {most} visits of a patient, which are kept apart by their dates")
    if not told:
        return (Examination(uid, tuple(headers)),)
    notes = tuple((f"Study identifier {uid}", reason) for reason in told)
    return tuple(
        Examination(
            f"{uid}#{_checksum(patient, day)}",
            tuple(members),
            _study_date(members, day) if day is not None and len(visits[patient]) > 1 else "",
            notes,
        )
        for patient in sorted(visits)
        for day, members in visits[patient]
    )


def _checksum(patient: str, day: date | None) -> str:
    said = f"{patient}\n{'' if day is None else day.isoformat()}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:_SUFFIX_LETTERS]


def _study_date(headers: Iterable[FileHeader], day: date) -> str:
    """Return the study's date in the headers where it is of the visit, else the visit's day."""
    for header in headers:
        stored = header.attributes.get("StudyDate", "")
        said = _parsed(stored)
        if said is not None and abs(said - day) <= _LONGEST_VISIT:
            return stored
    return f"{day:%Y%m%d}"


def _by_patient(headers: Iterable[FileHeader]) -> dict[str, list[FileHeader]]:
    """Return files by patient ID, or by name where no file has an ID."""
    members = list(headers)
    have_ids = any(header.patient.patient_id for header in members)
    found: dict[str, list[FileHeader]] = defaultdict(list)
    for header in members:
        known_by = header.patient.patient_id if have_ids else header.patient.name
        found["".join(known_by.split()).casefold()].append(header)
    named = found.keys() - {""}
    if len(named) > 1:
        return found
    return {next(iter(named), ""): members}


def _by_visit(headers: Items[FileHeader]) -> list[tuple[date | None, list[FileHeader]]]:
    """Return files by the first day of their visit; ``None`` for images without any date.

    Only MR images tell of visits: what was drawn or written of them is often of another day.
    """
    images = [header for header in headers if header.sop_class_uid in MR_CLASSES]
    firsts: list[date] = []
    for day in sorted({day for header in images if (day := _day(header)) is not None}):
        if not firsts or day - firsts[-1] > _LONGEST_VISIT:
            firsts.append(day)
    if len(firsts) < 2:
        return [(firsts[0] if firsts else None, list(headers))]
    found: dict[date | None, list[FileHeader]] = {first: [] for first in firsts}
    for header in headers:
        day = _day(header)
        if header.sop_class_uid not in MR_CLASSES:
            first = min(firsts, key=lambda one: abs(one - (day or firsts[0])))
            found[first].append(header)
        elif day is None:
            found.setdefault(None, []).append(header)
        else:
            found[max(first for first in firsts if first <= day)].append(header)
    return list(found.items())


def _day(header: FileHeader) -> date | None:
    """Return the day on which an image was measured, as far as its header tells."""
    attributes = header.attributes
    # A reformatted series is of the day it was computed on, and archives give merged studies one
    # date: the more exact element goes first.
    is_derived = attributes.get("ImageType", "").upper().startswith("DERIVED")
    kinds = ("AcquisitionDate", "AcquisitionDateTime", "" if is_derived else "SeriesDate")
    for kind in (*kinds, "StudyDate"):
        day = _parsed(attributes.get(kind, ""))
        if day is not None:
            return day
    return None


def _parsed(stored: str) -> date | None:
    digits = stored.replace(".", "")[:8]
    try:
        day = datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        return None
    return day if len(digits) == 8 and day.year >= _FIRST_YEAR else None
