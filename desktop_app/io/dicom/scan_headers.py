"""Headers of found files: those known from earlier scans, and the rest read now."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_app.domain.stopping import Check, go_on
from desktop_app.io.dicom.header_cache import HeaderCache
from desktop_app.io.dicom.header_codec import Outcome, from_plain, to_plain
from desktop_app.io.dicom.header_pool import read_headers
from desktop_app.io.dicom.headers import Unreadable
from desktop_app.io.file_head import Stamp
from desktop_app.io.folder_walk import FoundFile


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file to read, and the path under which it is known from one run to the next."""

    found: FoundFile
    known_as: Path


def headers_of(
    files: Sequence[NamedFile],
    cache: HeaderCache | None,
    *,
    check: Check = go_on,
) -> Iterator[tuple[Path, Outcome]]:
    """Yield the header of every file, or the reason why there is none; the order is not kept.

    Parameters
    ----------
    cache
        Asked first, and told what it did not know; ``None`` to read every file.
    check
        Called often; raises to stop.
    """
    if cache is None:
        yield from read_headers([file.found.path for file in files], check=check)
        return
    folders = _by_folder(files)
    kept: dict[str, dict[str, tuple[Stamp, Any]]] = {}
    unknown: dict[Path, NamedFile] = {}
    for folder, members in folders.items():
        check()
        known = cache.known(folder)
        kept[folder] = {}
        for file in members:
            entry = known.get(file.known_as.name)
            outcome = _outcome(entry, file)
            if outcome is None or entry is None:
                unknown[file.found.path] = file
            else:
                kept[folder][file.known_as.name] = entry
                yield file.found.path, outcome
    changed: set[str] = set()
    try:
        for path, outcome in read_headers(tuple(unknown), check=check):
            file = unknown[path]
            # What the system refuses now it may give later, without the file being changed.
            if not isinstance(outcome, Unreadable):
                folder = str(file.known_as.parent)
                kept[folder][file.known_as.name] = (file.found.stamp, to_plain(outcome))
                changed.add(folder)
            yield path, outcome
    finally:
        for folder in changed:
            cache.keep(folder, kept[folder])


def _by_folder(files: Sequence[NamedFile]) -> dict[str, list[NamedFile]]:
    folders: dict[str, list[NamedFile]] = defaultdict(list)
    for file in files:
        folders[str(file.known_as.parent)].append(file)
    return folders


def _outcome(entry: tuple[Stamp, Any] | None, file: NamedFile) -> Outcome | None:
    """Return what was kept of a file, ``None`` if it has changed since or was kept otherwise."""
    if entry is None or entry[0] != file.found.stamp:
        return None
    try:
        return from_plain(entry[1], file.found.path)
    except ValueError:
        return None
