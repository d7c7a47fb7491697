"""Which files a scan looks at: those of a folder, an archive or a DICOMDIR, or a single one."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from desktop_app.domain.stopping import Check, go_on
from desktop_app.errors import InputError
from desktop_app.io.archive import Unpacker, UnusableArchive
from desktop_app.io.dicom.dicomdir import UnusableIndex, is_dicomdir, read_dicomdir
from desktop_app.io.file_head import NotAFile, Stamp, open_file
from desktop_app.io.file_kinds import why_no_image
from desktop_app.io.folder_walk import FoundFile, found_files
from desktop_app.io.nifti.files import is_nifti_path

OPEN_INSTEAD = "Open a folder, ZIP archive or DICOMDIR that holds a brain MR study."

_PREFIX_OF_INDEX = "DICOMDIR"


class FileFinder:
    """Finds the files below a path; `skipped` tells what was left out, and why.

    Archives inside a folder are unpacked; an archive inside an archive is not.

    Parameters
    ----------
    check
        Called often; raises to stop.
    limited
        See `found_files`.
    """

    def __init__(self, check: Check = go_on, *, limited: bool = True) -> None:
        self.skipped: list[tuple[str, str]] = []
        self._check = check
        self._limited = limited
        self._unpacker = Unpacker(self._note, check)

    def find(self, path: Path) -> Iterator[FoundFile]:
        """Yield the files that may be images, in a stable order.

        Afterwards nothing is left of what earlier scans of the path unpacked and is there no more.

        Raises
        ------
        InputError
            If there is nothing at the path, or it is an archive that cannot be unpacked.
        """
        yield from self._found(path)
        self._unpacker.forget_unused(path)

    def _found(self, path: Path) -> Iterator[FoundFile]:
        if _is_folder(path):
            yield from self._below(path)
            return
        file = _single_file(path)
        if is_nifti_path(path):
            yield file
        elif zipfile.is_zipfile(path):
            yield from self._below(self._unpacker.unpack_zip(file), packed_allowed=False)
        elif is_dicomdir(path):
            yield from self._listed(path)
        else:
            yield from self._kept(file)

    def shown(self, path: Path) -> Path:
        """Return a path as the user knows it, wherever an archive was unpacked to."""
        return self._unpacker.shown(path)

    def shown_in(self, text: str) -> str:
        """Return a text with every path in it as the user knows it."""
        return self._unpacker.shown_in(text)

    def skip(self, path: Path, reason: str) -> None:
        """Note a file that was looked at and is of no use."""
        self.skipped.append((str(self.shown(path)), reason))

    def _note(self, path: Path, reason: str) -> None:
        self.skip(path, reason)

    def _below(self, folder: Path, *, packed_allowed: bool = True) -> Iterator[FoundFile]:
        files = found_files(folder, on_problem=self._note, check=self._check, limited=self._limited)
        for file in files:
            yield from self._kept(file, packed_allowed=packed_allowed)

    def _kept(self, file: FoundFile, *, packed_allowed: bool = True) -> Iterator[FoundFile]:
        """Yield a file, what is packed in it, or nothing after telling why."""
        path = file.path
        if path.name.upper() == _PREFIX_OF_INDEX:
            return
        suffix = path.suffix.lower()
        reason = why_no_image(path)
        if reason is not None:
            self._note(path, reason)
        elif suffix == ".gz" and not is_nifti_path(path):
            unpacked = self._unpacker.unpack_gzip(file)
            if unpacked is not None:
                yield FoundFile(unpacked, file.stamp)
        elif suffix == ".zip" and packed_allowed:
            yield from self._inside(file)
        else:
            yield file

    def _inside(self, archive: FoundFile) -> Iterator[FoundFile]:
        try:
            folder = self._unpacker.unpack_zip(archive)
        except UnusableArchive as error:
            self._note(archive.path, error.why)
            return
        yield from self._below(folder, packed_allowed=False)

    def _listed(self, index: Path) -> Iterator[FoundFile]:
        """Yield what a DICOMDIR lists; all files beside it, if it cannot be followed."""
        try:
            listing = read_dicomdir(index, self._check)
        except UnusableIndex as error:
            self._note(index, f"not followed, the files beside it were read instead: {error}")
            yield from self._below(index.parent)
            return
        for missing, reason in listing.missing:
            self._note(missing, reason)
        for path in listing.files:
            status = path.stat()
            yield FoundFile(path, Stamp(status.st_size, status.st_mtime_ns))


def is_one_image(path: Path) -> bool:
    """Whether a path is a file with an image, rather than something that holds or lists several."""
    if not path.is_file():
        return False
    return is_nifti_path(path) or not (zipfile.is_zipfile(path) or is_dicomdir(path))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _single_file(path: Path) -> FoundFile:
    try:
        with open_file(path):
            status = path.stat()
    except FileNotFoundError as error:
        raise InputError("There is nothing at this path.", str(path), OPEN_INSTEAD) from error
    except NotAFile as error:
        raise InputError("This is neither a file nor a folder.", str(path), OPEN_INSTEAD) from error
    except OSError as error:
        raise InputError(
            "The file cannot be opened.",
            f"{path}: {error.strerror or error}",
            "Check that you may read it, and that its disk is connected.",
        ) from error
    return FoundFile(path, Stamp(status.st_size, status.st_mtime_ns))
