"""What is really inside a frozen program: distributions of Python, and libraries of the system.

Read from the program itself, not from a list of what was meant to be in it: licences and bill of
materials must not forget what an analysis of imports has dragged along.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions, packages_distributions
from pathlib import Path, PurePosixPath

from dev_errors import SetUpError

# PyInstaller's own folder for everything but the programs.
_CONTENTS = "_internal"
_PROGRAMS = ("gliascope", "Gliascope.exe")
_LIBRARY_ENDINGS = (".so", ".dylib", ".dll", ".pyd")


@dataclass(frozen=True, slots=True)
class Shipped:
    """The parts of a frozen program.

    Parameters
    ----------
    distributions
        Python distributions of which anything is inside, by name.
    libraries
        File names of native libraries that belong to none of them: the system's.
    files
        All native libraries, those of distributions included.
    """

    distributions: tuple[Distribution, ...]
    libraries: tuple[str, ...]
    files: tuple[Path, ...] = ()


def contents_folder(onedir: Path) -> Path:
    """Return the folder inside a frozen program that holds all but the programs.

    Raises
    ------
    SetUpError
        Where this is no frozen program.
    """
    if (onedir / _CONTENTS).is_dir():
        return onedir / _CONTENTS
    raise SetUpError(
        "This is no frozen program.", str(onedir), "Make one: python3 packaging/dev.py build"
    )


def read_shipped(onedir: Path) -> Shipped:
    """Look into a frozen program, with the environment that it was made from.

    Parameters
    ----------
    onedir
        Its folder; on macOS the one beside the bundle.

    Raises
    ------
    SetUpError
        Where this is no frozen program.
    """
    contents = contents_folder(onedir)
    modules = set(_frozen_modules(onedir)) | {
        path.name.split(".")[0] for path in contents.iterdir()
    }
    known = packages_distributions()
    names = {name for module in modules for name in known.get(module, ())}
    installed = {found.metadata["Name"]: found for found in distributions()}
    inside = tuple(installed[name] for name in sorted(names, key=str.lower))
    # Wheels keep libraries in folders of their own, which freezing flattens: so by file name.
    owned = {PurePosixPath(file).name for found in installed.values() for file in found.files or ()}
    files = tuple(path for path in sorted(contents.rglob("*")) if is_library(path.name))
    libraries = {path.name for path in files}
    return Shipped(inside, tuple(sorted(libraries - owned)), files)


def is_library(name: str) -> bool:
    """Tell from a file's name whether it is native code to be loaded."""
    return name.endswith(_LIBRARY_ENDINGS) or ".so." in name


def _frozen_modules(onedir: Path) -> Iterator[str]:
    """Yield the top-level names of the modules inside the program's archive."""
    from PyInstaller.archive.readers import CArchiveReader

    for name in _PROGRAMS:
        program = onedir / name
        if program.is_file():
            archive = CArchiveReader(str(program)).open_embedded_archive("PYZ.pyz")
            yield from {module.split(".")[0] for module in archive.toc}
            return
    raise SetUpError("The program is missing.", str(onedir), "Build it again.")
