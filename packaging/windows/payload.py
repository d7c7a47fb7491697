"""The frozen program as the Windows installer takes it: what to unpack, and the list to remove it.

NSIS could take a folder as it stands, but then nothing would know later which files were the
program's. So both are written out, file by file.
"""

import os
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from dev_errors import SetUpError

WINDOW_PROGRAM = "Gliascope.exe"
CONSOLE_PROGRAM = "gliascope-cli.exe"
LIST_NAME = "installed-files.txt"
_RESERVED = {LIST_NAME, "uninstall.exe", ".gliascope-new", ".gliascope-old"}
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Payload:
    """The files and folders of a frozen program, sorted, relative to its folder.

    Parameters
    ----------
    root
        The frozen program's folder.
    files
        Every file, relative to `root`.
    folders
        Every folder below `root`, each after those inside it.
    size_bytes
        What the files take together.
    """

    root: Path
    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    size_bytes: int

    @property
    def size_kib(self) -> int:
        """What Windows shows under Add or Remove Programs."""
        return -(-self.size_bytes // 1024)

    @property
    def room_mib(self) -> int:
        """Room to ask for before unpacking, with a tenth for what files waste on a disk."""
        return -(-self.size_bytes * 11 // (10 * _MIB))

    @property
    def longest(self) -> int:
        """Characters of the longest relative path."""
        return max(len(str(path)) for path in self.files)


def read_payload(onedir: Path) -> Payload:
    """List a frozen program.

    Raises
    ------
    SetUpError
        Where a program is missing, or a name would not survive Windows or the installer's list.
    """
    files, folders = [], []
    for folder, inner, names in os.walk(onedir):
        here = Path(folder).relative_to(onedir)
        folders += [here / name for name in inner]
        files += [here / name for name in names]
    for program in (WINDOW_PROGRAM, CONSOLE_PROGRAM):
        if Path(program) not in files:
            raise _refused(f"{program} is missing.", onedir, "Build the program first.")
    _check_names(onedir, [*files, *folders])
    return Payload(
        root=onedir,
        files=tuple(sorted(files)),
        folders=tuple(sorted(folders, key=lambda path: (-len(path.parts), path))),
        size_bytes=sum((onedir / path).stat().st_size for path in files),
    )


def _check_names(onedir: Path, paths: list[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in paths:
        if (onedir / path).is_symlink():
            raise _refused("Windows' installer carries no links.", onedir / path, "Copy the file.")
        if not str(path).isascii() or any(sign in str(path) for sign in '$"\n'):
            raise _refused("The installer's script cannot hold this name.", path, "Rename it.")
        if path.parts[0].lower() in _RESERVED:
            raise _refused("The installer uses this name itself.", path, "Rename it.")
        other = seen.setdefault(str(path).lower(), path)
        if other != path:
            raise _refused("To Windows these are one name.", f"{other}, {path}", "Rename one.")


def removal_list(payload: Payload) -> bytes:
    """Return the list by which the program is later removed, in UTF-16 as NSIS reads it."""
    top = sorted({path.parts[0] for path in (*payload.files, *payload.folders)})
    lines = [f"T {name}" for name in top]
    lines += [f"F {PureWindowsPath(path)}" for path in payload.files]
    lines += [f"D {PureWindowsPath(path)}" for path in payload.folders]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-16-le")


def unpack_script(payload: Payload, list_file: Path) -> str:
    """Return the NSIS macro that unpacks the payload and its list into a folder."""
    lines = ["!macro UnpackPayload FOLDER"]
    current: Path | None = None
    for path in sorted(payload.files, key=lambda path: (path.parent, path)):
        if path.parent != current:
            current = path.parent
            inner = "" if current == Path() else f"\\{PureWindowsPath(current)}"
            lines.append(f'  SetOutPath "${{FOLDER}}{inner}"')
        lines.append(f'  File "{payload.root / path}"')
    lines += [
        '  SetOutPath "${FOLDER}"',
        f'  File "/oname={LIST_NAME}" "{list_file}"',
        "!macroend",
    ]
    return "\n".join(lines) + "\n"


def _refused(what: str, where: Path | str, remedy: str) -> SetUpError:
    return SetUpError(what, str(where), remedy)
