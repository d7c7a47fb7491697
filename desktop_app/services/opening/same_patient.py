"""Whether two studies are of one patient, as far as headers tell."""

import re
from enum import Enum, auto

from desktop_app.domain.readable import readable_name
from desktop_app.domain.study import PatientSummary

# What anonymising leaves in place of a name or an ID: the same for everybody.
_NOBODY = frozenset(
    (
        "anon",
        "anonym",
        "anonymous",
        "anonymized",
        "anonymised",
        "deidentified",
        "noname",
        "none",
        "patient",
        "removed",
        "subject",
        "unknown",
        "unnamed",
    )
)
_WORDS = re.compile(r"[^\W_]+")
_SEXES = frozenset("FM")


class PatientMatch(Enum):
    """What headers say of the patients of two studies."""

    SAME = auto()
    OTHER_NAME = auto()
    """The same ID under another name, as after a marriage."""
    OTHER_BIRTH_DATE = auto()
    OTHER_SEX = auto()
    UNKNOWN = auto()
    """Nothing that one study says can be compared with what the other says."""
    ANOTHER = auto()


def match_patients(one: PatientSummary, other: PatientSummary) -> PatientMatch:
    """Say whether two patients are one, by ID, else by name.

    What stands for a name or an ID in anonymised studies (``Anonymous^``, ``000``) tells nothing.
    """
    if _is_another(one, other):
        return PatientMatch.ANOTHER
    if not (_same_id(one, other) or _same_name(one, other)):
        return PatientMatch.UNKNOWN
    if differ(_name(one), _name(other)):
        return PatientMatch.OTHER_NAME
    if differ(one.birth_date, other.birth_date):
        return PatientMatch.OTHER_BIRTH_DATE
    if {one.sex, other.sex} == _SEXES:
        return PatientMatch.OTHER_SEX
    return PatientMatch.SAME


def patient_in_words(patient: PatientSummary) -> str:
    """Name a patient in a message: ``Doe, Jane (ID 4711)``."""
    name = readable_name(patient.name) or "a patient without a name"
    return f"{name} (ID {patient.patient_id or 'not given'})"


def _is_another(one: PatientSummary, other: PatientSummary) -> bool:
    if _id(one) and _id(other):
        # One ID in two hospitals; a name alone changes by marriage.
        other_name = differ(_name(one), _name(other))
        other_born = differ(one.birth_date, other.birth_date)
        return not _same_id(one, other) or (other_name and other_born)
    return differ(_name(one), _name(other))


def _same_id(one: PatientSummary, other: PatientSummary) -> bool:
    return bool(_id(one)) and _id(one) == _id(other)


def _same_name(one: PatientSummary, other: PatientSummary) -> bool:
    return bool(_name(one)) and _name(one) == _name(other)


def differ(one: str, other: str) -> bool:
    """Whether two texts are there and not the same."""
    return bool(one and other) and one != other


def _id(patient: PatientSummary) -> str:
    given = "".join(patient.patient_id.split()).casefold()
    return "" if _is_placeholder(given) else given


def _name(patient: PatientSummary) -> str:
    """Return a name without what systems write differently: case, carets, spaces, commas."""
    given = patient.name.casefold()
    return "" if _is_placeholder(given) else _letters(given)


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def _is_placeholder(text: str) -> bool:
    """Whether this names nobody: ``patient^anonymous``, ``de-identified``, ``0000``, ``xxx``."""
    letters = _letters(text)
    words = _WORDS.findall(text)
    return letters in _NOBODY or _NOBODY.issuperset(words) or set(letters) in ({"0"}, {"x"})
