"""Whose images a result was made from and of which study, as its own files say it."""

import re
from datetime import timedelta, timezone

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.valuerep import validate_value

from desktop_app.domain.pseudonyms import Pseudonyms
from desktop_app.io.dicom_elements import lenient_pydicom, text

# Attributes of the patient and the study, type 1 and 2 of PS3.3 C.7.1.1 and C.7.2.1, that a
# result takes over from its source, so that an archive files it with the study.
IDENTITY_KEYWORDS = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
    # Every time of an object is of one zone (PS3.3 C.12.1), also that of the study.
    "TimezoneOffsetFromUTC",
)
_TIMEZONE = re.compile(r"([+-])(0\d|1[0-4])([0-5]\d)")
_REQUIRED_IDENTITY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)


def identity_of(header: Dataset, study_uid: str, pseudonyms: Pseudonyms | None) -> Dataset:
    """Return what a result says of patient and study, as far as the standard allows the values.

    Parameters
    ----------
    study_uid
        As it is to be written.
    pseudonyms
        What stands for them where they are not to be told.
    """
    identity = Dataset()
    if pseudonyms is not None:
        # Basic profile of PS3.15 E.1: a dummy where archives need a value, else empty.
        identity.PatientName = "Anonymous^"
        identity.PatientID = pseudonyms.patient_id
        identity.PatientIdentityRemoved = "YES"
        identity.DeidentificationMethod = (
            "Gliascope: identity, dates, descriptions and UIDs replaced"
        )
        identity.LongitudinalTemporalInformationModified = "REMOVED"
    else:
        with lenient_pydicom():
            for keyword in IDENTITY_KEYWORDS:
                value = text(header, keyword)
                if value and _is_valid(header, keyword, value):
                    setattr(identity, keyword, value)
    identity.StudyInstanceUID = study_uid
    for keyword in _REQUIRED_IDENTITY:
        if keyword not in identity:
            setattr(identity, keyword, "")
    return identity


def _is_valid(header: Dataset, keyword: str, value: str) -> bool:
    """Whether a value may be written again: scanners write odd dates, ages and codes."""
    if keyword == "PatientSex":
        return value in {"M", "F", "O"}
    if keyword == "TimezoneOffsetFromUTC":
        return _TIMEZONE.fullmatch(value) is not None
    try:
        validate_value(header[keyword].VR, value, validation_mode=config.RAISE)
    except (ValueError, TypeError):
        return False
    return True


def timezone_of(identity: Dataset) -> timezone | None:
    """Return the zone of the study's times; ``None`` where the scanner does not say."""
    match = _TIMEZONE.fullmatch(text(identity, "TimezoneOffsetFromUTC"))
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)
