"""The first bytes of a file, read without ever waiting for it or reading it whole."""

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# Holds the header of an MR slice up to the image's matrix, and is one read on every system.
HEAD_BYTES = 1 << 16

# A pipe without a writer would keep a plain open waiting for ever.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

META_BYTES = 1024
"""File meta information of DICOM is seldom longer than half of it."""

META_LENGTH_END = 128 + 4 + 12
"""Preamble, magic word and the element that holds the length of what follows (PS3.10 7.1)."""

_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"
# A file without preamble starts with an element of group 2 or 8 (PS3.10 7.1, PS3.6).
_FIRST_GROUPS = (0x0002, 0x0008)
_LARGEST_FIRST_ELEMENT = 0x0100
_BYTE_ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells that a file is still the one that was read.

    Parameters
    ----------
    size
        Bytes.
    mtime_ns
        When it was last changed.
    """

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class FileHead:
    """How a file begins.

    Parameters
    ----------
    data
        Its first bytes, all of it if it is no longer than that.
    size
        Its whole length in bytes.
    """

    data: bytes
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether `data` is the whole file."""
        return self.size <= len(self.data)


class NotAFile(OSError):
    """A pipe, socket or device, which is not opened to look for an image."""


def open_file(path: Path) -> io.BufferedReader:
    """Open a regular file to read.

    Raises
    ------
    NotAFile
        If it is a pipe, a socket, a device or a folder.
    OSError
        If it cannot be read.
    """
    descriptor = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFile(0, "neither a file nor a folder", str(path))
    return os.fdopen(descriptor, "rb")


def read_head(path: Path, count: int = HEAD_BYTES) -> FileHead:
    """Read the first bytes of a regular file.

    Raises
    ------
    NotAFile
        If it is a pipe, a socket, a device or a folder.
    OSError
        If it cannot be read.
    """
    with open_file(path) as file:
        return FileHead(file.raw.read(count) or b"", os.fstat(file.fileno()).st_size)


def begins_like_dicom(data: bytes) -> bool:
    """Whether a file that begins so may be DICOM, with or without preamble."""
    start = _PREAMBLE_BYTES + len(_MAGIC)
    has_preamble = data[_PREAMBLE_BYTES:start] == _MAGIC
    return _is_first_element(data[start : start + 8] if has_preamble else data[:8])


def _is_first_element(data: bytes) -> bool:
    return len(data) == 8 and any(
        int.from_bytes(data[:2], order) in _FIRST_GROUPS
        and int.from_bytes(data[2:4], order) <= _LARGEST_FIRST_ELEMENT
        for order in _BYTE_ORDERS
    )
