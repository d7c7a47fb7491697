"""What compiled files ask of the system they are started on, read with binutils' ``readelf``."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_MAGIC = b"\x7fELF"
_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_SONAME = re.compile(r"\(SONAME\).*\[(.+)\]")
_GLIBC = re.compile(r"Name: GLIBC_(\d+)\.(\d+)")
_BATCH = 200

# Which Debian package has a library that the program leaves to the system: the C library, and
# what must match the graphics driver or the screen. C++'s is as new as that of the oldest system
# that is built on.
PACKAGE_OF = {
    "ld-linux-x86-64.so.2": "libc6",
    "libc.so.6": "libc6",
    "libdl.so.2": "libc6",
    "libm.so.6": "libc6",
    "libpthread.so.0": "libc6",
    "libresolv.so.2": "libc6",
    "librt.so.1": "libc6",
    "libutil.so.1": "libc6",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libdrm.so.2": "libdrm2",
    "libexpat.so.1": "libexpat1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgcc_s.so.1": "libgcc-s1",
    # Where it is called libglib2.0-0t64, it provides the other name.
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libstdc++.so.6": "libstdc++6 (>= 12)",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
    "libz.so.1": "zlib1g",
}


@dataclass(frozen=True, slots=True)
class Needs:
    """What a folder of programs and libraries needs from outside itself.

    Parameters
    ----------
    sonames
        Libraries that are not in the folder.
    glibc
        The oldest C library with which everything can be loaded: (major, minor).
    """

    sonames: frozenset[str]
    glibc: tuple[int, int]


def elf_files(folder: Path) -> list[Path]:
    """Return every program and library of the folder, sorted; links are left out."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and _is_elf(path)
    ]


def read_needs(folder: Path) -> Needs:
    """Return what the folder's programs and libraries need from outside it.

    Raises
    ------
    subprocess.CalledProcessError
        If `readelf` cannot read one of them.
    """
    files = elf_files(folder)
    present = {path.name for path in folder.rglob("*")}
    wanted: set[str] = set()
    glibc = (2, 0)
    for start in range(0, len(files), _BATCH):
        listing = _readelf(files[start : start + _BATCH])
        wanted.update(_NEEDED.findall(listing))
        versions = ((int(major), int(minor)) for major, minor in _GLIBC.findall(listing))
        glibc = max(glibc, max(versions, default=glibc))
    return Needs(frozenset(wanted - present), glibc)


def soname(library: Path) -> str:
    """Return the name by which others need a library."""
    found = _SONAME.search(_readelf([library]))
    return library.name if found is None else found[1]


def data_bytes(library: Path, symbol: str) -> int:
    """Return the size of a table that a library offers.

    Raises
    ------
    ValueError
        If there is no such table.
    """
    listing = subprocess.run(
        ["readelf", "--wide", "--dyn-syms", str(library)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in listing.splitlines():
        # Number, value, size, type, bind, visibility, section, name.
        fields = line.split()
        if fields[-1:] == [symbol]:
            return int(fields[2], 0)
    raise ValueError(f"{library} has no {symbol}")


def unreachable(folder: Path, libraries: Callable[[Path], bool]) -> list[Path]:
    """Return the libraries that nothing in the folder needs any more, links to them included.

    Parameters
    ----------
    folder
        An absolute path without links, as what links point to is compared.
    libraries
        Tells, of a path, whether it is loaded only because something names it as needed; all
        else counts as used.
    """
    files = {path for path in folder.rglob("*") if path.is_file()}
    # Several wheels bring libraries of the same name; all of them count as meant.
    by_name: dict[str, set[Path]] = defaultdict(set)
    for path in files:
        by_name[path.name].add(path.resolve())
    compiled = {path for path in files if not path.is_symlink() and _is_elf(path)}
    used = {path for path in compiled if not libraries(path)}
    waiting = list(used)
    while waiting:
        for name in _NEEDED.findall(_readelf([waiting.pop()])):
            found = by_name[name] - used
            used |= found
            waiting += found
    dropped = {path for path in compiled if libraries(path)} - used
    return sorted(path for path in files if path in dropped or path.resolve() in dropped)


def debian_packages(sonames: Iterable[str]) -> list[str]:
    """Return the Debian packages with these libraries, sorted.

    Raises
    ------
    KeyError
        For a library that nothing here is known about: either it should have been collected, or
        its package is to be added.
    """
    return sorted({PACKAGE_OF[soname] for soname in sonames})


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == _MAGIC


def _readelf(files: list[Path]) -> str:
    return subprocess.run(
        ["readelf", "--wide", "--dynamic", "--version-info", *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
