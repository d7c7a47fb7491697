"""Qt's copy of ICU's tables without those that nothing in Qt asks for.

Of ICU's functions libQt6Core calls those that compare strings, change their case, convert between
character sets and name time zones (``nm --dynamic --undefined-only``). The program decodes text
itself and shows no names of time zones, so that sorting, in file dialogs, is what remains; it
needs the tables in ``coll`` and those that belong to no language. Measures, currencies, names of
languages and regions, line breaks, spelt-out numbers and transliterations go.
"""

import struct
import subprocess
import tempfile
from pathlib import Path

from linux.elf import data_bytes, soname

PATTERN = "PySide6/Qt/lib/libicudata.so.*"
# https://unicode-org.github.io/icu/userguide/icu_data/#common-data: "CmnD" files begin with a
# header that tells its own length, then the table of contents, then the items, 16 bytes aligned.
_LENGTH_BYTES = 2
_BEGINNING = b"\xda\x27\x14\0\0\0"
_FORMAT = b"CmnD"
_ALIGNMENT = 16
_KEPT_FOLDERS = ("coll",)
_DROPPED_ENDINGS = (".cnv",)


class IcuError(Exception):
    """The library does not hold ICU's data the way this module knows it."""


def trim_icu(inner: Path) -> int:
    """Rewrite ICU's library of tables in the frozen program, where there is one.

    Returns
    -------
    int
        Bytes saved.
    """
    saved = 0
    for library in sorted(inner.glob(PATTERN)):
        before = library.stat().st_size
        name = soname(library)
        symbol = f"icudt{name.rpartition('.')[2]}_dat"
        content = library.read_bytes()
        start = content.find(_BEGINNING) - _LENGTH_BYTES
        package = trimmed(content[start : start + data_bytes(library, symbol)])
        _link(package, symbol, name, library)
        saved += before - library.stat().st_size
    return saved


def is_needed(name: str) -> bool:
    """Tell whether Qt asks for an item, by its name in the package: ``icudt73l/coll/de.res``."""
    folder, _, file = name.partition("/")[2].rpartition("/")
    return (not folder or folder in _KEPT_FOLDERS) and not file.endswith(_DROPPED_ENDINGS)


def trimmed(package: bytes) -> bytes:
    """Return a package of ICU's data with only the items that are needed."""
    header, items = read_package(package)
    return write_package(header, {name: data for name, data in items.items() if is_needed(name)})


def read_package(package: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Return a package's header, and its items by name.

    Raises
    ------
    IcuError
        If this is no package of ICU's common data, little-endian.
    """
    length = int.from_bytes(package[:_LENGTH_BYTES], "little")
    if (
        not package[_LENGTH_BYTES:].startswith(_BEGINNING)
        or package[12:16] != _FORMAT
        or package[8] != 0
    ):
        raise IcuError("no package of ICU's common data, little-endian")
    contents = memoryview(package)[length:]
    (count,) = struct.unpack_from("<I", contents)
    pairs = list(struct.iter_unpack("<II", contents[4 : 4 + 8 * count]))
    ends = [start for _, start in pairs[1:]] + [len(contents)]
    items = {}
    for (name_at, start), end in zip(pairs, ends, strict=True):
        name_end = package.index(b"\0", length + name_at)
        items[package[length + name_at : name_end].decode("ascii")] = bytes(contents[start:end])
    return package[:length], items


def write_package(header: bytes, items: dict[str, bytes]) -> bytes:
    """Return a package of these items; ICU looks names up by halving, so they are sorted."""
    names = sorted(items)
    name_at = 4 + 8 * len(names)
    texts = b"".join(name.encode("ascii") + b"\0" for name in names)
    table = struct.pack("<I", len(names))
    body = bytearray()
    start = _aligned(name_at + len(texts))
    for name in names:
        table += struct.pack("<II", name_at, start + len(body))
        name_at += len(name) + 1
        body += items[name]
        body += bytes(_aligned(len(body)) - len(body))
    head = table + texts
    return header + head + bytes(start - len(head)) + bytes(body)


def _aligned(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT


def _link(package: bytes, symbol: str, name: str, library: Path) -> None:
    """Make the library anew from its tables, by binutils' assembler and linker."""
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        data = Path(folder) / "data"
        data.write_bytes(package)
        source = (
            f".section .rodata\n.balign {_ALIGNMENT}\n.globl {symbol}\n"
            f'.type {symbol}, @object\n{symbol}:\n.incbin "data"\n'
            f'.size {symbol}, .-{symbol}\n.section .note.GNU-stack,"",@progbits\n'
        )
        subprocess.run(["as", "-o", "data.o", "-"], input=source.encode(), cwd=folder, check=True)
        made = Path(folder) / "made"
        subprocess.run(
            ["ld", "-shared", "-z", "noexecstack", "--build-id=none", "--hash-style=gnu",
             "-soname", name, "-o", str(made), "data.o"],
            cwd=folder, check=True,
        )  # fmt: skip
        made.chmod(library.stat().st_mode)
        made.replace(library)
