"""Archives, unpacked to a folder of this run without trusting what they say of themselves."""

import errno
import gzip
import lzma
import os
import re
import shutil
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from desktop_app.domain.stopping import Check, go_on
from desktop_app.errors import InputError
from desktop_app.io.file_head import begins_like_dicom, open_file
from desktop_app.io.file_kinds import is_clutter, why_no_image
from desktop_app.io.folder_walk import FoundFile, Problem
from desktop_app.io.nifti.files import is_nifti_path
from desktop_app.io.unpacked import LeftOut, Unpacked, forget_unused, own_folder

# DICOM seldom packs better than 10 : 1, blank slices perhaps 100 : 1; archives made to fill a disk
# pack 1000 : 1 and more.
MAX_RATIO = 200
MAX_UNPACKED_BYTES = 40 * 1024**3
MAX_MEMBERS = 200_000
# Left to the system, which does not run well on a full disk.
SPARED_BYTES = 1024**3

_DRIVE = re.compile(r"[A-Za-z]:")
_NOT_ALLOWED = re.compile(r'[<>:"|?*\x00-\x1f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
# Names may have 255 bytes on most systems, and paths not many more on Windows.
_MAX_PART_BYTES = 240
_MAX_ENDING = 12
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_CHUNK_BYTES = 1 << 20
# Only these are unpacked in pieces; of other kinds Python unpacks all that lies in one piece at
# once, and a thousand bytes may come to gigabytes.
_PACKED_AS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
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


class UnusableArchive(InputError):
    """An archive that is left out.

    Parameters
    ----------
    archive
        Its path.
    why
        The reason without any name from inside or outside of it: those may be patients'.
    """

    def __init__(self, title: str, archive: Path, why: str, remedy: str) -> None:
        super().__init__(title, f"{archive}: {why}.", remedy)
        self.why = why


class Unpacker:
    """Unpacks what one scan meets, to a folder that is removed when the program ends.

    Only files that may be images are written, with the time of their archive. An archive that
    this process unpacked before is not unpacked again.

    Parameters
    ----------
    on_problem
        Told of every file of an archive that is left out, with the reason.
    check
        Called often; raises to stop.
    """

    def __init__(self, on_problem: Problem, check: Check = go_on) -> None:
        self._on_problem = on_problem
        self._check = check
        self._origins: dict[Path, Path] = {}
        self._used: set[Path] = set()
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

    def forget_unused(self, root: Path) -> None:
        """Remove what earlier scans of a path unpacked and this one, now complete, did not meet."""
        forget_unused(root, self._used)

    def unpack_zip(self, archive: FoundFile) -> Path:
        """Unpack a ZIP archive and return the folder.

        Raises
        ------
        UnusableArchive
            If it is damaged, encrypted, packed otherwise than by Deflate, would unpack outside its
            folder, is suspiciously large unpacked, or there is no room.
        """
        try:
            place = self._place(archive)
            left_out = place.left_out()
            if left_out is None:
                left_out = []
                with (
                    place.filling(left_out) as folder,
                    open_file(archive.path) as file,
                    zipfile.ZipFile(file) as opened,
                ):
                    folder.mkdir()
                    self._extract(opened, archive, folder, left_out)
        except (*_DAMAGED, RuntimeError, OSError) as error:
            raise _told(error, archive) from error
        for parts, reason in left_out:
            self._on_problem(archive.path.joinpath(*parts), reason)
        return place.path

    def unpack_gzip(self, packed: FoundFile) -> Path | None:
        """Unpack a DICOM file that was packed alone; ``None`` after telling why it was not."""
        try:
            place = self._place(packed)
            if place.left_out() is None:
                with (
                    place.filling([]) as target,
                    open_file(packed.path) as file,
                    gzip.open(file) as source,
                ):
                    start = source.read(_CHUNK_BYTES)
                    if not begins_like_dicom(start):
                        why = "packed, and not one DICOM file; unpack it first"
                        self._on_problem(packed.path, why)
                        return None
                    self._copy(start, source, target, packed, self._written + self._room(packed))
        except (*_DAMAGED, OSError) as error:
            self._on_problem(packed.path, f"packed, and cannot be unpacked ({_why(error)})")
            return None
        except UnusableArchive as error:
            self._on_problem(packed.path, error.why)
            return None
        return place.path

    def _extract(
        self, opened: zipfile.ZipFile, archive: FoundFile, folder: Path, left_out: list[LeftOut]
    ) -> None:
        members = [info for info in opened.infolist() if not info.is_dir()]
        if len(members) > MAX_MEMBERS:
            raise _suspicious(archive, f"it holds {len(members)} files")
        places = [_inside(info.filename, archive) for info in members]
        limit = self._written + self._room(archive)
        kept = 0
        damage: Exception | None = None
        for info, parts in zip(members, places, strict=True):
            self._check()
            if any(is_clutter(part) for part in parts):
                continue
            target = _free_name(folder.joinpath(*map(_allowed, parts)))
            try:
                with _member(opened, info) as source:
                    start = source.read(_CHUNK_BYTES)
                    reason = _why_left(target, start)
                    if reason is None:
                        target.parent.mkdir(parents=True, exist_ok=True)
                        self._copy(start, source, target, archive, limit)
                        kept += 1
            except (*_DAMAGED, OSError) as error:
                if _is_full_disk(error):
                    raise
                target.unlink(missing_ok=True)
                reason, damage = f"{_why(error)} in the archive", error
            if reason is not None:
                left_out.append((parts, reason))
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
        free = shutil.disk_usage(own_folder()).free - SPARED_BYTES
        of_this = max(1, archive.stamp.size) * MAX_RATIO
        return max(0, min(MAX_UNPACKED_BYTES - self._written, of_this, free))

    def _place(self, archive: FoundFile) -> Unpacked:
        place = Unpacked(archive)
        self._origins[place.path] = archive.path
        self._used.add(place.folder)
        return place


def _member(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    """Open a member that can be read in pieces.

    Raises
    ------
    NotImplementedError
        If it is packed in another way: what `zipfile` raises of those that it cannot unpack.
    """
    if info.compress_type not in _PACKED_AS:
        raise NotImplementedError(info.compress_type)
    return opened.open(info)


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
    if not parts or ".." in parts or parts[0] == "/" or _DRIVE.match(parts[0]):
        raise _suspicious(archive, "a file in it lies outside of it")
    return parts


def _allowed(part: str) -> str:
    """Return a part of a path as every system allows it, the same on all of them.

    On Windows a colon would open a second stream of the file before it.
    """
    name = _NOT_ALLOWED.sub("_", part)
    name = re.sub(r"[. ]+$", "_", name)
    if _DEVICE.match(name):
        name = f"_{name}"
    if len(name.encode("utf-8", "replace")) <= _MAX_PART_BYTES:
        return name
    # A letter takes four bytes at most.
    ending = "".join(PurePosixPath(name).suffixes[-2:])[-_MAX_ENDING:]
    return name[: _MAX_PART_BYTES // 4 - len(ending)] + ending


def _free_name(path: Path) -> Path:
    """Return the path, numbered if the archive held a file of that name before."""
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{number}_{path.name}")
        number += 1
    return candidate


def _told(error: Exception, archive: FoundFile) -> UnusableArchive:
    """Return a failure in the user's terms."""
    if _is_full_disk(error):
        remedy = "Make room on the disk, or unpack it by hand and open the folder."
    elif isinstance(error, OSError) and not isinstance(error, _DAMAGED):
        remedy = "Check that you may read it, or unpack it by hand and open the folder."
    else:
        remedy = "Unpack it by hand and open the folder, or make it again: Deflate, no password."
    return UnusableArchive("The ZIP archive cannot be unpacked.", archive.path, _why(error), remedy)


def _why(error: Exception) -> str:
    """Return the reason in words of ours: those of libraries quote names."""
    if isinstance(error, NotImplementedError):
        return "packed or encrypted in a way that cannot be read"
    if isinstance(error, _DAMAGED):
        return "damaged"
    if isinstance(error, OSError):
        return error.strerror or "cannot be read"
    return "encrypted"


def _is_full_disk(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in _FULL


def _suspicious(archive: FoundFile, why: str) -> UnusableArchive:
    return UnusableArchive(
        "The archive is not safe to unpack.",
        archive.path,
        why,
        "Unpack it by hand if you trust it, then open the folder.",
    )
