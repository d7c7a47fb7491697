"""Freezes the program with PyInstaller, and makes the result small and the same each time."""

import filecmp
import os
import platform
import subprocess
import sys
from pathlib import Path

from dev_errors import SetUpError
from icons import write_icns, write_ico
from linux.elf import unreachable
from linux.icu import trim_icu
from linux.strip import strip_libraries
from smaller import tighten_tables
from windows.version_info import version_info

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SPEC = HERE / "gliascope.spec"
FOLDER = "Gliascope"
# The window, and the same without one, for scripts: on Windows a program is one or the other.
WINDOWS_PROGRAMS = {"Gliascope": "Gliascope", "gliascope-cli": "Gliascope, command line"}


def freeze(sample: Path, version: str, epoch_s: int, output: Path) -> Path:
    """Make the frozen program and return its folder.

    Parameters
    ----------
    sample
        The sample study to ship, with ``dicom`` and ``truth``.
    version
        As pyproject.toml has it; Windows and macOS show it with the program.
    epoch_s
        The commit's time, in seconds since 1970; files in archives bear it.
    output
        Folder for the program and for PyInstaller's cache.

    Raises
    ------
    SetUpError
        Where PyInstaller fails; its messages stand in ``freeze.log``.
    """
    output.mkdir(parents=True, exist_ok=True)
    log = output / "freeze.log"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "INFO"]
    command += ["--distpath", str(output), "--workpath", str(output / "work"), str(SPEC)]
    variables = {
        # Sets are written in the order of their hashes.
        "PYTHONHASHSEED": "1",
        "SOURCE_DATE_EPOCH": str(epoch_s),
        "PYINSTALLER_CONFIG_DIR": str(output / "cache"),
        "GLIASCOPE_SAMPLE": str(sample),
        "GLIASCOPE_VERSION": version,
        **_dress(version, output / "work"),
    }
    with log.open("w", encoding="utf-8") as stream:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        raise SetUpError(
            "The program could not be frozen.",
            f"{log}: {' '.join(last)}",
            "Read the log's last lines; a missing module is a case for HIDDEN_IMPORTS.",
        )
    onedir = output / FOLDER
    tighten_tables(onedir / "_internal")
    if sys.platform.startswith("linux"):
        drop_unreachable(onedir / "_internal")
        trim_icu(onedir / "_internal")
        strip_libraries(onedir / "_internal")
        link_twins(onedir / "_internal")
    return onedir


def _dress(version: str, work: Path) -> dict[str, str]:
    """Write what Windows and macOS want inside a program, and tell the plan where it lies."""
    work.mkdir(parents=True, exist_ok=True)
    system = platform.system()
    if system == "Darwin":
        write_icns(work / "gliascope.icns")
        return {"GLIASCOPE_ICON": str(work / "gliascope.icns")}
    if system != "Windows":
        return {}
    write_ico(work / "gliascope.ico")
    for name, description in WINDOWS_PROGRAMS.items():
        text = version_info(version, f"{name}.exe", description)
        (work / f"{name}.txt").write_text(text, "utf-8")
    return {
        "GLIASCOPE_ICON": str(work / "gliascope.ico"),
        "GLIASCOPE_MANIFEST": str(HERE / "windows" / "gliascope.manifest"),
        "GLIASCOPE_VERSIONS": str(work),
    }


def drop_unreachable(inner: Path) -> None:
    """Remove the libraries that were collected for something that is not shipped."""
    inner = inner.resolve()
    for path in unreachable(inner, lambda path: _only_linked(path.relative_to(inner))):
        path.unlink()


def link_twins(inner: Path) -> None:
    """Keep one copy of a library that several wheels bring, such as Fortran's."""
    first: dict[str, Path] = {}
    for path in sorted(inner.glob("*.libs/*")):
        if path.is_symlink():
            continue
        twin = first.setdefault(path.name, path)
        if twin != path and filecmp.cmp(twin, path, shallow=False):
            path.unlink()
            path.symlink_to(Path("..") / twin.relative_to(inner))


def _only_linked(path: Path) -> bool:
    folder = path.parent.as_posix()
    if folder == ".":
        # The program itself loads Python's by name.
        return path.name.startswith("lib") and not path.name.startswith("libpython")
    return folder.endswith(".libs") or folder == "PySide6/Qt/lib"
