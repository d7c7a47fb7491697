"""Makes the Windows installer from the frozen program, with NSIS, on Windows or Linux."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dev_errors import SetUpError
from icons import write_ico
from windows.payload import (
    CONSOLE_PROGRAM,
    LIST_NAME,
    WINDOW_PROGRAM,
    Payload,
    read_payload,
    removal_list,
    unpack_script,
)
from windows.signing import can_sign, sign
from windows.version_info import file_version

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "gliascope.nsi"
LICENCE = HERE.parents[1] / "LICENSE"

# A 32-bit installer can tell a 32-bit Windows why it refuses; Windows on Intel and AMD runs it.
SHIPPED_MACHINE = "x86-unicode"


def build_installer(
    onedir: Path,
    version: str,
    output: Path,
    *,
    machine: str = SHIPPED_MACHINE,
    room_mib: int | None = None,
) -> Path:
    """Make the installer.

    Parameters
    ----------
    onedir
        The frozen program's folder, with Gliascope.exe and gliascope-cli.exe.
    version
        As pyproject.toml has it.
    output
        Folder for the installer; made where it is missing.
    machine
        NSIS' name of the installer's own machine code.
    room_mib
        Room to ask for before unpacking; by default what the program takes and a tenth.

    Returns
    -------
    Path
        ``Gliascope-VERSION-windows-x64.exe`` in `output`.

    Raises
    ------
    SetUpError
        Without NSIS, with a payload of the wrong shape, or when signing or compiling fails.
    """
    payload = read_payload(onedir)
    if can_sign():
        for program in (WINDOW_PROGRAM, CONSOLE_PROGRAM):
            sign(onedir / program)
    else:
        print("The installer stays unsigned: no command that signs was given.", flush=True)
    output.mkdir(parents=True, exist_ok=True)
    target = output / f"Gliascope-{version}-windows-x64.exe"
    with tempfile.TemporaryDirectory(prefix="gliascope-installer-") as folder:
        made = Path(folder) / target.name
        definitions = _definitions(payload, version, made, Path(folder))
        if room_mib is not None:
            definitions["PAYLOAD_MB"] = str(room_mib)
        _compile({"MACHINE": machine, **definitions})
        shutil.move(made, target)
    return target


def _definitions(payload: Payload, version: str, made: Path, folder: Path) -> dict[str, str]:
    """Write what the script includes into a folder, and return what it wants defined."""
    list_file = folder / LIST_NAME
    list_file.write_bytes(removal_list(payload))
    script = folder / "payload.nsh"
    script.write_text(unpack_script(payload, list_file), "utf-8")
    icon = folder / "gliascope.ico"
    write_ico(icon)
    definitions = {
        "VERSION": version,
        "FILE_VERSION": ".".join(map(str, file_version(version))),
        "OUTPUT": str(made),
        "PAYLOAD": str(script),
        "PAYLOAD_MB": str(payload.room_mib),
        "PAYLOAD_KB": str(payload.size_kib),
        "LONGEST": str(max(payload.longest, len(LIST_NAME))),
        "ICON": str(icon),
        "LICENCE": str(LICENCE),
    }
    if can_sign():
        definitions["SIGN"] = f'"{sys.executable}" -m windows.signing'
    return definitions


def _compile(definitions: dict[str, str]) -> None:
    compiler = shutil.which("makensis")
    if compiler is None:
        raise SetUpError(
            "NSIS is missing, which makes the Windows installer.",
            "makensis",
            "Install NSIS 3.08 or later: apt-get install nsis, choco install nsis.",
        )
    # Options begin with a slash on Windows only; a hyphen is understood everywhere.
    command = [compiler, "-V2", "-WX", "-INPUTCHARSET", "UTF8"]
    command += [f"-D{name}={value}" for name, value in definitions.items()]
    done = subprocess.run(
        [*command, str(SCRIPT)],
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        complaint = (done.stdout + done.stderr).strip().splitlines()
        raise SetUpError(
            "The installer's script could not be compiled.",
            f"{SCRIPT}: {' '.join(complaint[-3:])}",
            "Mend the script; makensis names the line.",
        )
