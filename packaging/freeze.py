"""Freezes the program with PyInstaller, and makes the result small and the same each time."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from dev_errors import SetUpError
from icons import write_icns, write_ico
from linux.elf import unreachable
from windows.version_info import version_info

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SPEC = HERE / "gliascope.spec"
FOLDER = "Gliascope"
# The window, and the same without one, for scripts: on Windows a program is one or the other.
WINDOWS_PROGRAMS = {"Gliascope": "Gliascope", "gliascope-cli": "Gliascope, command line"}
# strip can break libraries whose tables auditwheel's patchelf has rewritten, as those of NumPy and
# SciPy (https://github.com/NixOS/patchelf/issues/10). These were tried.
STRIPPED = (
    "*.abi3.so",
    "PIL/*.so",
    "SimpleITK/*.so*",
    "_CharLS.*",
    "_openjpeg.*",
    "libpython*",
    "pydantic_core/*.so",
    "safetensors/*.so",
    "torch/lib/*.so*",
    "vtkmodules/*.so*",
)


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
    if sys.platform.startswith("linux"):
        drop_unreachable(onedir / "_internal")
        strip_symbols(onedir / "_internal")
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
    for path in unreachable(inner, lambda path: _only_linked(path.relative_to(inner))):
        path.unlink()


def _only_linked(path: Path) -> bool:
    folder = path.parent.as_posix()
    if folder == ".":
        # The program itself loads Python's by name.
        return path.name.startswith("lib") and not path.name.startswith("libpython")
    return folder.endswith(".libs") or folder == "PySide6/Qt/lib"


def strip_symbols(inner: Path) -> int:
    """Take the symbols that only a debugger reads out of the large libraries.

    Returns
    -------
    int
        Bytes saved.
    """
    program = shutil.which("strip")
    if program is None:
        raise SetUpError(
            "binutils is missing, without which the libraries stay a tenth larger.",
            "strip",
            "Install it: apt-get install binutils",
        )
    saved = 0
    for pattern in STRIPPED:
        for library in sorted(inner.glob(pattern)):
            if library.is_symlink():
                continue
            before = library.stat().st_size
            subprocess.run([program, "--strip-unneeded", str(library)], check=True)
            saved += before - library.stat().st_size
    return saved
