"""Take a patient's identifiers out of sentences."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.services.opening.study_identity import own_uid

REDACTED = "[removed]"

# Shorter pieces of names and identifiers would blot out ordinary words.
_MIN_NAME_LENGTH = 2
_MIN_IDENTIFIER_LENGTH = 3
# Names of folders and files that tell nothing of a patient but stand in sentences.
_ORDINARY_NAMES = {"brain", "data", "dicom", "image", "images", "mri", "nifti", "sample", "scan"}
_ORDINARY_NAMES |= {"slice", "study"}


# What a name may be of and still be a word of our own sentences: No, An, In, Long, Core ...
_WORD = re.compile(r"[A-Za-z]+")
_SHORT_WORD_LENGTH = 3
# A word of a sentence stands between these; a piece of a path or of a file name does not.
_BEFORE_WORD = re.compile(r"[\s\-(\[“‘]?$")
_AFTER_WORD = re.compile(r"[\s\-,;!?)\]”’]|[.:](\s|$)|$")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces what tells who the patient is; make one with `for_study`.

    A part of a name that could be a word of the sentence is left there: a warning that loses its
    "no" says the contrary.

    Parameters
    ----------
    pattern
        Matches every identifier, and parts of the name in a group ``part``; ``None`` where the
        study has none.
    """

    pattern: re.Pattern[str] | None

    @classmethod
    def for_study(cls, study: Study, *, anonymise: bool = True) -> "Redactor":
        """Collect the identifiers of a study.

        Names (also their parts), patient ID, birth date, accession number, study and series UIDs,
        the folder and file paths and names, the study's name and all its free-text descriptions
        and dates.

        Parameters
        ----------
        anonymise
            False leaves every sentence as it is.
        """
        if not anonymise:
            return cls(None)
        patient = study.patient
        paths = {instance.path for series in study.series for instance in series.instances}
        parts = [p for p in re.split(r"[\^=\s,.\\]+", patient.name) if len(p) >= _MIN_NAME_LENGTH]
        whole = [
            *([] if parts == [patient.name] else [patient.name]),
            patient.patient_id,
            *_date_forms(patient.birth_date),
            *_date_forms(study.date),
            study.accession_number,
            study.study_uid,
            own_uid(study.study_uid),
            study.name,
            study.description,
            str(study.root),
            *_names_in(study.root),
            *(s.series_uid for s in study.series),
            *(s.description for s in study.series if not _is_plain_sequence(s.description)),
            *(str(path) for path in paths),
            *(name for path in paths for name in _names_in(path)),
            *(i.sop_instance_uid for s in study.series for i in s.instances),
        ]
        either = [_any_of(text for text in whole if len(text) >= _MIN_IDENTIFIER_LENGTH)]
        if parts:
            one = _any_of(parts)
            longer = _any_of(part for part in parts if len(part) > _SHORT_WORD_LENGTH)
            # Two parts of a name beside each other are no words, and neither is a longer one
            # written as in the header.
            either += [rf"{one}(?:[\W_]{{1,3}}{one})+", f"(?-i:{longer})", f"(?P<part>{one})"]
        # File names join words by underscores, so that those end a word, too.
        return cls(re.compile(rf"(?<![^\W_])(?:{'|'.join(either)})(?![^\W_])", re.IGNORECASE))

    def redact(self, sentence: str) -> str:
        """Return the sentence with every identifier replaced by ``[removed]``."""
        if self.pattern is None:
            return sentence
        return self.pattern.sub(lambda found: found[0] if _is_word(found) else REDACTED, sentence)


def _names_in(path: Path) -> list[str]:
    """Return a path's own name with and without suffixes, unless it is an ordinary word."""
    stem = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    if stem.lower() in _ORDINARY_NAMES or stem.isdigit() or _is_plain_sequence(stem):
        return []
    return [path.name, stem]


def _is_word(found: re.Match[str]) -> bool:
    """Whether a part of a name stands in a sentence as an ordinary word would.

    Names begin with a capital there, so that a longer one in small letters is none; a short one
    may begin the sentence.
    """
    part = found.groupdict().get("part")
    if part is None or not _WORD.fullmatch(part):
        return False
    if len(part) > _SHORT_WORD_LENGTH and not part.islower():
        return False
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:2]
    return bool(_BEFORE_WORD.match(before) and _AFTER_WORD.match(after))


def _any_of(texts: Iterable[str]) -> str:
    """Return a pattern of texts in which a whole path goes before the name inside it."""
    ordered = sorted(set(texts), key=lambda text: (-len(text), text))
    return f"(?:{'|'.join(re.escape(text) for text in ordered) or '(?!)'})"


def _date_forms(date: str) -> list[str]:
    """Return a date as DICOM and as ISO 8601 write it."""
    digits = re.sub(r"\D", "", date)[:8]
    if len(digits) != 8:
        return [date]
    return [date, digits, f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"]


def _is_plain_sequence(description: str) -> bool:
    """Whether a description names the sequence and nothing else, as sentences need to."""
    return description.strip().upper() in {"T1", "T1C", "T1CE", "T1GD", "T1N", "T2", "T2W", "FLAIR"}
