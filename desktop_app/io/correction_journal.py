"""Corrections by hand, written down stroke by stroke, so that a crash does not lose them.

One text file: a line that tells what the corrections start from, then a line for each of them.
It holds voxels and the study's UID as a checksum, and which process of which computer writes it,
but names of nobody. A torn last line, as a crash leaves it, is passed over.
"""

import base64
import json
import os
import time
import uuid
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import Edit
from desktop_app.errors import OutputError
from desktop_app.io.atomic import atomic_path
from desktop_app.io.process_mark import is_running_elsewhere, process_mark
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


@dataclass(frozen=True, slots=True, eq=False)
class LeftBehind:
    """What windows that ended without a word left of a study.

    Parameters
    ----------
    corrections
        The latest that can be read and fit the grid, if there are any.
    files
        Where these stand, and journals after them that are of no use.
    """

    corrections: WrittenCorrections | None
    files: tuple[Path, ...]


def corrections_folder() -> Path:
    """Return where corrections are kept until they are exported."""
    return user_data_dir() / "corrections"


class JournalPlace:
    """Where the corrections of a study's labels on the grid of a series are written down.

    Every window has a file of its own: two may have the same study open.

    Parameters
    ----------
    folder
        See `corrections_folder`.
    study
        What tells the study from others.
    """

    def __init__(self, folder: Path, study: str, series_uid: str) -> None:
        self._folder = folder
        said = f"{study}\n{series_uid}".encode("utf-8", "surrogatepass")
        self._name = sha256(said).hexdigest()[:32]

    def new_file(self) -> Path:
        """Return a path for a journal that no window has."""
        return self._folder / f"{self._name}-{uuid.uuid4().hex[:8]}{SUFFIX}"

    def left_behind(self, shape_kji: tuple[int, ...] | None = None) -> LeftBehind:
        """Return what was written down last by a window that does not run any more.

        Parameters
        ----------
        shape_kji
            Of the grid that the labels have to fit; any if not given.
        """
        files = []
        for file in sorted(self._folder.glob(f"{self._name}*{SUFFIX}"), key=_age):
            if is_held(file):
                continue
            files.append(file)
            written = read_journal(file)
            if written is not None and shape_kji in (None, written.labels_kji.shape):
                return LeftBehind(written, tuple(files))
        return LeftBehind(None, tuple(files))


class CorrectionJournal:
    """Writes corrections down; the file appears, whole, with the first of them.

    Parameters
    ----------
    file
        See `JournalPlace.new_file`.
    labels_kji
        (k, j, i) uint8 what the corrections start from.
    replaces
        Journals that are removed once the first correction is written down here.
    """

    def __init__(
        self, file: Path, labels_kji: NDArray[np.uint8], replaces: tuple[Path, ...] = ()
    ) -> None:
        self._file = file
        self._labels = labels_kji
        self._replaces = replaces
        self._lines: list[bytes] = []

    def note_edits(self, edits: Iterable[Edit]) -> None:
        """Write edits down, all of them or none.

        Raises
        ------
        OutputError
            If the disk does not take them; what was written down before stays as it was.
        """
        self._append(*(_line("edit", edit) for edit in edits))

    def note_undo(self, edit: Edit) -> None:
        """Write down that an edit was taken back; raises as `note_edits`."""
        self._append(_line("undo", edit))

    def note_redo(self, edit: Edit) -> None:
        """Write down that what was taken back was done again; raises as `note_edits`."""
        self._append(_line("redo", edit))

    def discard(self) -> None:
        """Remove the file, and those it was to replace: all is exported, or given up.

        Raises
        ------
        OutputError
            If the system does not let them be removed.
        """
        self._lines.clear()
        _remove(self._file, *self._replaces)

    def _append(self, *lines: bytes) -> None:
        is_new = not self._lines
        self._lines += lines
        try:
            if is_new:
                self._write_anew()
                return
            try:
                # Opened anew each time: Windows lets no file be removed that is open.
                with self._file.open("r+b") as journal:
                    journal.seek(0, os.SEEK_END)
                    journal.writelines(lines)
            except FileNotFoundError:  # somebody removed it
                self._write_anew()
        except (OSError, OutputError) as error:
            why = error.title if isinstance(error, OutputError) else error.strerror
            raise OutputError(
                "Corrections can no longer be written down.", f"{self._file}: {why}", _REMEDY
            ) from error

    def _write_anew(self) -> None:
        first = {
            "schema": SCHEMA,
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "writer": process_mark(),
            "shape_kji": self._labels.shape,
            "labels": base64.b64encode(zlib.compress(self._labels.tobytes(), 1)).decode("ascii"),
        }
        with atomic_path(self._file) as beside:
            # Only this user may read what was marked in whose head.
            opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "wb") as journal:
                journal.write(json.dumps(first).encode() + b"\n")
                journal.writelines(self._lines)
        # Tidying: what cannot be removed stands in nobody's way.
        with suppress(OutputError):
            _remove(*self._replaces)
        with suppress(OutputError):
            forget_journals(self._file.parent, older_than_days=MAX_AGE_DAYS)


def forget_journals(folder: Path, *, older_than_days: float = 0.0) -> int:
    """Remove the journals in a folder that nobody has written to for so long; return how many.

    Those that another window writes to stay.

    Raises
    ------
    OutputError
        If one cannot be removed; the others are.
    """
    last = time.time() - older_than_days * _DAY_SECONDS
    old = [one for one in folder.glob(f"*{SUFFIX}") if _age(one) >= -last and not is_held(one)]
    _remove(*old)
    return len(old)


def is_held(file: Path) -> bool:
    """Whether another window that runs now writes to a journal."""
    try:
        with file.open("rb") as journal:
            return is_running_elsewhere(json.loads(journal.readline())["writer"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


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
    except (OSError, ValueError, KeyError, TypeError, RecursionError, zlib.error):
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
        except (ValueError, KeyError, TypeError, RecursionError):
            break
        if operation == "undo" and _ends_with(done, edit):
            undone.append(done.pop())
        elif operation == "redo" and _ends_with(undone, edit):
            done.append(undone.pop())
        elif operation == "redo" and _ends_with(done, edit):
            done.pop()
        else:
            # What was made before the file began is not in it: taking that back is a change as any.
            done.append(edit)
            if operation == "edit":
                undone.clear()
    return tuple(done)


def _ends_with(edits: list[Edit], one: Edit) -> bool:
    """Whether the last of some edits changes the same voxels in the same way."""
    if not edits:
        return False
    last = edits[-1]
    return (last.start_kji, last.shape_kji, last.packed) == (
        one.start_kji,
        one.shape_kji,
        one.packed,
    )


def _edit(record: dict[str, Any]) -> Edit:
    packed = base64.b64decode(record["xor"])
    if zlib.crc32(packed) != record["crc32"]:
        raise ValueError("the checksum is wrong")
    (k, j, i), (depth, height, width) = record["start_kji"], record["shape_kji"]
    return Edit(str(record["title"]), (k, j, i), (depth, height, width), packed)


def _line(operation: str, edit: Edit) -> bytes:
    record = {
        "op": operation,
        "title": edit.title,
        "start_kji": edit.start_kji,
        "shape_kji": edit.shape_kji,
        "crc32": zlib.crc32(edit.packed),
        "xor": base64.b64encode(edit.packed).decode("ascii"),
    }
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _age(file: Path) -> float:
    """Return what grows with the age of a file; one that has just gone counts as new."""
    try:
        return -file.stat().st_mtime
    except OSError:
        return -time.time()


def _remove(*files: Path) -> None:
    """Remove what is there; complain of the first that cannot be removed once all were tried."""
    failed: tuple[Path, OSError] | None = None
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except NotADirectoryError:
            continue  # then nothing can be there
        except OSError as error:
            failed = failed or (file, error)
    if failed is not None:
        raise OutputError(
            "Earlier corrections could not be removed.", str(failed[0]), "Remove the file."
        ) from failed[1]
