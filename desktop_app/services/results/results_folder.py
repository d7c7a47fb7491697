"""The name of a study's folder of results: its own, or one that tells nobody whose it is."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import Any

from desktop_app.domain.pseudonyms import KEY_BYTES, PREFIX, Pseudonyms, new_key
from desktop_app.domain.study import Study
from desktop_app.errors import OutputError
from desktop_app.io.atomic import atomic_path
from desktop_app.io.naming import unique_name
from desktop_app.services.export.formats import FILE_NAMES, ExportFormat
from desktop_app.services.export.run_log import read_mark
from desktop_app.services.opening.study_identity import (
    has_uid,
    identity,
    is_mark_of,
    patient_identity,
)
from desktop_app.services.results.label_files import LABEL_FILES

STATE_FOLDER = ".gliascope"
KEY_FILE = "pseudonym.key"


class Owner(Enum):
    """Whose results a folder holds."""

    THIS_STUDY = auto()
    ANOTHER = auto()
    UNKNOWN = auto()


def results_name(
    output: Path, study: Study, *, anonymise: bool = False, taken: Iterable[str] = ()
) -> str:
    """Return the name of the folder in `output` that a study's results belong in.

    Parameters
    ----------
    anonymise
        The name that `pseudonyms` gives, the same at every run into `output`; otherwise the
        study's. Either is numbered where that folder holds the results of another study, or
        labels of nobody knows which.
    taken
        Names that other studies have.

    Raises
    ------
    OutputError
        If the key cannot be written.
    """
    own = pseudonyms(output, study).folder_name if anonymise else study.name
    seen = {name.casefold() for name in taken}
    while True:
        name = unique_name(own, seen)
        if not _is_taken(output / name, study):
            return name


def pseudonyms(output: Path, study: Study) -> Pseudonyms:
    """Return what stands for a study's identifiers in anonymised results in `output`.

    The key to them lies in ``output/.gliascope`` and is made at first use.

    Raises
    ------
    OutputError
        If the key cannot be written, or there is one that cannot be used: with another one the same
        studies would have other names from now on.
    """
    key = _read_key(output)
    if key is None:
        key = new_key()
        with atomic_path(output / STATE_FOLDER / KEY_FILE) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text(key.hex(), "ascii")
    return _pseudonyms(study, key)


def named_after_results(
    output: Path, studies: Iterable[Study], *, anonymise: bool = False
) -> tuple[Study, ...]:
    """Return the studies of a scan under the names of their folders of results.

    Raises
    ------
    OutputError
        If the key of anonymised names cannot be written.
    """
    found = tuple(studies)
    taken = {study.name for study in found}
    named: list[Study] = []
    for study in found:
        name = results_name(output, study, anonymise=anonymise, taken=taken - {study.name})
        taken.add(name)
        named.append(study if name == study.name else replace(study, name=name))
    return tuple(named)


def is_anonymised(folder: Path) -> bool:
    """Whether a folder of results bears a name that tells nobody whose they are."""
    return folder.name.startswith(PREFIX)


def owner(folder: Path, study: Study) -> Owner:
    """Say whether the results in a folder are of a study, by whatever tells it.

    Measurements, `run.log` and the records of a batch do; anonymised results are told by the name
    of their folder, where the key to it is beside them.
    """
    said = _document(folder / FILE_NAMES[ExportFormat.JSON]).get("study")
    uid, patient_id, date = (
        _text(said, what) for what in ("study_uid", "patient_id", "study_date")
    )
    if uid and not has_uid(study, uid, patient_id=patient_id, date=date):
        return Owner.ANOTHER
    mark = read_mark(folder)
    if mark or uid:
        return _owned(not mark or is_mark_of(mark, study))
    if is_anonymised(folder):
        try:
            key = _read_key(folder.parent)
        except OutputError:
            key = None
        return Owner.UNKNOWN if key is None else _owned(_is_named_after(folder, study, key))
    state = _document(folder.parent / STATE_FOLDER / f"{folder.name}.json")
    uid, date = (_text(state, what) for what in ("study_uid", "study_date"))
    return _owned(has_uid(study, uid, date=date)) if uid else Owner.UNKNOWN


def _owned(is_so: bool) -> Owner:
    return Owner.THIS_STUDY if is_so else Owner.ANOTHER


def _is_taken(folder: Path, study: Study) -> bool:
    whose = owner(folder, study)
    return whose is Owner.ANOTHER or (whose is Owner.UNKNOWN and _has_labels(folder))


def _has_labels(folder: Path) -> bool:
    try:
        return not LABEL_FILES.isdisjoint(file.name for file in folder.iterdir())
    except OSError:
        return False  # not there, or not to be read: then nothing is written either


def _pseudonyms(study: Study, key: bytes) -> Pseudonyms:
    return Pseudonyms(key, patient_identity(study), identity(study))


def _is_named_after(folder: Path, study: Study, key: bytes) -> bool:
    own = re.escape(_pseudonyms(study, key).folder_name)
    return re.fullmatch(rf"{own}(_\d+)?", folder.name) is not None


def _read_key(output: Path) -> bytes | None:
    """Return the key to the anonymised names in a folder; ``None`` where there is none yet."""
    file = output / STATE_FOLDER / KEY_FILE
    try:
        key = bytes.fromhex(file.read_text("ascii"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unusable(file, error.strerror or "cannot be read") from error
    except ValueError as error:
        raise _unusable(file, "damaged") from error
    if len(key) != KEY_BYTES:
        raise _unusable(file, "damaged")
    return key


def _unusable(key_file: Path, why: str) -> OutputError:
    return OutputError(
        "The key to the anonymised names in this folder cannot be used.",
        f"{key_file}: {why}",
        "Restore the file from a copy, or export to a new folder, where names start anew.",
    )


def _document(file: Path) -> dict[str, Any]:
    """Return what a JSON file says; nothing where there is none, or it says it in another way."""
    try:
        document: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _text(said: Any, what: str) -> str:
    return str(said.get(what) or "") if isinstance(said, dict) else ""
