"""Corrections as they are written down against a crash, until they are exported."""

from collections.abc import Callable
from pathlib import Path

from desktop_app.domain.result import StudyResult
from desktop_app.errors import OutputError
from desktop_app.io.correction_journal import (
    CorrectionJournal,
    JournalPlace,
    WrittenCorrections,
    corrections_folder,
)
from desktop_app.services.correction.label_editor import Labels
from desktop_app.services.opening.study_identity import identity


class CorrectionRecord:
    """The journal of one result, and what an earlier one on the same grid still holds.

    Parameters
    ----------
    result
        What the corrections start from.
    folder
        Where they are written down; the user's own if not given.
    """

    def __init__(self, result: StudyResult, folder: Path | None = None) -> None:
        labels_kji = result.segmentation.labels_kji
        series = result.roles[result.prepared.reference_sequence]
        folder = folder if folder is not None else corrections_folder()
        place = JournalPlace(folder, identity(result.study), series.series_uid)
        left = place.left_behind(labels_kji.shape)
        self._earlier = left.corrections
        self._file = place.new_file()
        self._journal = CorrectionJournal(self._file, labels_kji, replaces=left.files)
        self._is_written_down = True

    @property
    def earlier(self) -> WrittenCorrections | None:
        """Corrections that were never exported, until others are made."""
        return self._earlier

    def take_earlier(self) -> WrittenCorrections | None:
        """Return them; they are no longer offered."""
        earlier, self._earlier = self._earlier, None
        return earlier

    def write(self, note: Callable[[CorrectionJournal], None]) -> None:
        """Write a change down.

        Raises
        ------
        OutputError
            If it cannot be written; later ones are then not written down any more.
        """
        self._earlier = None
        if not self._is_written_down:
            return
        try:
            note(self._journal)
        except OutputError:
            self._is_written_down = False
            raise

    def discard(self, labels_kji: Labels) -> None:
        """Remove what was written down; later changes begin anew from these labels.

        Raises
        ------
        OutputError
            If the file cannot be removed.
        """
        self._earlier = None
        self._journal.discard()
        self._journal = CorrectionJournal(self._file, labels_kji)
        self._is_written_down = True
