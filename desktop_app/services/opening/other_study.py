"""A series named by hand from outside the study: whether it is of the same patient, and of when."""

from collections.abc import Iterator
from dataclasses import replace

from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.errors import InputError
from desktop_app.services.opening.same_patient import (
    PatientMatch,
    differ,
    match_patients,
    patient_in_words,
)
from desktop_app.services.opening.study_identity import has_uid

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
    if owner is not None and match_patients(study.patient, owner.patient) is PatientMatch.ANOTHER:
        raise InputError(
            f"What is named for {sequence} is of another patient.",
            f"It is of {patient_in_words(owner.patient)}, "
            f"study {study.name} of {patient_in_words(study.patient)}.",
            "Name a series of the same patient, or correct the headers that are wrong.",
        )
    return replace(series, problems=(*series.problems, *_doubts(owner, study, sequence)))


def _doubts(owner: Study | None, study: Study, sequence: Sequence) -> Iterator[str]:
    """Say what a person has to know; no dates and names, which go into anonymised results, too."""
    if owner is None:
        if not all(one.is_nifti for one in study.series):
            yield _UNKNOWN
        return
    match match_patients(study.patient, owner.patient):
        case PatientMatch.UNKNOWN:
            yield _UNKNOWN
        case PatientMatch.OTHER_NAME:
            yield "Named by hand: the patient's ID is the same, the name is another."
        case PatientMatch.OTHER_BIRTH_DATE:
            yield "Named by hand: the patient's date of birth is another."
        case PatientMatch.OTHER_SEX:
            yield "Named by hand: the patient's sex is another."
        case _:
            pass
    same_day = not differ(owner.date, study.date)
    if has_uid(study, owner.study_uid) and same_day:
        return
    filed = "; DICOM results are filed with that one" if sequence is Sequence.T1C else ""
    day = "" if same_day else ", of another day"
    yield f"Named by hand from another study{day}{filed}."
