"""What the user chose for a scanner's series before, and choosing it again.

Kept are the scanner's make and model, and the series' description and protocol in lower case;
nothing of a patient, and no description that holds a word of the patient's name or number.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from desktop_app.domain.study import RoleProposal, Sequence, Series, Study
from desktop_app.io.atomic import atomic_path
from desktop_app.io.sequences.text import normalised
from desktop_app.paths import user_data_dir

SCHEMA = "gliascope/series-choices/1"
# As sure as a header: the pixels may still contradict it, in words.
REMEMBERED_CONFIDENCE = 0.95
_FILE = "series_choices.json"
_MIN_WORD = 3
_MAX_ENTRIES = 1_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SeriesKind:
    """How a scanner describes one of its series, without anything of a patient."""

    scanner: str
    description: str
    protocol: str


@dataclass(frozen=True, slots=True)
class RememberedChoice:
    """The sequence a user chose series of this kind for."""

    kind: SeriesKind
    sequence: Sequence


def kind_of(series: Series) -> SeriesKind | None:
    """Return the kind of a series; ``None`` where its header does not describe it."""
    if series.is_nifti:
        return None
    attributes = series.attributes
    make = (attributes.get("Manufacturer", ""), attributes.get("ManufacturerModelName", ""))
    kind = SeriesKind(
        scanner=normalised(" ".join(make)),
        description=normalised(series.description),
        protocol=normalised(attributes.get("ProtocolName", "")),
    )
    return kind if kind.description else None


class SeriesMemory:
    """The choices kept in one file of the user's data folder."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def choices(self) -> tuple[RememberedChoice, ...]:
        """Return what is remembered, oldest first; nothing where the file is missing or damaged."""
        try:
            document: Any = json.loads(self._file.read_text("utf-8"))
            return tuple(
                RememberedChoice(SeriesKind(**entry["kind"]), Sequence(entry["sequence"]))
                for entry in document["choices"]
            )
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            _log.info("Remembered choices in %s are not readable: %s", self._file.name, error)
            return ()

    def remember(self, study: Study, chosen: Mapping[Sequence, Series]) -> None:
        """Keep which series of a study the user chose for which sequence.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        known = {choice.kind: choice for choice in self.choices()}
        before = dict(known)
        for sequence, series in chosen.items():
            kind = kind_of(series)
            if kind is not None and not _names_patient(kind, study):
                known.pop(kind, None)
                known[kind] = RememberedChoice(kind, sequence)
        if known != before:
            self._write(tuple(known.values())[-_MAX_ENTRIES:])

    def apply(self, study: Study) -> Study:
        """Return the study with what was chosen before proposed again.

        Of several series of one kind the one already proposed is taken, else the latest.
        """
        remembered = {choice.kind: choice.sequence for choice in self.choices()}
        if not remembered:
            return study
        matching: dict[Sequence, list[Series]] = {}
        for series in study.series:
            kind = kind_of(series)
            if series.usable and kind in remembered:
                matching.setdefault(remembered[kind], []).append(series)
        recalled = {s: _preferred(study, s, found) for s, found in matching.items()}
        taken = {series.series_uid for series in recalled.values()}
        roles = {s: role for s, role in study.roles.items() if role.series_uid not in taken}
        roles |= {
            sequence: RoleProposal(
                series.series_uid,
                REMEMBERED_CONFIDENCE,
                f"As you chose before for this scanner's “{series.description}”.",
            )
            for sequence, series in recalled.items()
        }
        return replace(study, roles={s: roles[s] for s in Sequence if s in roles})

    def forget(self) -> int:
        """Forget everything; return how many choices that were.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        count = len(self.choices())
        if self._file.exists():
            self._write(())
        return count

    def _write(self, choices: tuple[RememberedChoice, ...]) -> None:
        document = {
            "schema": SCHEMA,
            "choices": [
                {"kind": asdict(choice.kind), "sequence": choice.sequence.value}
                for choice in choices
            ],
        }
        with atomic_path(self._file) as temporary:
            temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False), "utf-8")


def user_series_memory() -> SeriesMemory:
    """Return what this user chose before."""
    return SeriesMemory(user_data_dir() / _FILE)


def _preferred(study: Study, sequence: Sequence, found: list[Series]) -> Series:
    proposed = study.roles.get(sequence)
    return max(
        found,
        key=lambda one: (
            proposed is not None and one.series_uid == proposed.series_uid,
            one.acquired,
            one.number,
        ),
    )


def _names_patient(kind: SeriesKind, study: Study) -> bool:
    patient = study.patient
    private = f"{patient.name} {patient.patient_id} {patient.birth_date}".lower()
    words = {word for word in re.split(r"[\W_]+", private) if len(word) >= _MIN_WORD}
    described = f"{kind.description} {kind.protocol}"
    return any(word in described for word in words)
