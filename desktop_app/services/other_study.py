"""A series named by hand from outside the study: whether it is of the same patient, and of when."""

from collections.abc import Iterator
from dataclasses import replace

from desktop_app.domain.readable import readable_name
from desktop_app.domain.study import PatientSummary, Sequence, Series, Study
from desktop_app.errors import InputError
from desktop_app.services.study_identity import has_uid

_UNKNOWN = "Named by hand, and nothing tells whether it is of this patient."


def from_outside(series: Series, owner: Study | None, study: Study, sequence: Sequence) -> Series:
    """Return a series to use in another study, with what has to be said of it as its problems.

    Parameters
    ----------
    owner
        The study that the series is of; ``None`` where nothing tells, as of a NIfTI file.
    study
        The study in which it is to serve as `sequence`.

    Raises
    ------
    InputError
        If it is of another patient.
    """
    if owner is not None and _is_another(owner.patient, study.patient):
        raise InputError(
            f"What is named for {sequence} is of another patient.",
            f"It is of {_who(owner.patient)}, study {study.name} of {_who(study.patient)}.",
            "Name a series of the same patient, or correct the headers that are wrong.",
        )
    return replace(series, problems=(*series.problems, *_doubts(owner, study, sequence)))


def _doubts(owner: Study | None, study: Study, sequence: Sequence) -> Iterator[str]:
    """Say what a person has to know; no dates and names, which go into anonymised results, too."""
    if owner is None:
        if not all(one.is_nifti for one in study.series):
            yield _UNKNOWN
        return
    here, there = study.patient, owner.patient
    if not (_same_id(here, there) or _same_name(here, there)):
        yield _UNKNOWN
    elif _differ(_letters(here.name), _letters(there.name)):
        yield "Named by hand: the patient's ID is the same, the name is another."
    elif _differ(here.birth_date, there.birth_date):
        yield "Named by hand: the patient's date of birth is another."
    same_day = not _differ(owner.date, study.date)
    if has_uid(study, owner.study_uid) and same_day:
        return
    filed = "; DICOM results are filed with that one" if sequence is Sequence.T1C else ""
    day = "" if same_day else ", of another day"
    yield f"Named by hand from another study{day}{filed}."


def _is_another(one: PatientSummary, other: PatientSummary) -> bool:
    if one.patient_id and other.patient_id:
        # One ID in two hospitals; a name alone changes by marriage.
        namesakes = _differ(_letters(one.name), _letters(other.name))
        return not _same_id(one, other) or (namesakes and _differ(one.birth_date, other.birth_date))
    return _differ(_letters(one.name), _letters(other.name))


def _same_id(one: PatientSummary, other: PatientSummary) -> bool:
    here, there = ("".join(p.patient_id.split()).casefold() for p in (one, other))
    return bool(here) and here == there


def _same_name(one: PatientSummary, other: PatientSummary) -> bool:
    return bool(_letters(one.name)) and _letters(one.name) == _letters(other.name)


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one != other


def _letters(name: str) -> str:
    """Return a name without what systems write differently: case, carets, spaces, commas."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _who(patient: PatientSummary) -> str:
    name = readable_name(patient.name) or "a patient without a name"
    return f"{name} (ID {patient.patient_id or 'not given'})"
