"""Walk a folder tree without being led astray by links, or drowned by a whole disk."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_app.domain.stopping import Check, go_on
from desktop_app.io.file_head import Stamp
from desktop_app.io.file_kinds import is_clutter

MAX_DEPTH = 24
MAX_FILES = 200_000


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file below a folder, and what it was like when it was found."""

    path: Path
    stamp: Stamp


Problem = Callable[[Path, str], None]


def found_files(
    root: Path,
    *,
    on_problem: Problem,
    check: Check = go_on,
    limited: bool = True,
) -> Iterator[FoundFile]:
    """Yield the files below a folder in a stable order.

    Parameters
    ----------
    root
        The folder; each real folder below is entered once, whatever links lead to it.
    on_problem
        Told of each folder, link or special file that could not be followed, with the reason.
    check
        Called per folder; raises to stop.
    limited
        Stop after `MAX_FILES`: somebody may have opened a whole disk by mistake.
    """
    visited: set[tuple[int, int]] = set()
    found = 0
    pending: list[tuple[Path, int]] = [(root, 0)]
    while pending:
        folder, depth = pending.pop()
        check()
        subfolders: list[Path] = []
        for entry in _entries(folder, visited, on_problem):
            status = _status(entry, on_problem)
            if status is None:
                continue
            if stat.S_ISDIR(status.st_mode):
                subfolders.append(Path(entry.path))
            elif stat.S_ISREG(status.st_mode):
                found += 1
                if limited and found > MAX_FILES:
                    on_problem(root, f"more than {MAX_FILES} files; the rest was not looked at")
                    return
                yield FoundFile(Path(entry.path), Stamp(status.st_size, status.st_mtime_ns))
            else:
                on_problem(Path(entry.path), "a pipe, a socket or a device, not a file")
        if depth >= MAX_DEPTH and subfolders:
            on_problem(folder, f"more than {MAX_DEPTH} folders deep; not looked into")
        else:
            pending.extend((sub, depth + 1) for sub in reversed(subfolders))


def _entries(
    folder: Path, visited: set[tuple[int, int]], on_problem: Problem
) -> list[os.DirEntry[str]]:
    """List a folder once; nothing where it was listed before or cannot be opened."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in visited:
            on_problem(folder, "a link to a folder that is looked at anyway")
            return []
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        on_problem(folder, f"folder cannot be opened ({error.strerror or 'unreadable'})")
        return []
    return [entry for entry in entries if not is_clutter(entry.name)]


def _status(entry: os.DirEntry[str], on_problem: Problem) -> os.stat_result | None:
    """Return what an entry is, links followed; ``None`` after telling why it cannot be known."""
    try:
        return entry.stat()
    except FileNotFoundError:
        gone = "a link to nothing" if entry.is_symlink() else "was removed while it was looked for"
        on_problem(Path(entry.path), gone)
    except OSError as error:
        on_problem(Path(entry.path), f"cannot be looked at ({error.strerror or 'unreadable'})")
    return None
