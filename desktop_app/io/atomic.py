"""Files that appear under their name only when they are whole."""

import errno
import os
import re
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from desktop_app.errors import OutputError

NO_LETTER = "backslashreplace"
"""How texts are written that may hold a file's name: on Linux it may have bytes that are no letter.

They become ``\\udcfc``, which JSON reads as what it was.
"""

_REMEDIES = {
    errno.ENOSPC: ("There is no room left on the disk.", "Make room or choose another folder."),
    errno.EDQUOT: ("Your disk quota is used up.", "Make room or choose another folder."),
    errno.EFBIG: ("The file is too large for this disk.", "Choose a folder on another disk."),
    errno.EROFS: ("The disk can only be read.", "Choose a folder on another disk."),
    errno.EACCES: ("The folder cannot be written to.", "Choose a folder you may write to."),
    errno.EPERM: ("The folder cannot be written to.", "Choose a folder you may write to."),
    errno.ENOTDIR: ("The output path leads through a file.", "Choose a folder."),
    errno.EEXIST: ("A file is in the place of the output folder.", "Choose another folder."),
    errno.EISDIR: ("A folder is in the place of the output file.", "Choose another folder."),
    errno.ENAMETOOLONG: ("The output path is too long.", "Choose a folder with a shorter path."),
    errno.EIO: ("The disk reported an error.", "Check the disk or choose another folder."),
    errno.EBUSY: ("The file is in use.", "Close the program that has it open and try again."),
    errno.ELOOP: ("The output path leads in a circle.", "Choose another folder."),
}
_NOT_REACHED = (
    "The folder cannot be reached.",
    "Connect its drive or share, or choose another folder.",
)
_NOT_REACHED_NUMBERS = frozenset(
    {
        errno.ENODEV,
        errno.ENXIO,
        errno.ENOTCONN,
        errno.ESTALE,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ETIMEDOUT,
    }
)
# Of Windows, which calls them "invalid argument", "no such file" or "no permission": not ready, no
# such computer, network busy, device gone, unexpected error, name deleted, no such share, semaphore
# timed out, not connected, unreachable.
_NOT_REACHED_ON_WINDOWS = frozenset({21, 53, 54, 55, 59, 64, 67, 121, 1167, 1231})

# Windows refuses to replace or remove a file that a program has open, and calls it no permission.
_LOCKS_OPEN_FILES = sys.platform == "win32"

_TEMPORARY = re.compile(r"^\.[0-9a-f]{8}\.part(\.|$)")
# Another process may be writing, and a server's clock may be hours off.
_LEFT_BEHIND_SECONDS = 24 * 3600


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block succeeds.

    The temporary name keeps the suffixes, so that writers that go by them do the same. Missing
    folders are made. When the block raises, the temporary file is removed and whatever was
    under `path` before stays as it was.

    Raises
    ------
    OutputError
        If the operating system refuses to write (no room, no permission ...).
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.part.{path.name}")
    with _writing_to(path), _new_folders(path.parent):
        try:
            yield temporary
            _flush_to_disk(temporary)
            temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(
    folder: Path, *, obsolete: Iterable[str] = (), keep_as: str = ""
) -> Iterator[Path]:
    """Give an empty folder inside `folder`; move its files up when the block succeeds.

    Files of the same name are replaced, others stay. When the block raises, or one of the files
    cannot be replaced, `folder` stays as it was: nothing of a set appears unless all of it could
    be written. What killed processes left there goes, see `sweep`.

    Parameters
    ----------
    folder
        Where the files belong.
    obsolete
        Names of files that go when the new set comes, unless they are part of it.
    keep_as
        Name of a new folder inside `folder` for what goes or is replaced; without one it is
        removed.

    Raises
    ------
    OutputError
        If the operating system refuses to write (no room, no permission ...).
    """
    folder = Path(folder)
    staging = folder / f".{uuid.uuid4().hex[:8]}.part"
    with _writing_to(folder), _new_folders(folder):
        sweep(folder)
        try:
            staging.mkdir()
            yield staging
            _swap_in(staging, folder, obsolete, keep_as)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what processes that were killed left in a folder, a day after."""
    latest = time.time() - _LEFT_BEHIND_SECONDS
    with suppress(OSError):
        for path in folder.iterdir():
            if _TEMPORARY.match(path.name) and path.lstat().st_mtime < latest:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def takes_folders(folder: Path) -> bool:
    """Whether a folder can be made there: tried, since what Windows says of rights is no answer."""
    try:
        with tempfile.TemporaryDirectory(prefix=".gliascope-", dir=folder):
            return True
    except OSError:
        return False


def output_error(error: OSError, path: Path) -> OutputError | None:
    """Return the message for a failed write to `path`, None if the error is about something else.

    Parameters
    ----------
    error
        What the operating system said.
    path
        The file or folder that was to be written.
    """
    if error.filename is not None and not _same_place(Path(os.fsdecode(error.filename)), path):
        return None
    open_file = _file_in_use(error)
    if _is_not_reached(error, path):
        title, remedy = _NOT_REACHED
    elif error.errno in _REMEDIES:
        title, remedy = _REMEDIES[error.errno if open_file is None else errno.EBUSY]
    else:
        return None
    return OutputError(title, f"Writing {_as_asked_for(open_file or path)}", remedy)


def _is_not_reached(error: OSError, path: Path) -> bool:
    """Whether a write failed because the drive or share is away."""
    if getattr(error, "winerror", None) in _NOT_REACHED_ON_WINDOWS:
        return True
    if error.errno == errno.ENOENT:
        # Folders are made before they are written to: one that is missing now cannot be made.
        is_made = error.filename is None or not path.is_relative_to(os.fsdecode(error.filename))
        return not (is_made and os.path.isdir(path.parent))  # noqa: PTH112 - pathlib may raise
    return error.errno in _NOT_REACHED_NUMBERS


def _swap_in(staging: Path, folder: Path, obsolete: Iterable[str], keep_as: str) -> None:
    """Put the files of `staging` in their place; when one cannot be, take back those before it.

    What leaves is first set aside as a second name or copy, then replaced or removed: killed at any
    moment, the folder holds each file as it was or as it comes, and what is to be kept is whole.
    """
    finished = sorted(staging.iterdir())
    for file in finished:
        _flush_to_disk(file)
    aside = folder / (keep_as or f".{uuid.uuid4().hex[:8]}.part")
    aside.mkdir()
    coming = {file.name for file in finished}
    leaving = [name for name in sorted({*coming, *obsolete}) if (folder / name).is_file()]
    changed: list[str] = []
    try:
        for name in leaving:
            _double(folder / name, aside / name)
        for file in finished:
            file.replace(folder / file.name)
            changed.append(file.name)
        for name in leaving:
            if name not in coming:
                (folder / name).unlink()
                changed.append(name)
    except BaseException:
        for name in changed:
            if name in leaving:
                (aside / name).replace(folder / name)
            else:
                (folder / name).unlink()
        shutil.rmtree(aside, ignore_errors=True)
        raise
    if not keep_as:
        shutil.rmtree(aside, ignore_errors=True)


def _double(file: Path, double: Path) -> None:
    """Give a file a second name, or a copy where the disk knows no second names."""
    try:
        double.hardlink_to(file)
    except OSError:
        shutil.copy2(file, double)
        _flush_to_disk(double)


def _file_in_use(error: OSError) -> Path | None:
    """Return the file that another program has open, where that made a write fail."""
    if not _LOCKS_OPEN_FILES or error.errno != errno.EACCES:
        return None
    names = [name for name in (error.filename2, error.filename) if name is not None]
    return next((path for path in map(Path, map(os.fsdecode, names)) if path.is_file()), None)


def _as_asked_for(path: Path) -> Path:
    """Return the path without the temporary folders and prefixes of this module."""
    parts = [_TEMPORARY.sub("", part) for part in path.parts]
    return Path(*(part for part in parts if part))


def _same_place(failed: Path, path: Path) -> bool:
    """Whether a failure at `failed` concerns writing `path`: it, its folders or files beside."""
    failed, path = failed.absolute(), path.absolute()
    return failed.is_relative_to(path.parent) or path.is_relative_to(failed)


@contextmanager
def _writing_to(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        translated = output_error(error, path)
        if translated is None:
            raise
        raise translated from error


@contextmanager
def _new_folders(folder: Path) -> Iterator[None]:
    """Make `folder` and its parents; take away the ones made when the block raises."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with suppress(OSError):
            for made in missing:
                made.rmdir()
        raise


def _flush_to_disk(path: Path) -> None:
    """Make sure the content survives a power cut before the name points at it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
