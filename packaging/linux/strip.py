"""Takes out of libraries what no program ever loads: symbols and notes for debuggers."""

import shutil
import struct
import subprocess
from pathlib import Path

from dev_errors import SetUpError
from linux.elf import elf_files

# ELF-64: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html and ch5.pheader.html
_HEADER_BYTES = 64
_PROGRAM_HEADERS = struct.Struct("<QQIHHH")  # from byte 32: places of both tables, flags, sizes
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_LOADED = 1
_DYNAMIC = 2

Segment = tuple[int, int, int, int, bytes]


def strip_libraries(inner: Path) -> int:
    """Strip every library below a folder whose loaded parts come out of it unchanged.

    ``strip`` can break libraries whose tables auditwheel's patchelf has rewritten, such as NumPy's
    and SciPy's (https://github.com/NixOS/patchelf/issues/10). So each result is compared with what
    the loader saw before, byte by byte, and thrown away where it differs.

    Returns
    -------
    int
        Bytes saved.

    Raises
    ------
    SetUpError
        Where binutils is missing.
    """
    program = shutil.which("strip")
    if program is None:
        raise SetUpError(
            "binutils is missing, without which the libraries stay larger.",
            "strip",
            "Install it: apt-get install binutils",
        )
    libraries = [path for path in elf_files(inner) if ".so" in path.name]
    return sum(_strip(program, library) for library in libraries)


def _strip(program: str, library: Path) -> int:
    stripped = library.with_name(f"{library.name}.stripped")
    before = library.stat().st_size
    try:
        done = subprocess.run(
            [program, "--strip-unneeded", "-o", str(stripped), str(library)],
            capture_output=True,
            check=False,
        )
        if done.returncode != 0 or stripped.stat().st_size >= before:
            return 0
        if loaded_parts(stripped) != loaded_parts(library):
            return 0
        shutil.copymode(library, stripped)
        stripped.replace(library)
    finally:
        stripped.unlink(missing_ok=True)
    return before - library.stat().st_size


def loaded_parts(library: Path) -> list[Segment]:
    """Return what the loader maps of a 64-bit library, and where its dynamic table lies.

    Each is kind, flags, address, size in memory and content. Left out of the contents is the
    book-keeping of the file itself, at its beginning, which may say that something else moved.
    """
    with library.open("rb") as stream:
        header = stream.read(_HEADER_BYTES)
        table, _, _, _, entry_bytes, count = _PROGRAM_HEADERS.unpack_from(header, 32)
        stream.seek(table)
        entries = stream.read(entry_bytes * count)
        own = max(_HEADER_BYTES, table + entry_bytes * count)
        parts: list[Segment] = []
        for start in range(0, len(entries), entry_bytes):
            kind, flags, offset, address, _, in_file, in_memory, _ = _PROGRAM_HEADER.unpack_from(
                entries, start
            )
            if kind not in (_LOADED, _DYNAMIC):
                continue
            skipped = max(0, own - offset) if offset < own else 0
            stream.seek(offset + skipped)
            parts.append((kind, flags, address, in_memory, stream.read(max(0, in_file - skipped))))
    return parts
