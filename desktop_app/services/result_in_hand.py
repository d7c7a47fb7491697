"""The result of the open study, the reader's target lesions, and what was written of them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from desktop_app.domain.result import StudyResult


class ResultInHand:
    """Keeps a result as it is found, corrected and exported; tells nobody of it."""

    def __init__(self) -> None:
        self._lineage = 0
        self._empty()

    def _empty(self) -> None:
        self._result: StudyResult | None = None
        self._targets: tuple[int, ...] = ()
        self._chosen: StudyResult | None = None
        self._exported: StudyResult | None = None
        self._exported_targets: tuple[int, ...] = ()
        self._written: dict[Path, StudyResult] = {}

    @property
    def result(self) -> StudyResult | None:
        """The segmentation, if there is one."""
        return self._result

    @property
    def lineage(self) -> int:
        """Number that grows with every result that is no correction of the one before."""
        return self._lineage

    @property
    def saved(self) -> bool:
        """False while there is a result whose labels or target lesions were never exported."""
        return self.labels_saved and self.targets_saved

    @property
    def labels_saved(self) -> bool:
        """False while there is a result whose labels were never exported."""
        return self._result is self._exported

    @property
    def targets_saved(self) -> bool:
        """Whether the target lesions are those of the last export, or none where there was none."""
        return self._targets == self._exported_targets

    @property
    def targets(self) -> tuple[int, ...]:
        """Numbers of the lesions that the reader chose as targets."""
        return self._targets

    @property
    def chosen(self) -> StudyResult | None:
        """The result with the reader's choice of target lesions, as it is exported."""
        result, known = self._result, self._chosen
        if result is None or result.targets == self._targets:
            return result
        is_known = known is not None and known.segmentation is result.segmentation
        if not is_known or known is None or known.targets != self._targets:
            known = self._chosen = replace(result, targets=self._targets)
        return known

    @property
    def written(self) -> Mapping[Path, StudyResult]:
        """What each folder was given of the result, or of those that it was corrected from.

        In the order of writing, the last one last.
        """
        return MappingProxyType(self._written)

    def accept(self, result: StudyResult, saved_in: Path | None, *, is_outdated: bool) -> None:
        """Take in a result that was just found, or read from a folder, as the session does."""
        self._lineage += 1
        self._result = result
        self._targets = self._exported_targets = result.targets
        self._exported = result if saved_in is not None and not is_outdated else None
        # What was written of labels that are no more was another result.
        before = replace(result) if is_outdated else result
        self._written = {saved_in: before} if saved_in is not None else {}

    def correct(self, result: StudyResult) -> None:
        """Take in the result with other labels.

        Raises
        ------
        RuntimeError
            If there is no result to correct.
        """
        if self._result is None:
            raise RuntimeError("there is no result to correct")
        self._result = result
        # Numbers of lesions that are no more: who measures the new ones chooses those they became.
        self._targets = ()

    def choose_targets(self, numbers: tuple[int, ...]) -> bool:
        """Note which lesions the reader chose as targets; False if that changes nothing."""
        if self._result is None or numbers == self._targets:
            return False
        self._targets = numbers
        return True

    def note_written(
        self,
        result: StudyResult,
        folder: Path,
        lineage: int,
        *,
        holds_labels: bool,
        holds_choices: bool = True,
    ) -> bool:
        """Note an export, as `Session.note_written`; True if it made safe what was not."""
        if lineage != self._lineage:
            return False
        self._written.pop(folder, None)
        self._written[folder] = result
        if result is not self.chosen or self._result is None:
            return False
        is_edited = result.segmentation.provenance.edited
        is_safe = holds_labels or self.labels_saved or not is_edited
        is_safe &= holds_choices or not result.targets
        if not is_safe or self.saved:
            return False
        self._exported, self._exported_targets = self._result, result.targets
        return True

    def drop(self) -> bool:
        """Forget the result; False if there was none."""
        if self._result is None:
            return False
        self._empty()
        self._lineage += 1
        return True
