"""Whose images a result was made from and of which study, as its own files say it."""

import re
from datetime import timedelta, timezone

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.valuerep import validate_value

from desktop_app.domain.pseudonyms import Pseudonyms
from desktop_app.io.dicom.elements import lenient_pydicom, text

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
# By these an archive files a result: whatever they hold, it holds for the images there, too.
_FILED_BY = {
    "PatientName": "patient's name",
    "PatientID": "patient ID",
    "IssuerOfPatientID": "issuer of the patient ID",
    "AccessionNumber": "accession number",
    "StudyID": "study ID",
}
# How the source itself was de-identified (PS3.3 C.7.1.1), with the values that are allowed.
_DEIDENTIFICATION = {
    "PatientIdentityRemoved": {"YES", "NO"},
    "LongitudinalTemporalInformationModified": {"UNMODIFIED", "MODIFIED", "REMOVED"},
}
_DEIDENTIFICATION_CODES = "DeidentificationMethodCodeSequence"
_CODE_KEYWORDS = ("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning")
# What `identity_of` reads of a header.
SOURCE_KEYWORDS = (
    *IDENTITY_KEYWORDS,
    *_DEIDENTIFICATION,
    "DeidentificationMethod",
    _DEIDENTIFICATION_CODES,
)
# What pydicom puts in place of bytes that the character set does not have.
_UNREADABLE_LETTER = "\ufffd"
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
    """Return what a result says of patient and study.

    What an archive files it by is that of the images, letter by letter; of the rest, what the
    standard allows.

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
                value = _in_todays_form(keyword, text(header, keyword))
                if value and (keyword in _FILED_BY or _is_valid(header, keyword, value)):
                    setattr(identity, keyword, value)
            _take_over_deidentification(header, identity)
    identity.StudyInstanceUID = study_uid
    for keyword in _REQUIRED_IDENTITY:
        if keyword not in identity:
            setattr(identity, keyword, "")
    return identity


def not_allowed(header: Dataset) -> tuple[str, ...]:
    """Return what of a header archives file results by, and the standard does not allow, by name.

    Mostly it is too long, or has letters that its character set cannot hold; such values are
    written all the same.
    """
    with lenient_pydicom():
        return tuple(
            name
            for keyword, name in _FILED_BY.items()
            if (value := text(header, keyword))
            and (_UNREADABLE_LETTER in value or not _is_valid(header, keyword, value))
        )


def _take_over_deidentification(header: Dataset, identity: Dataset) -> None:
    for keyword, allowed in _DEIDENTIFICATION.items():
        if (value := text(header, keyword)) in allowed:
            setattr(identity, keyword, value)
    if method := text(header, "DeidentificationMethod"):
        identity.DeidentificationMethod = method
    codes = []
    # Anew, since their text is of the source's character set.
    for item in header.get(_DEIDENTIFICATION_CODES) or ():
        code = Dataset()
        for keyword in _CODE_KEYWORDS:
            if value := text(item, keyword):
                setattr(code, keyword, value)
        codes.append(code)
    if codes:
        setattr(identity, _DEIDENTIFICATION_CODES, codes)


def _in_todays_form(keyword: str, value: str) -> str:
    """Return a value as it is written today; before DICOM it was 2024.01.05 and 10:11:12."""
    if keyword.endswith("Time"):
        return re.sub(r"^(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?$", r"\1\2\3", value)
    if keyword.endswith("Date"):
        return re.sub(r"^(\d{4})[.-](\d\d)[.-](\d\d)$", r"\1\2\3", value)
    return value.upper() if keyword == "PatientSex" else value


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
