"""The name of a study's folder of results: its own, or one that tells nobody whose it is."""

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import Any

from desktop_app.domain.study import Study
from desktop_app.io.atomic import atomic_path
from desktop_app.io.naming import unique_name
from desktop_app.services.export import FILE_NAMES, ExportFormat
from desktop_app.services.kept_results import LABEL_FILES
from desktop_app.services.run_log import read_mark
from desktop_app.services.study_identity import has_uid, identity, is_mark_of

STATE_FOLDER = ".gliascope"
KEY_FILE = "pseudonym.key"

_ANONYMOUS = "ANON-"
_KEY_BYTES = 16
# 48 bits: two studies of ten thousand share a name once in five million folders of results.
_PSEUDONYM_BYTES = 6


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
        ``ANON-`` and a keyed checksum of the study's UID, the same at every run into `output`.
        The key lies in ``output/.gliascope`` and is made at first use. Otherwise the study's
        name, numbered where that folder holds the results of another study, or labels of nobody
        knows which.
    taken
        Names that other studies have.

    Raises
    ------
    OutputError
        If the key cannot be written.
    """
    if anonymise:
        return _pseudonym(study, _key(output))
    seen = {name.casefold() for name in taken}
    while True:
        name = unique_name(study.name, seen)
        if not _is_taken(output / name, study):
            return name


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
    return folder.name.startswith(_ANONYMOUS)


def owner(folder: Path, study: Study) -> Owner:
    """Say whether the results in a folder are of a study, by whatever tells it.

    Measurements, `run.log` and the records of a batch do; anonymised results are told by the name
    of their folder, where the key to it is beside them.
    """
    uid = _said_in(folder / FILE_NAMES[ExportFormat.JSON], "study", "study_uid")
    if uid:
        return _owned(has_uid(study, uid))
    mark = read_mark(folder)
    if mark:
        return _owned(is_mark_of(mark, study))
    if is_anonymised(folder):
        key = _read_key(folder.parent)
        return Owner.UNKNOWN if key is None else _owned(folder.name == _pseudonym(study, key))
    uid = _said_in(folder.parent / STATE_FOLDER / f"{folder.name}.json", "study_uid")
    return _owned(has_uid(study, uid)) if uid else Owner.UNKNOWN


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


def _pseudonym(study: Study, key: bytes) -> str:
    digest = hashlib.blake2b(
        identity(study).encode("utf-8", "surrogatepass"), key=key, digest_size=_PSEUDONYM_BYTES
    )
    return f"{_ANONYMOUS}{digest.hexdigest().upper()}"


def _key(output: Path) -> bytes:
    key = _read_key(output)
    if key is None:
        key = secrets.token_bytes(_KEY_BYTES)
        with atomic_path(output / STATE_FOLDER / KEY_FILE) as temporary:
            temporary.write_text(key.hex(), "ascii")
    return key


def _read_key(output: Path) -> bytes | None:
    file = output / STATE_FOLDER / KEY_FILE
    if not file.is_file():
        return None
    try:
        key = bytes.fromhex(file.read_text("ascii"))
    except ValueError:
        return None
    return key if len(key) == _KEY_BYTES else None


def _said_in(file: Path, *where: str) -> str:
    """Return what a JSON file says in one place; empty where it does not."""
    try:
        said: Any = json.loads(file.read_text("utf-8"))
        for name in where:
            said = said[name]
        return str(said or "")
    except (OSError, ValueError, KeyError, TypeError):
        return ""
