"""Headers of earlier scans, so that a folder opens at once the second time.

One SQLite file in the user's own folder, a row per scanned folder. It holds what headers say, so
names of patients too: only the user may read it, what is deleted is overwritten, and what nobody
has opened for a season is forgotten. It is never needed: without it, files are read anew.
"""

import hashlib
import inspect
import json
import os
import sqlite3
import stat
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pydicom

import desktop_app
from desktop_app.io.dicom import elements as dicom_elements
from desktop_app.io.dicom import headers as dicom_headers
from desktop_app.io.dicom import slices as dicom_slices
from desktop_app.io.dicom.header_codec import LAYOUT
from desktop_app.io.file_head import Stamp
from desktop_app.paths import user_data_dir

CACHE_FILE = "scan-cache.sqlite3"
MAX_BYTES = 256 << 20
MAX_AGE_DAYS = 90

_LOCK_SECONDS = 2.0
# A file changed this short a time ago may change again within the tick of its disk's clock.
_SETTLED_NS = 2_000_000_000
_DAY_SECONDS = 86_400
_COLUMNS = ["folder", "reader", "used_day", "files"]
_TABLE = """
CREATE TABLE IF NOT EXISTS folders (
    folder BLOB PRIMARY KEY,
    reader TEXT NOT NULL,
    used_day INTEGER NOT NULL,
    files BLOB NOT NULL
)
"""


class HeaderCache:
    """What is known of files by folder, name and stamp; a context manager.

    Any number of processes may have it open. Whatever goes wrong with it costs time, never a
    scan: `notes` say what did.

    Parameters
    ----------
    file
        Where it is kept; made if missing.
    """

    def __init__(self, file: Path) -> None:
        self.notes: list[str] = []
        self._file = file
        self._reader = _reader()
        self._today = int(time.time() // _DAY_SECONDS)
        self._used: set[bytes] = set()
        self._new: dict[bytes, bytes] = {}
        self._connection = self._open()

    def known(self, folder: str) -> dict[str, tuple[Stamp, Any]]:
        """Return per file name of a folder its stamp and what was kept of it."""
        if self._connection is None:
            return {}
        try:
            row = self._connection.execute(
                "SELECT files, used_day FROM folders WHERE folder = ? AND reader = ?",
                (os.fsencode(folder), self._reader),
            ).fetchone()
            if row is None:
                return {}
            if row[1] != self._today:
                self._used.add(os.fsencode(folder))
            return {
                name: (Stamp(size, mtime_ns), value)
                for name, size, mtime_ns, value in json.loads(zlib.decompress(row[0]))
            }
        except (sqlite3.Error, zlib.error, ValueError, TypeError) as error:
            self._give_up(error)
            return {}

    def keep(self, folder: str, files: Mapping[str, tuple[Stamp, Any]]) -> None:
        """Keep what was read of a folder's files, in place of what was kept before."""
        settled = time.time_ns() - _SETTLED_NS
        rows = [
            (name, stamp.size, stamp.mtime_ns, value)
            for name, (stamp, value) in files.items()
            if stamp.mtime_ns < settled
        ]
        packed = json.dumps(rows, separators=(",", ":")).encode("ascii")
        self._new[os.fsencode(folder)] = zlib.compress(packed, 1)

    def close(self) -> None:
        """Write what is new and forget what is old."""
        if self._connection is None:
            return
        try:
            # All at once and at the end, so that no other process waits for this one's scan.
            with self._connection as connection:
                if self._new or self._used:
                    self._write(connection)
            self._connection.close()
            self._connection = None
        except sqlite3.Error as error:
            self._give_up(error)

    def _write(self, connection: sqlite3.Connection) -> None:
        connection.executemany(
            "UPDATE folders SET used_day = ? WHERE folder = ?",
            [(self._today, folder) for folder in self._used],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO folders VALUES (?, ?, ?, ?)",
            [(folder, self._reader, self._today, packed) for folder, packed in self._new.items()],
        )
        _forget_old(connection, self._today)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _open(self) -> sqlite3.Connection | None:
        try:
            try:
                return _connect(self._file)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._file.unlink()
                self.notes.append(f"The list of earlier scans was damaged and begins anew: {error}")
                return _connect(self._file)
        except (sqlite3.Error, OSError) as error:
            self._note_unused(error)
            return None

    def _give_up(self, error: Exception) -> None:
        """Go on without the cache; a damaged one does not come back."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            self._connection.close()
            self._connection = None
        self._note_unused(error)
        if not isinstance(error, sqlite3.OperationalError):
            with suppress(OSError):
                self._file.unlink()

    def _note_unused(self, error: Exception) -> None:
        self.notes.append(f"Every file was read anew, without the list of earlier scans: {error}")


def cache_file() -> Path:
    """Return where this user's cache is."""
    return user_data_dir() / CACHE_FILE


def clear_cache(file: Path) -> None:
    """Forget everything; another process that uses the cache goes on without its content.

    Raises
    ------
    OSError
        If the system does not let the file be removed.
    """
    if not file.exists():
        return
    try:
        connection = _connect(file)
        try:
            # Overwritten first, so that nothing is left on the disk, nor for who has it open.
            connection.execute("DELETE FROM folders")
            connection.commit()
            connection.execute("VACUUM")
        finally:
            connection.close()
    except sqlite3.DatabaseError:
        pass
    file.unlink(missing_ok=True)


def _connect(file: Path) -> sqlite3.Connection:
    # Before SQLite makes it, which would let others of this computer read it.
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR)
    os.close(descriptor)
    if os.name == "posix":
        file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    connection = sqlite3.connect(file, timeout=_LOCK_SECONDS)
    try:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA auto_vacuum = FULL")
        connection.execute(_TABLE)
        _check_layout(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_layout(connection: sqlite3.Connection) -> None:
    columns = [row[1] for row in connection.execute("PRAGMA table_info(folders)")]
    if columns != _COLUMNS:
        raise sqlite3.DatabaseError("it is laid out in another way")


def _forget_old(connection: sqlite3.Connection, today: int) -> None:
    connection.execute("DELETE FROM folders WHERE used_day < ?", (today - MAX_AGE_DAYS,))
    rows = connection.execute(
        "SELECT folder, length(files) FROM folders ORDER BY used_day DESC, rowid DESC"
    )
    total, surplus = 0, []
    for folder, size in rows:
        total += size
        if total > MAX_BYTES:
            surplus.append((folder,))
    connection.executemany("DELETE FROM folders WHERE folder = ?", surplus)


def _reader() -> str:
    """Return what stands for the way in which headers are read now.

    A released program reads them in one way; from a source tree the code itself counts.
    """
    digest = hashlib.sha256(f"{desktop_app.__version__} {pydicom.__version__} {LAYOUT}".encode())
    for module in (dicom_elements, dicom_headers, dicom_slices):
        digest.update(_source(module))
    return digest.hexdigest()[:16]


def _source(module: ModuleType) -> bytes:
    try:
        return inspect.getsource(module).encode()
    except OSError:
        return b""
