"""DICOMDIR, the list of files on a medium (PS3.3 Annex F), checked against what is there."""

import struct
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from desktop_app.domain.stopping import Check, go_on
from desktop_app.io.dicom.elements import lenient_pydicom, text
from desktop_app.io.dicom.slices import MEDIA_DIRECTORY
from desktop_app.io.file_head import begins_like_dicom, open_file, read_head

# A record takes some 300 bytes; the largest media hold a few hundred thousand.
_LARGEST_BYTES = 256 << 20
# Media Storage SOP Class UID (0002,0002) as file meta information holds it (PS3.10 7.1).
_SAYS_INDEX = (
    b"\x02\x00\x02\x00UI"
    + struct.pack("<H", len(MEDIA_DIRECTORY))
    + (MEDIA_DIRECTORY.encode("ascii"))
)
_INACTIVE = "0"
_RECORDS = Tag("DirectoryRecordSequence")


class UnusableIndex(ValueError):
    """The DICOMDIR cannot be followed; the message says why, in plain words."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a DICOMDIR lists.

    Parameters
    ----------
    files
        Those that are there, in the order of the list.
    missing
        (path, reason) of the others.
    """

    files: tuple[Path, ...]
    missing: tuple[tuple[Path, str], ...]


def is_dicomdir(path: Path) -> bool:
    """Whether a file is a DICOMDIR by its name or by what it says of itself."""
    if path.name.upper().startswith("DICOMDIR"):
        return True
    try:
        data = read_head(path, 1024).data
    except OSError:
        return False
    return begins_like_dicom(data) and _SAYS_INDEX in data


def read_dicomdir(path: Path, check: Check = go_on) -> Listing:
    """Return the files that a DICOMDIR lists.

    Names are compared without regard to case, version numbers (``;1``) and trailing dots, which
    come and go as media are copied.

    Parameters
    ----------
    check
        Called often; raises to stop.

    Raises
    ------
    UnusableIndex
        If it cannot be read, lists nothing, or nothing of what it lists is there.
    """
    folder = _Names(path.parent)
    files: dict[Path, None] = {}
    missing: list[tuple[Path, str]] = []
    for parts in _references(path):
        check()
        listed = Path(*parts)
        if listed.is_absolute() or ".." in parts:
            missing.append((listed, "listed in the DICOMDIR, but outside of its folder"))
            continue
        found = folder.find(parts)
        if found is None:
            missing.append((path.parent / listed, "listed in the DICOMDIR, but not there"))
        else:
            files[found] = None
    if not files:
        why = "nothing that it lists is there" if missing else "it lists no files"
        raise UnusableIndex(why)
    return Listing(tuple(files), tuple(missing))


def _references(path: Path) -> list[tuple[str, ...]]:
    """Return the parts of the path of each file that is in use."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return []
        with lenient_pydicom(), open_file(path) as file:
            dataset = dcmread(file, force=True, specific_tags=[_RECORDS])
            records: list[Dataset] = list(dataset.get("DirectoryRecordSequence") or ())
            return [parts for record in records if (parts := _reference(record))]
    except OSError as error:
        raise UnusableIndex(f"it cannot be read ({error.strerror or 'unreadable'})") from error
    except Exception as error:
        raise UnusableIndex(f"it is damaged ({type(error).__name__})") from error


def _reference(record: Dataset) -> tuple[str, ...]:
    if text(record, "RecordInUseFlag") == _INACTIVE:
        return ()
    return tuple(part for part in text(record, "ReferencedFileID").split("\\") if part)


class _Names:
    """Finds files below a folder by names that may differ a little."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[Path, dict[str, Path]] = {}

    def find(self, parts: tuple[str, ...]) -> Path | None:
        """Return the path of a file, ``None`` if there is none."""
        place = self._root
        for part in parts:
            known = self._names(place).get(_alike(part))
            if known is None:
                return None
            place = known
        return place if place.is_file() else None

    def _names(self, folder: Path) -> dict[str, Path]:
        if folder not in self._listed:
            try:
                entries = sorted(folder.iterdir(), reverse=True)
            except OSError:
                entries = []
            self._listed[folder] = {_alike(entry.name): entry for entry in entries}
        return self._listed[folder]


def _alike(name: str) -> str:
    return name.split(";")[0].rstrip(". ").casefold()
