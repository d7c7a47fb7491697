"""The pages of the manual that come with the program."""

from dataclasses import dataclass
from pathlib import Path

# What a reader of studies looks for first; whatever else there is follows.
_FIRST = (
    "OPENING",
    "SEQUENCES",
    "PREFLIGHT",
    "CORRECTING",
    "MEASURING",
    "FOLLOW_UP",
    "EXPORTS",
    "BATCH",
    "IMPORT",
    "MODEL",
)


@dataclass(frozen=True, slots=True)
class ManualPage:
    """A page: its heading and its file, in Markdown."""

    title: str
    file: Path


def manual_pages(folder: Path) -> tuple[ManualPage, ...]:
    """Return the pages of a folder, those for users first; none where it is not there."""
    files = sorted(folder.glob("*.md"), key=lambda file: (_rank(file), file.name))
    return tuple(ManualPage(_title(file), file) for file in files)


def _rank(file: Path) -> int:
    return _FIRST.index(file.stem) if file.stem in _FIRST else len(_FIRST)


def _title(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        first = next(lines, "").strip()
    return first.removeprefix("#").strip() or file.stem.capitalize()
