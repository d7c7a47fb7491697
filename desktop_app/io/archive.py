"""Archives, unpacked to a folder of this run without trusting what they say of themselves."""

import atexit
import gzip
import hashlib
import lzma
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Protocol

import psutil

from desktop_app.errors import InputError
from desktop_app.io.file_head import begins_like_dicom, open_file
from desktop_app.io.file_kinds import is_clutter, why_no_image
from desktop_app.io.folder_walk import FoundFile, Problem
from desktop_app.io.nifti import is_nifti_path
from desktop_app.paths import user_data_dir

# DICOM seldom packs better than 10 : 1, blank slices perhaps 100 : 1; archives made to fill a disk
# pack 1000 : 1 and more.
MAX_RATIO = 200
MAX_UNPACKED_BYTES = 40 * 1024**3
MAX_MEMBERS = 200_000
# Left to the system, which does not run well on a full disk.
SPARED_BYTES = 1024**3

_UNPACKED = "unpacked"
_CHUNK_BYTES = 1 << 20
_ZIP_MAGIC = b"PK\x03\x04"
_GZIP_MAGIC = b"\x1f\x8b"
# What the libraries raise on bytes that no archive has.
_DAMAGED = (
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
)


class _Source(Protocol):
    """What can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most this many bytes."""


class Unpacker:
    """Unpacks what one scan meets, to a folder that is removed when the program ends.

    Only files that may be images are written, with the time of their archive, so that the same
    archive gives the same files again.

    Parameters
    ----------
    on_problem
        Told of every file of an archive that is left out, with the reason.
    check
        Called often; raises to stop.
    """

    def __init__(self, on_problem: Problem, check: Callable[[], None] | None = None) -> None:
        self._on_problem = on_problem
        self._check = check
        self._folder: Path | None = None
        self._origins: dict[Path, Path] = {}
        self._written = 0

    def shown(self, path: Path) -> Path:
        """Return a path as the user knows it: a file from an archive as if that were a folder."""
        for unpacked, origin in self._origins.items():
            if path.is_relative_to(unpacked):
                return origin / path.relative_to(unpacked)
        return path

    def shown_in(self, text: str) -> str:
        """Return a text with every path in it as the user knows it."""
        for unpacked, origin in self._origins.items():
            text = text.replace(str(unpacked), str(origin))
        return text

    def unpack_zip(self, archive: FoundFile) -> Path:
        """Unpack a ZIP archive and return the folder.

        Raises
        ------
        InputError
            If it is damaged, encrypted, would unpack outside its folder, is suspiciously large
            unpacked, or there is no room.
        """
        folder = self._place(archive, archive.path.stem)
        try:
            folder.mkdir(parents=True)
            with open_file(archive.path) as file, zipfile.ZipFile(file) as opened:
                self._extract(opened, archive, folder)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            told = _told(error, archive)
            if told is None:
                raise
            raise told from error
        return folder

    def unpack_gzip(self, packed: FoundFile) -> Path | None:
        """Unpack a DICOM file that was packed alone; ``None`` after telling why it was not."""
        target = self._place(packed, packed.path.stem)
        try:
            with open_file(packed.path) as file, gzip.open(file) as source:
                start = source.read(_CHUNK_BYTES)
                if not begins_like_dicom(start):
                    self._on_problem(packed.path, "packed, and not one DICOM file; unpack it first")
                    return None
                target.parent.mkdir(parents=True)
                self._copy(start, source, target, packed, self._written + self._room(packed))
        except (*_DAMAGED, OSError) as error:
            target.unlink(missing_ok=True)
            self._on_problem(packed.path, f"packed, and cannot be unpacked ({error})")
            return None
        except InputError as error:
            self._on_problem(packed.path, error.detail)
            return None
        return target

    def _extract(self, opened: zipfile.ZipFile, archive: FoundFile, folder: Path) -> None:
        members = [info for info in opened.infolist() if not info.is_dir()]
        if len(members) > MAX_MEMBERS:
            raise _suspicious(archive, f"it holds {len(members)} files")
        places = [_inside(info.filename, archive) for info in members]
        limit = self._written + self._room(archive)
        kept = 0
        damage: Exception | None = None
        for info, parts in zip(members, places, strict=True):
            if self._check is not None:
                self._check()
            if any(is_clutter(part) for part in parts):
                continue
            target = _free_name(folder.joinpath(*parts))
            try:
                with opened.open(info) as source:
                    start = source.read(_CHUNK_BYTES)
                    reason = _why_left(target, start)
                    if reason is None:
                        target.parent.mkdir(parents=True, exist_ok=True)
                        self._copy(start, source, target, archive, limit)
                        kept += 1
            except _DAMAGED as error:
                target.unlink(missing_ok=True)
                reason, damage = "damaged in the archive", error
            if reason is not None:
                self._on_problem(archive.path.joinpath(*parts), reason)
        if damage is not None and not kept:
            raise damage

    def _copy(
        self, start: bytes, source: _Source, target: Path, archive: FoundFile, limit: int
    ) -> None:
        """Write what is left of a stream; counted, since what archives say of sizes may lie."""
        with target.open("wb") as sink:
            chunk = start
            while chunk:
                self._written += len(chunk)
                if self._written > limit:
                    raise _suspicious(archive, "it unpacks to more than it may, or than fits here")
                sink.write(chunk)
                chunk = source.read(_CHUNK_BYTES)
        os.utime(target, ns=(archive.stamp.mtime_ns, archive.stamp.mtime_ns))

    def _room(self, archive: FoundFile) -> int:
        """Return how many bytes may still be written for an archive."""
        free = shutil.disk_usage(self._own_folder()).free - SPARED_BYTES
        of_this = max(1, archive.stamp.size) * MAX_RATIO
        return max(0, min(MAX_UNPACKED_BYTES - self._written, of_this, free))

    def _place(self, archive: FoundFile, name: str) -> Path:
        """Return the path to unpack to, named after the archive and the same in every run."""
        what = f"{archive.path.resolve()} {archive.stamp.size} {archive.stamp.mtime_ns}"
        digest = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        place = self._own_folder() / digest / name
        self._origins[place] = archive.path
        return place

    def _own_folder(self) -> Path:
        if self._folder is None:
            self._folder = _fresh_folder()
        return self._folder


def lasting_name(path: Path) -> str:
    """Return what names a file in every run: its path, or its place in an archive unpacked here."""
    unpacked = (user_data_dir() / _UNPACKED).resolve()
    resolved = path.resolve()
    if not resolved.is_relative_to(unpacked):
        return str(resolved)
    return "/".join(resolved.relative_to(unpacked).parts[1:])


def _why_left(path: Path, start: bytes) -> str | None:
    """Return why a file of an archive is not unpacked; ``None`` if it may be an image."""
    if start.startswith(_ZIP_MAGIC):
        return "an archive inside an archive; unpack it first"
    if is_nifti_path(path) or start.startswith(_GZIP_MAGIC) or begins_like_dicom(start):
        return None
    if not start:
        return "an empty file"
    return why_no_image(path) or "not a DICOM file"


def _inside(member: str, archive: FoundFile) -> tuple[str, ...]:
    parts = PurePosixPath(member.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0] == "/" or ":" in parts[0]:
        raise _suspicious(archive, f"its file {member!r} lies outside of it")
    return parts


def _free_name(path: Path) -> Path:
    """Return the path, numbered if the archive held a file of that name before."""
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{number}_{path.name}")
        number += 1
    return candidate


def _told(error: BaseException, archive: FoundFile) -> InputError | None:
    """Return a failure in the user's terms; ``None`` for what is told already, or a defect."""
    title = "The ZIP archive cannot be unpacked."
    if isinstance(error, (*_DAMAGED, RuntimeError)):
        return InputError(
            title,
            f"{archive.path}: {error}",
            "Unpack it by hand, or make it again without a password, then open the folder.",
        )
    if isinstance(error, OSError):
        return InputError(
            title,
            f"{archive.path}: {error.strerror or error}",
            "Make room on the disk, or unpack it by hand and open the folder.",
        )
    return None


def _suspicious(archive: FoundFile, why: str) -> InputError:
    return InputError(
        "The archive is not safe to unpack.",
        f"{archive.path}: {why}.",
        "Unpack it by hand if you trust it, then open the folder.",
    )


def _fresh_folder() -> Path:
    parent = user_data_dir() / _UNPACKED
    parent.mkdir(parents=True, exist_ok=True)
    # Patients' files of a run that crashed must not stay behind.
    for leftover in parent.iterdir():
        process = leftover.name.split("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
