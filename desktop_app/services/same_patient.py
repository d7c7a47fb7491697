"""Whether two studies are of one patient, as far as headers tell."""

from enum import Enum, auto

from desktop_app.domain.readable import readable_name
from desktop_app.domain.study import PatientSummary


class PatientMatch(Enum):
    """What headers say of the patients of two studies."""

    SAME = auto()
    OTHER_NAME = auto()
    """The same ID under another name, as after a marriage."""
    OTHER_BIRTH_DATE = auto()
    UNKNOWN = auto()
    """Nothing that one study says can be compared with what the other says."""
    ANOTHER = auto()


def match_patients(one: PatientSummary, other: PatientSummary) -> PatientMatch:
    """Say whether two patients are one, by ID, else by name."""
    if _is_another(one, other):
        return PatientMatch.ANOTHER
    if not (_same_id(one, other) or _same_name(one, other)):
        return PatientMatch.UNKNOWN
    if _differ(_letters(one.name), _letters(other.name)):
        return PatientMatch.OTHER_NAME
    if _differ(one.birth_date, other.birth_date):
        return PatientMatch.OTHER_BIRTH_DATE
    return PatientMatch.SAME


def patient_in_words(patient: PatientSummary) -> str:
    """Name a patient in a message: ``Doe, Jane (ID 4711)``."""
    name = readable_name(patient.name) or "a patient without a name"
    return f"{name} (ID {patient.patient_id or 'not given'})"


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
