"""Folders made the same each time: fixed times, rights and owners, in a fixed order."""

import gzip
import os
import tarfile
from pathlib import Path

GZIP_LEVEL = 6


def settle(folder: Path, epoch_s: int) -> None:
    """Give everything below a folder one time, and rights that suit every user.

    Parameters
    ----------
    epoch_s
        The time of every file, in seconds since 1970.
    """
    for path in [*sorted(folder.rglob("*"), reverse=True), folder]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or _is_program(path) else 0o644)
        os.utime(path, (epoch_s, epoch_s), follow_symlinks=False)


def _is_program(path: Path) -> bool:
    """Tell what is started from what is only loaded or read, whatever rights a wheel gave it."""
    if not path.stat().st_mode & 0o100 or ".so" in path.name:
        return False
    with path.open("rb") as stream:
        return stream.read(9).startswith((b"\x7fELF", b"#!/bin/sh"))


def installed_kib(folder: Path) -> int:
    """Return what the files take on a disk, in KiB: each file in whole ones, a folder one."""
    return sum(
        1 if path.is_dir() and not path.is_symlink() else -(-path.lstat().st_size // 1024)
        for path in folder.rglob("*")
    )


def write_tar_gz(folder: Path, target: Path, epoch_s: int) -> None:
    """Pack what is below a folder, owned by root, in the order of the names."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=epoch_s) as packed,
    ):
        _write_tar(folder, packed, epoch_s)


def _write_tar(folder: Path, stream: gzip.GzipFile, epoch_s: int) -> None:
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            entry = archive.gettarinfo(path, str(path.relative_to(folder)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = epoch_s
            if entry.isreg():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
