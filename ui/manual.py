"""The pages of the manual that come with the program."""

from dataclasses import dataclass
from pathlib import Path

# What a reader of studies looks for, in this order; how the program is made follows.
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
    "INSTALL",
)


@dataclass(frozen=True, slots=True)
class ManualPage:
    """A page: its heading and its file, in Markdown.

    Parameters
    ----------
    is_for_readers
        Whether it is for those who read studies, not for those who work on the program.
    """

    title: str
    file: Path
    is_for_readers: bool = True


def manual_pages(folder: Path) -> tuple[ManualPage, ...]:
    """Return the pages of a folder, those for users first; none where it is not there."""
    files = sorted(folder.glob("*.md"), key=lambda file: (_rank(file), file.name))
    return tuple(ManualPage(_title(file), file, file.stem in _FIRST) for file in files)


def _rank(file: Path) -> int:
    return _FIRST.index(file.stem) if file.stem in _FIRST else len(_FIRST)


def _title(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        first = next(lines, "").strip()
    return first.removeprefix("#").strip() or file.stem.capitalize()
