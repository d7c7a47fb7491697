"""Tell apart patients and visits whose images bear one study identifier."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from desktop_app.io.dicom.headers import FileHeader
from desktop_app.io.dicom.slices import MR_CLASSES

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
        Of the visit as DICOM writes it; empty where no image has one.
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
    notes = tuple((f"Study identifier {uid}", reason) for reason in told)
    return tuple(
        Examination(
            f"{uid}#{_checksum(patient, day)}" if told else uid,
            tuple(members),
            "" if day is None else _study_date(members, day),
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

    Only MR images tell of visits: what was drawn or written of them is often of another day. Where
    some tell when they were measured, the others join those.
    """
    images = [header for header in headers if header.sop_class_uid in MR_CLASSES]
    days = [_measured(header) for header in images]
    if not any(days):
        days = [_date(header, "StudyDate") for header in images]
    found = _within_a_visit(zip(images, days, strict=True))
    undated = found.pop(None, [])
    dated = {first: members for first, members in found.items() if first is not None}
    alone = []
    for header, first in zip(undated, _visits_of(undated, dated), strict=True):
        if first is None:
            alone.append((header, _date(header, "StudyDate")))
        else:
            found[first].append(header)
    found |= _within_a_visit(alone)
    if len(found) < 2:
        return [(next(iter(found), None), list(headers))]
    known = [first for first in found if first is not None]
    for header in headers:
        if header.sop_class_uid not in MR_CLASSES:
            own = _measured(header) or _date(header, "StudyDate") or known[0]
            found[min(known, key=lambda one: abs(one - own))].append(header)
    return sorted(found.items(), key=lambda visit: (visit[0] is None, visit[0] or date.min))


def _within_a_visit(
    dated: Iterable[tuple[FileHeader, date | None]],
) -> dict[date | None, list[FileHeader]]:
    """Return files by the first of the days that lie within a visit's length."""
    by_day: dict[date | None, list[FileHeader]] = defaultdict(list)
    for header, day in dated:
        by_day[day].append(header)
    found: dict[date | None, list[FileHeader]] = {}
    first = None
    for day in sorted(day for day in by_day if day is not None):
        if first is None or day - first > _LONGEST_VISIT:
            first = day
        found.setdefault(first, []).extend(by_day[day])
    if None in by_day:
        found[None] = by_day[None]
    return found


def _visits_of(
    undated: Iterable[FileHeader], visits: Mapping[date, Items[FileHeader]]
) -> list[date | None]:
    """Return for images that do not tell when they were measured which visit they are of.

    That of their series, else of their other dates, else of the images with their study's date,
    else the only one. An anonymiser may replace the date of the study and leave that of the
    acquisition, so a study's date keeps an image apart only from another date of a study.
    """
    of_series = {one.series_uid: first for first in visits for one in visits[first]}
    of_study_date: dict[date | None, set[date]] = defaultdict(set)
    for first, members in visits.items():
        for one in members:
            of_study_date[_date(one, "StudyDate")].add(first)

    def visit_of(header: FileHeader) -> date | None:
        if header.series_uid and header.series_uid in of_series:
            return of_series[header.series_uid]
        said = _date(header, "StudyDate")
        for day in (_date(header, "SeriesDate"), said):
            for first in visits:
                if day is not None and abs(first - day) <= _LONGEST_VISIT:
                    return first
        fitting = set(visits)
        if said is not None and None not in of_study_date:
            fitting = of_study_date.get(said, set())
        return next(iter(fitting)) if len(fitting) == 1 else None

    return [visit_of(header) for header in undated]


def _measured(header: FileHeader) -> date | None:
    """Return the day on which an image was measured, as far as its header tells."""
    # A reformatted series is of the day it was computed on.
    is_derived = header.attributes.get("ImageType", "").upper().startswith("DERIVED")
    kinds = ("AcquisitionDate", "AcquisitionDateTime", *(() if is_derived else ("SeriesDate",)))
    days = (_date(header, kind) for kind in kinds)
    return next((day for day in days if day is not None), None)


def _date(header: FileHeader, kind: str) -> date | None:
    return _parsed(header.attributes.get(kind, ""))


def _parsed(stored: str) -> date | None:
    digits = stored.replace(".", "")[:8]
    try:
        day = datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        return None
    return day if len(digits) == 8 and day.year >= _FIRST_YEAR else None
