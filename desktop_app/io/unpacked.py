"""Where archives are unpacked to: one folder per process and archive, used again and cleaned up."""

import atexit
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from desktop_app.io.folder_walk import FoundFile
from desktop_app.io.naming import safe_name
from desktop_app.paths import user_data_dir

_UNPACKED = "unpacked"
# Beside what was unpacked; hidden, so that it is never looked at for images.
_ABOUT = ".gliascope-archive.json"
_begun: set[Path] = set()

LeftOut = tuple[tuple[str, ...], str]
"""The parts of a member's path in its archive, and why it was left out."""


class Unpacked:
    """The place of one archive's files, the same as long as the archive and the process are.

    Parameters
    ----------
    archive
        As it was found.
    """

    def __init__(self, archive: FoundFile) -> None:
        self._archive = str(archive.path.resolve())
        what = f"{self._archive} {archive.stamp.size} {archive.stamp.mtime_ns}"
        digest = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        self.folder = own_folder() / digest
        self.path = self.folder / archive.path.stem

    def left_out(self) -> list[LeftOut] | None:
        """Return what was left out when the archive was unpacked; ``None`` if it is not there."""
        about = _about(self.folder)
        if about is None or not self.path.exists():
            return None
        return [(tuple(parts), reason) for parts, reason in about["left_out"]]

    @contextmanager
    def filling(self, left_out: list[LeftOut]) -> Iterator[Path]:
        """Give the path to unpack to; what is there when the block succeeds becomes `path`.

        When the block raises, or leaves nothing there, nothing stays behind.
        """
        staging = Path(tempfile.mkdtemp(prefix="part-", dir=own_folder()))
        target = staging / self.path.name
        try:
            yield target
            if not target.exists():
                return
            about = {"archive": self._archive, "left_out": left_out}
            (staging / _ABOUT).write_text(json.dumps(about), "ascii")
            if self.left_out() is None:
                shutil.rmtree(self.folder, ignore_errors=True)
                staging.rename(self.folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def forget_unused(root: Path, used: set[Path]) -> None:
    """Remove the files of archives that lay at or below a path and were not met there again.

    Parameters
    ----------
    root
        What was searched from end to end.
    used
        `Unpacked.folder` of every archive that was met.
    """
    own, root = _own_path(), root.resolve()
    for folder in own.iterdir() if own.is_dir() else ():
        about = None if folder in used else _about(folder)
        if about is not None and Path(about["archive"]).is_relative_to(root):
            shutil.rmtree(folder, ignore_errors=True)


def lasting_name(path: Path) -> str:
    """Return what names a file in every run: its path, or its place in an archive unpacked here."""
    unpacked = (user_data_dir() / _UNPACKED).resolve()
    resolved = path.resolve()
    if not resolved.is_relative_to(unpacked):
        return str(resolved)
    return "/".join(resolved.relative_to(unpacked).parts[1:])


def own_folder() -> Path:
    """Return the folder of this process, which is removed when it ends."""
    folder = _own_path()
    if folder not in _begun:
        # What lies there is of a process that crashed and had the same number, as in a container.
        shutil.rmtree(folder, ignore_errors=True)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _begun.add(folder)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        _clear(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _own_path() -> Path:
    return user_data_dir() / _UNPACKED / f"{os.getpid()}-{_computer()}"


def _computer() -> str:
    """Return the computer's name: several may share a home, and number processes alike."""
    return safe_name(platform.node(), "computer")


def _clear(parent: Path) -> None:
    """Remove patients' files that runs on this computer left behind when they crashed."""
    for leftover in parent.iterdir():
        process, _, computer = leftover.name.partition("-")
        here = computer == _computer() and process.isdigit()
        if here and not psutil.pid_exists(int(process)):
            shutil.rmtree(leftover, ignore_errors=True)


def _about(folder: Path) -> dict[str, Any] | None:
    try:
        about: dict[str, Any] = json.loads((folder / _ABOUT).read_text("ascii"))
    except OSError:
        return None
    return about
