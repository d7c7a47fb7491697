"""The name of a study's folder of results: its own, or one that tells nobody whose it is."""

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.io.atomic import atomic_path
from desktop_app.io.naming import unique_name
from desktop_app.services.export import FILE_NAMES, ExportFormat

STATE_FOLDER = ".gliascope"
KEY_FILE = "pseudonym.key"

# What a scan puts before the folder of DICOM files that bear no study UID.
_NO_UID = "folder "
_ANONYMOUS = "ANON-"
_KEY_BYTES = 16
# 48 bits: two studies of ten thousand share a name once in five million folders of results.
_PSEUDONYM_BYTES = 6


def results_name(
    output: Path, study: Study, *, anonymise: bool = False, taken: Iterable[str] = ()
) -> str:
    """Return the name of the folder in `output` that a study's results belong in.

    Parameters
    ----------
    anonymise
        ``ANON-`` and a keyed checksum of the study's UID, the same at every run into `output`.
        The key lies in ``output/.gliascope`` and is made at first use. Otherwise the study's
        name, numbered where that folder holds the results of another study.
    taken
        Names that other studies have.

    Raises
    ------
    OutputError
        If the key cannot be written.
    """
    if anonymise:
        digest = hashlib.blake2b(
            _identity(study).encode(), key=_key(output), digest_size=_PSEUDONYM_BYTES
        )
        return f"{_ANONYMOUS}{digest.hexdigest().upper()}"
    seen = {name.casefold() for name in taken}
    while True:
        name = unique_name(study.name, seen)
        if not holds_another(output / name, study):
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


def holds(folder: Path, study: Study) -> bool:
    """Whether the folder's measurements name this study."""
    uid = _uid_in(folder)
    return bool(uid) and _however_typed(uid) == _however_typed(study.study_uid)


def holds_another(folder: Path, study: Study) -> bool:
    """Whether the folder's measurements name another study; those of nobody count as its own."""
    return bool(_uid_in(folder)) and not holds(folder, study)


def _identity(study: Study) -> str:
    """Return the study's UID; where a path stands for one, that path however it was typed."""
    uid = study.study_uid
    is_path = uid == str(study.root) or any(series.is_nifti for series in study.series)
    return _however_typed(uid) if is_path or uid.startswith(_NO_UID) else uid


def _however_typed(uid: str) -> str:
    folder = uid.removeprefix(_NO_UID)
    return f"{uid[: len(uid) - len(folder)]}{Path(folder).resolve()}"


def _key(output: Path) -> bytes:
    file = output / STATE_FOLDER / KEY_FILE
    if file.is_file():
        key = bytes.fromhex(file.read_text("ascii"))
        if len(key) == _KEY_BYTES:
            return key
    key = secrets.token_bytes(_KEY_BYTES)
    with atomic_path(file) as temporary:
        temporary.write_text(key.hex(), "ascii")
    return key


def _uid_in(folder: Path) -> str:
    """Return the UID of the study that the folder's measurements name; empty where they do not."""
    try:
        document = json.loads((folder / FILE_NAMES[ExportFormat.JSON]).read_text("utf-8"))
        return str(document["study"]["study_uid"] or "")
    except (OSError, ValueError, KeyError, TypeError):
        return ""
