"""What Windows shows of a program under Properties, Details, in PyInstaller's notation."""

import re

PRODUCT = "Gliascope"


def file_version(version: str) -> tuple[int, int, int, int]:
    """Return Windows' four numbers for a version of pyproject.toml, ``1.2.3`` or ``1.2.3rc1``.

    Raises
    ------
    ValueError
        Where the version does not begin with three numbers.
    """
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if found is None:
        raise ValueError(f"a version begins with three numbers, unlike {version!r}")
    major, minor, patch = map(int, found.groups())
    return major, minor, patch, 0


def version_info(version: str, program: str, description: str) -> str:
    """Return the text of a file for PyInstaller's ``EXE(version=...)``.

    Parameters
    ----------
    version
        As pyproject.toml has it.
    program
        The program's file name.
    description
        What the task manager calls it.
    """
    numbers = file_version(version)
    strings = {
        "CompanyName": PRODUCT,
        "FileDescription": description,
        "FileVersion": version,
        "InternalName": program,
        "LegalCopyright": "Apache License 2.0",
        "OriginalFilename": program,
        "ProductName": PRODUCT,
        "ProductVersion": version,
    }
    entries = ", ".join(f"StringStruct({key!r}, {text!r})" for key, text in strings.items())
    # 0x0409, 1200: English, Unicode. 0x40004: a program for 32 and 64-bit Windows.
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, "
        "flags=0, OS=0x40004, fileType=1, subtype=0, date=(0, 0)), "
        f"kids=[StringFileInfo([StringTable('040904B0', [{entries}])]), "
        "VarFileInfo([VarStruct('Translation', [1033, 1200])])])\n"
    )
