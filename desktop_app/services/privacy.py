"""Take a patient's identifiers out of sentences."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.services.study_identity import own_uid

REDACTED = "[removed]"

# Shorter pieces of names and identifiers would blot out ordinary words.
_MIN_NAME_LENGTH = 2
_MIN_IDENTIFIER_LENGTH = 3
# Names of folders and files that tell nothing of a patient but stand in sentences.
_ORDINARY_NAMES = {"brain", "data", "dicom", "image", "images", "mri", "nifti", "sample", "scan"}
_ORDINARY_NAMES |= {"slice", "study"}


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces what tells who the patient is; make one with `for_study`.

    Parameters
    ----------
    pattern
        Matches every identifier; ``None`` where the study has none.
    """

    pattern: re.Pattern[str] | None

    @classmethod
    def for_study(cls, study: Study, *, anonymise: bool = True) -> "Redactor":
        """Collect the identifiers of a study.

        Names (also their parts), patient ID, birth date, study and series UIDs, the folder and
        file paths and names, the study's name and all its free-text descriptions and dates.

        Parameters
        ----------
        anonymise
            False leaves every sentence as it is.
        """
        if not anonymise:
            return cls(None)
        patient = study.patient
        paths = {instance.path for series in study.series for instance in series.instances}
        whole = [
            patient.name,
            patient.patient_id,
            *_date_forms(patient.birth_date),
            *_date_forms(study.date),
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
        parts = [p for p in re.split(r"[\^=\s,.\\]+", patient.name) if p]
        texts = _longest_first(
            [t for t in whole if len(t) >= _MIN_IDENTIFIER_LENGTH]
            + [p for p in parts if len(p) >= _MIN_NAME_LENGTH]
        )
        if not texts:
            return cls(None)
        either = "|".join(re.escape(text) for text in texts)
        # File names join words by underscores, so that those end a word, too.
        return cls(re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])", re.IGNORECASE))

    def redact(self, sentence: str) -> str:
        """Return the sentence with every identifier replaced by ``[removed]``."""
        return sentence if self.pattern is None else self.pattern.sub(REDACTED, sentence)


def _names_in(path: Path) -> list[str]:
    """Return a path's own name with and without suffixes, unless it is an ordinary word."""
    stem = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    if stem.lower() in _ORDINARY_NAMES or stem.isdigit() or _is_plain_sequence(stem):
        return []
    return [path.name, stem]


def _longest_first(texts: Iterable[str]) -> list[str]:
    """Order so that a whole path goes before the name inside it."""
    return sorted(set(texts), key=lambda text: (-len(text), text))


def _date_forms(date: str) -> list[str]:
    """Return a date as DICOM and as ISO 8601 write it."""
    digits = re.sub(r"\D", "", date)[:8]
    if len(digits) != 8:
        return [date]
    return [date, digits, f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"]


def _is_plain_sequence(description: str) -> bool:
    """Whether a description names the sequence and nothing else, as sentences need to."""
    return description.strip().upper() in {"T1", "T1C", "T1CE", "T1GD", "T1N", "T2", "T2W", "FLAIR"}
