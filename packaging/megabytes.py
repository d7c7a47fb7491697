"""What the megabytes of the frozen program are: ``python packaging/megabytes.py FOLDER``."""

import argparse
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

MEBIBYTE = 1024 * 1024
# The first line that fits counts a file; paths inside the program's folder.
PARTS = (
    ("torch (the network runs on it)", "_internal/torch*"),
    ("SimpleITK (reading, registration)", "_internal/SimpleITK*"),
    ("SimpleITK (reading, registration)", "_internal/simpleitk*"),
    ("VTK (the 3D view)", "_internal/vtk*"),
    ("Qt and PySide (the window)", "_internal/PySide6*"),
    ("Qt and PySide (the window)", "_internal/shiboken6*"),
    ("SciPy", "_internal/scipy*"),
    ("NumPy", "_internal/numpy*"),
    ("GDCM (DICOM compression)", "_internal/_gdcm*"),
    ("GDCM (DICOM compression)", "_internal/python_gdcm*"),
    ("OpenJPEG and CharLS (DICOM compression)", "_internal/_openjpeg*"),
    ("OpenJPEG and CharLS (DICOM compression)", "_internal/_CharLS*"),
    ("Pillow", "_internal/PIL*"),
    ("Pillow", "_internal/pillow*"),
    ("pydicom, highdicom (tables of the standard, character sets)", "_internal/pydicom*"),
    ("pydicom, highdicom (tables of the standard, character sets)", "_internal/highdicom*"),
    ("weights", "_internal/assets/weights/*"),
    ("sample study", "_internal/assets/sample-study/*"),
    ("manual", "_internal/docs/*"),
    ("Python, its library, and all Python code", "_internal/lib-dynload/*"),
    ("Python, its library, and all Python code", "_internal/libpython*"),
    ("Python, its library, and all Python code", "_internal/base_library.zip"),
    ("Python, its library, and all Python code", "gliascope*"),
    ("Python, its library, and all Python code", "Gliascope*"),
    ("system libraries (X11, fonts, GLib, C++)", "_internal/lib*"),
)
REST = "everything else"


def part_of(path: str) -> str:
    """Return the part of the program that a file belongs to."""
    return next((part for part, pattern in PARTS if fnmatchcase(path, pattern)), REST)


def measure(folder: Path) -> dict[str, int]:
    """Return bytes by part, the largest first; links count nothing."""
    sizes: dict[str, int] = defaultdict(int)
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            sizes[part_of(path.relative_to(folder).as_posix())] += path.stat().st_size
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def table(folder: Path) -> str:
    """Return the sizes as a table in Markdown."""
    sizes = measure(folder)
    lines = ["| part | MiB |", "|---|---:|"]
    lines += [f"| {part} | {size / MEBIBYTE:.1f} |" for part, size in sizes.items()]
    lines.append(f"| **together** | **{sum(sizes.values()) / MEBIBYTE:.1f}** |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the frozen program's folder")
    print(table(parser.parse_args().folder))
