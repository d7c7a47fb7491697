"""Whether two studies are of one patient: what anonymising leaves behind says nothing."""

import pytest

from desktop_app.domain.study import PatientSummary
from desktop_app.services.opening.same_patient import PatientMatch, match_patients

JO = PatientSummary("4711", "Meier^Jo", "19700101", "F")


@pytest.mark.parametrize(
    "nobody",
    [
        PatientSummary(name="Anonymous^"),
        PatientSummary(name="Patient^Anonymous"),
        PatientSummary("ANON"),
        PatientSummary("0", "Anonymized"),
        PatientSummary("000 000", "NO NAME"),
        PatientSummary("XXX", "X^X"),
        PatientSummary("De-identified", "unknown"),
        PatientSummary(".", "-"),
    ],
)
def test_what_stands_for_everybody_tells_of_nobody(nobody: PatientSummary) -> None:
    assert match_patients(nobody, nobody) is PatientMatch.UNKNOWN
    assert match_patients(nobody, JO) is PatientMatch.UNKNOWN
    assert match_patients(JO, nobody) is PatientMatch.UNKNOWN


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (PatientSummary("47 11", "MEIER, JO"), PatientMatch.SAME),
        (PatientSummary("4711", "Anonymous"), PatientMatch.SAME),
        (PatientSummary("0", "Meier Jo"), PatientMatch.SAME),
        (PatientSummary("4711", "Anon^Sub-017"), PatientMatch.OTHER_NAME),
        (PatientSummary("4711", "Meier^Jo", "19700102"), PatientMatch.OTHER_BIRTH_DATE),
        (PatientSummary("4711", "Meier^Jo", "19700101", "M"), PatientMatch.OTHER_SEX),
        (PatientSummary("4711", "Meier^Jo", "19700101", "O"), PatientMatch.SAME),
        (PatientSummary("4712", "Meier^Jo"), PatientMatch.ANOTHER),
        (PatientSummary("4711", "Huber^Al", "19700102"), PatientMatch.ANOTHER),
        (PatientSummary("ANON", "Huber^Al"), PatientMatch.ANOTHER),
        (PatientSummary("100", "Xu^Xi"), PatientMatch.ANOTHER),
    ],
)
def test_ids_decide_and_else_names(other: PatientSummary, match: PatientMatch) -> None:
    assert match_patients(JO, other) is match
    assert match_patients(other, JO) is match


def test_pseudonyms_are_told_apart() -> None:
    one, other = PatientSummary("ANON-001"), PatientSummary("ANON-002")
    assert match_patients(one, other) is PatientMatch.ANOTHER
    assert match_patients(one, one) is PatientMatch.SAME
