"""What becomes of the results that lie where new ones are to be written."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from desktop_app.io.naming import unique_name
from desktop_app.services.export.formats import FILE_NAMES, LABEL_FORMATS, ExportFormat
from desktop_app.services.export.run_log import CORRECTED, RUN_LOG
from desktop_app.services.results.label_files import LABEL_FILES, are_changed

# What tells whether a person corrected the labels.
_TELLING = frozenset({FILE_NAMES[ExportFormat.JSON], RUN_LOG})


@dataclass(frozen=True, slots=True)
class KeptResults:
    """Earlier results that are not to be lost.

    Parameters
    ----------
    name
        Of the folder they are kept in, inside that of the study.
    were_corrected
        Whether a person had corrected their labels.
    """

    name: str
    were_corrected: bool

    def note(self, folder: Path) -> str:
        """Return where they are in a plain sentence; `folder` is the study's."""
        what = "corrected by hand" if self.were_corrected else "with labels"
        return f"Earlier results {what} are kept in {folder.name}/{self.name}."


def to_keep(
    folder: Path, formats: Iterable[ExportFormat], *, is_continued: bool
) -> KeptResults | None:
    """Say whether the results in a folder have to be kept when others are written there.

    Those of the network alone can be had again and go, but labels never make way for numbers, nor
    where nothing beside them tells whose hand they are of.

    Parameters
    ----------
    formats
        What is going to be written.
    is_continued
        Whether the new results are those that were written there with further corrections, which
        the user knows.
    """
    if not folder.is_dir():
        return None
    there = {file.name for file in folder.iterdir()}
    were_corrected = holds_corrections(folder)
    has_labels = bool(there & LABEL_FILES)
    lose_labels = has_labels and LABEL_FORMATS.isdisjoint(formats)
    is_unknown = has_labels and there.isdisjoint(_TELLING)
    if not lose_labels and (is_continued or not (were_corrected or is_unknown)):
        return None
    now = datetime.now().astimezone()
    name = f"{'corrected' if were_corrected else 'earlier'}-{now:%Y%m%d-%H%M%S}"
    return KeptResults(unique_name(name, {one.casefold() for one in there}), were_corrected)


def holds_corrections(folder: Path) -> bool:
    """Whether a person corrected the labels of the results in a folder, here or elsewhere."""
    return _says_corrected(folder) or are_changed(folder)


def _says_corrected(folder: Path) -> bool:
    try:
        document = json.loads((folder / FILE_NAMES[ExportFormat.JSON]).read_text("utf-8"))
        return bool(document["provenance"]["edited"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    try:
        return CORRECTED in (folder / RUN_LOG).read_text("utf-8")
    except (OSError, ValueError):
        return False
