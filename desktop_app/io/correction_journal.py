"""Corrections by hand, written down stroke by stroke, so that a crash does not lose them.

One text file: a line that tells what the corrections start from, then a line for each of them.
It holds voxels and the study's UID as a checksum, no names. A torn last line, as a crash leaves
it, is passed over.
"""

import base64
import json
import os
import time
import zlib
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import Edit
from desktop_app.errors import OutputError
from desktop_app.paths import user_data_dir

SCHEMA = "gliascope/corrections/1"
SUFFIX = ".corrections"
MAX_AGE_DAYS = 90

_DAY_SECONDS = 86_400

_REMEDY = "Make room, then export your corrections: until then a crash would lose them."


@dataclass(frozen=True, slots=True, eq=False)
class WrittenCorrections:
    """What a journal holds.

    Parameters
    ----------
    started
        When the first correction was made, local time with its offset.
    labels_kji
        (k, j, i) uint8 what the corrections start from.
    edits
        Those that were not taken back, in order.
    """

    started: datetime
    labels_kji: NDArray[np.uint8]
    edits: tuple[Edit, ...]


def corrections_folder() -> Path:
    """Return where corrections are kept until they are exported."""
    return user_data_dir() / "corrections"


def journal_file(folder: Path, study_uid: str, series_uid: str) -> Path:
    """Return where the corrections of a study's labels on the grid of a series are written."""
    name = sha256(f"{study_uid}\n{series_uid}".encode()).hexdigest()[:32]
    return folder / f"{name}{SUFFIX}"


class CorrectionJournal:
    """Writes corrections down; the file appears with the first of them.

    Parameters
    ----------
    file
        See `journal_file`; what it held is replaced by the first correction.
    labels_kji
        (k, j, i) uint8 what the corrections start from.
    """

    def __init__(self, file: Path, labels_kji: NDArray[np.uint8]) -> None:
        self._file = file
        self._labels = labels_kji
        self._has_begun = False

    def note_edit(self, edit: Edit) -> None:
        """Write an edit down.

        Raises
        ------
        OutputError
            If the disk does not take it.
        """
        self._append("edit", edit)

    def note_undo(self, edit: Edit) -> None:
        """Write down that an edit was taken back; raises as `note_edit`."""
        self._append("undo", edit)

    def note_redo(self, edit: Edit) -> None:
        """Write down that what was taken back was done again; raises as `note_edit`."""
        self._append("redo", edit)

    def discard(self) -> None:
        """Remove the file: the corrections are exported, or given up.

        Raises
        ------
        OutputError
            If the system does not let it be removed.
        """
        self._has_begun = False
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                "Earlier corrections could not be removed.", str(self._file), "Remove the file."
            ) from error

    def _append(self, operation: str, edit: Edit) -> None:
        record = {
            "op": operation,
            "title": edit.title,
            "start_kji": edit.start_kji,
            "shape_kji": edit.shape_kji,
            "crc32": zlib.crc32(edit.packed),
            "xor": base64.b64encode(edit.packed).decode("ascii"),
        }
        line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        try:
            if not self._has_begun:
                self._begin()
            # Opened anew each time: Windows lets no file be removed that is open.
            with self._file.open("ab") as journal:
                journal.write(line)
        except OSError as error:
            raise OutputError(
                "Corrections can no longer be written down.",
                f"{self._file}: {error.strerror}",
                _REMEDY,
            ) from error

    def _begin(self) -> None:
        first = {
            "schema": SCHEMA,
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "shape_kji": self._labels.shape,
            "labels": base64.b64encode(zlib.compress(self._labels.tobytes(), 1)).decode("ascii"),
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        forget_journals(self._file.parent, older_than_days=MAX_AGE_DAYS)
        # Only this user may read what was marked in whose head.
        opened = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "wb") as journal:
            journal.write(json.dumps(first).encode() + b"\n")
        self._has_begun = True


def forget_journals(folder: Path, *, older_than_days: float = 0.0) -> int:
    """Remove the journals in a folder that nobody has written to for so long; return how many.

    Raises
    ------
    OutputError
        If one cannot be removed.
    """
    last = time.time() - older_than_days * _DAY_SECONDS
    removed = 0
    for file in folder.glob(f"*{SUFFIX}"):
        try:
            if file.stat().st_mtime <= last:
                file.unlink()
                removed += 1
        except OSError as error:
            raise OutputError(
                "Earlier corrections could not be removed.", str(file), "Remove the file."
            ) from error
    return removed


def read_journal(file: Path) -> WrittenCorrections | None:
    """Return the corrections in a journal; ``None`` where there are none that can be read."""
    try:
        first, *lines = file.read_bytes().split(b"\n")
        head = json.loads(first)
        if head["schema"] != SCHEMA:
            return None
        shape = tuple(head["shape_kji"])
        voxels = zlib.decompress(base64.b64decode(head["labels"]))
        labels = np.frombuffer(voxels, np.uint8).reshape(shape)
        started = datetime.fromisoformat(head["started"])
    except (OSError, ValueError, KeyError, TypeError, zlib.error):
        return None
    edits = _replayed(lines)
    return WrittenCorrections(started, labels, edits) if edits else None


def _replayed(lines: list[bytes]) -> tuple[Edit, ...]:
    """Return the edits that stand after every undo and redo, up to the first damaged line."""
    done: list[Edit] = []
    undone: list[Edit] = []
    for line in lines:
        try:
            record = json.loads(line)
            operation, edit = record["op"], _edit(record)
        except (ValueError, KeyError, TypeError):
            break
        # What was made before the file began is not in it: taking that back is a change as any.
        if operation == "undo" and done:
            undone.append(done.pop())
        elif operation == "redo" and undone:
            done.append(undone.pop())
        else:
            done.append(edit)
            if operation == "edit":
                undone.clear()
    return tuple(done)


def _edit(record: dict[str, Any]) -> Edit:
    packed = base64.b64decode(record["xor"])
    if zlib.crc32(packed) != record["crc32"]:
        raise ValueError("the checksum is wrong")
    (k, j, i), (depth, height, width) = record["start_kji"], record["shape_kji"]
    return Edit(str(record["title"]), (k, j, i), (depth, height, width), packed)
