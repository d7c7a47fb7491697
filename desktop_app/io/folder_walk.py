"""Walk a folder tree without being led astray by links, or drowned by a whole disk."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_DEPTH = 24
MAX_FILES = 200_000
# What operating systems and archives leave lying about; never worth a line in a report.
_CLUTTER = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "__macosx", "lockfile", "version"})


def walk_files(
    root: Path,
    *,
    on_problem: Callable[[Path, str], None],
    check: Callable[[], None] | None = None,
) -> Iterator[Path]:
    """Yield the files below a folder in a stable order.

    Parameters
    ----------
    root
        The folder; each real folder below is entered once, whatever links lead to it.
    on_problem
        Told of each folder or link that could not be followed, with the reason.
    check
        Called per folder; raises to stop.
    """
    visited: set[tuple[int, int]] = set()
    found = 0
    pending: list[tuple[Path, int]] = [(root, 0)]
    while pending:
        folder, depth = pending.pop()
        if check is not None:
            check()
        entries = _entries(folder, visited, on_problem)
        subfolders = [Path(entry.path) for entry in entries if _is_folder(entry)]
        for entry in entries:
            if entry.is_file():
                found += 1
                if found > MAX_FILES:
                    on_problem(root, f"more than {MAX_FILES} files; the rest was not looked at")
                    return
                yield Path(entry.path)
            elif Path(entry.path) not in subfolders:
                on_problem(Path(entry.path), "neither a file nor a folder, or a broken link")
        if depth >= MAX_DEPTH and subfolders:
            on_problem(folder, f"more than {MAX_DEPTH} folders deep; not looked into")
        else:
            pending.extend((sub, depth + 1) for sub in reversed(subfolders))


def _entries(
    folder: Path, visited: set[tuple[int, int]], on_problem: Callable[[Path, str], None]
) -> list[os.DirEntry[str]]:
    """List a folder once; nothing where it was listed before or cannot be opened."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in visited:
            return []
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        on_problem(folder, f"folder cannot be opened ({error.strerror or 'unreadable'})")
        return []
    return [e for e in entries if not e.name.startswith(".") and e.name.lower() not in _CLUTTER]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
