"""Files that appear under their name only when they are whole."""

import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from desktop_app.errors import OutputError

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
}

_TEMPORARY = re.compile(r"^\.[0-9a-f]{8}\.part(\.|$)")


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
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder inside `folder`; move its files up when the block succeeds.

    Files of the same name are replaced, others stay. When the block raises, `folder` stays as it
    was: nothing of a set appears unless all of it could be written.

    Raises
    ------
    OutputError
        If the operating system refuses to write (no room, no permission ...).
    """
    folder = Path(folder)
    staging = folder / f".{uuid.uuid4().hex[:8]}.part"
    with _writing_to(folder), _new_folders(folder):
        try:
            staging.mkdir()
            yield staging
            finished = sorted(staging.iterdir())
            for file in finished:
                _flush_to_disk(file)
            for file in finished:
                file.replace(folder / file.name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def output_error(error: OSError, path: Path) -> OutputError | None:
    """Return the message for a failed write to `path`, None if the error is about something else.

    Parameters
    ----------
    error
        What the operating system said.
    path
        The file or folder that was to be written.
    """
    if error.errno not in _REMEDIES:
        return None
    if error.filename is not None and not _same_place(Path(os.fsdecode(error.filename)), path):
        return None
    title, remedy = _REMEDIES[error.errno]
    return OutputError(title, f"Writing {_as_asked_for(path)}", remedy)


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
