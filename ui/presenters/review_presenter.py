"""The results of a batch, looked through one after the other: accepted, rejected, the next one."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from desktop_app.domain.result import StudyResult
from desktop_app.errors import InputError
from desktop_app.services.batch import Batch, CaseState, CaseStatus, ReviewState, note_review
from desktop_app.services.session import Session
from desktop_app.services.session_changes import (
    Change,
    ResultChanged,
    ResultCorrected,
    ResultSaved,
    StudyChanged,
)
from ui.presenters.batch_notes import BatchNotes
from ui.presenters.batch_rows import is_to_check, next_to_check
from ui.presenters.reopening import Reopening
from ui.views.review_view import ReviewStatus, ReviewView

_NOT_OF_BATCH = "Not the result of the batch"

_STYLES = {ReviewState.OPEN: "", ReviewState.ACCEPTED: "good", ReviewState.REJECTED: "poor"}


class ReviewPresenter:
    """Answers what the user says of the open study's result, while it came from a batch.

    Parameters
    ----------
    notes
        Writes into the batch's records.
    batch
        Returns the batch whose studies are listed.
    show
        Opens one of its studies by name.
    reopening
        Opens results, and may read the next one ahead.
    """

    def __init__(
        self,
        view: ReviewView,
        session: Session,
        notes: BatchNotes,
        *,
        batch: Callable[[], Batch | None],
        show: Callable[[str], None],
        reopening: Reopening,
    ) -> None:
        self._view = view
        self._session = session
        self._notes = notes
        self._batch = batch
        self._show = show
        self._reopening = reopening
        self._open: tuple[Batch, str] | None = None
        self._is_noting = False
        session.subscribe(self._on_change)

    def begin(self, name: str) -> None:
        """Note that this study of the batch is the one that is opened now."""
        batch = self._batch()
        self._open = (batch, name) if batch is not None else None
        self.follow()

    def follow(self) -> None:
        """Show how the review stands; other studies may have been finished or listed meanwhile."""
        case = self._case()
        self._view.show_review(None if case is None else self._status(case))
        self._read_ahead()

    def accept(self) -> None:
        """Note that the result is right, and go on to the next one."""
        if not self._is_elsewhere():
            self._judge(ReviewState.ACCEPTED)

    def reject(self, reason: str) -> None:
        """Note that the result is not right and why, and go on to the next one."""
        self._judge(ReviewState.REJECTED, reason)

    def go_on(self) -> None:
        """Open the next result that nobody has accepted or rejected; nothing is said of this."""
        upcoming = self._next()
        if upcoming is not None:
            self._show(upcoming)

    def _judge(self, review: ReviewState, reason: str = "") -> None:
        case = self._case()
        if self._open is None or case is None or self._is_noting:
            return
        batch, name = self._open

        def note() -> None:
            study = batch.study(name)
            state = note_review(batch.output, study, review, reason)
            if state is None:
                raise InputError(
                    "The study has no result at the moment.",
                    str(batch.output / name),
                    "It is being segmented anew: look at the result once that is done.",
                )
            batch.take_in(state)

        def done() -> None:
            self._is_noting = False
            if self._open == (batch, name):
                self.follow()
                self.go_on()

        def failed() -> None:
            self._is_noting = False
            self.follow()

        self._is_noting = True
        self.follow()
        self._notes.write(note, done, failed)

    def _is_elsewhere(self) -> bool:
        """Whether the batch holds other labels than those that are seen; then say so."""
        session = self._session
        if self._open is None or session.result is None:
            return False
        batch, name = self._open
        given = self._given(batch.output / name)
        is_there = bool(given) and given[-1].segmentation is session.result.segmentation
        if is_there and session.labels_saved:
            return False
        self._view.show_error(
            InputError(
                "The labels that are shown are not those of the batch.",
                f"They are to lie in {batch.output / name}",
                "Export them to the folder of the batch, then accept them.",
            )
        )
        return True

    def _is_of_batch(self) -> bool:
        """Whether what is seen is the batch's result, or was corrected from it."""
        if self._open is None or self._session.result is None:
            return True
        batch, name = self._open
        folder = batch.output / name
        return folder in self._session.written or bool(self._given(folder))

    def _given(self, folder: Path) -> list[StudyResult]:
        """Return what a folder was given, the last one last, however it was spelt."""
        folder = folder.resolve()
        written = self._session.written.items()
        return [result for where, result in written if where.resolve() == folder]

    def _read_ahead(self) -> None:
        """Have the next result read while this one is looked at."""
        upcoming = self._next() if self._case() is not None else None
        if self._open is None or upcoming is None:
            self._reopening.ahead.drop()
        elif self._session.result is not None:
            batch, _ = self._open
            # A watch may have listed others meanwhile, and will tell so.
            with suppress(KeyError):
                self._reopening.read_ahead(batch.study(upcoming), batch.output / upcoming)

    def _next(self) -> str | None:
        if self._open is None:
            return None
        batch, name = self._open
        return next_to_check(batch.cases, name)

    def _case(self) -> CaseState | None:
        """Return the state of the open study, as long as its batch is the one that is listed."""
        if self._open is None or self._open[0] is not self._batch():
            return None
        batch, name = self._open
        return next((case for case in batch.cases if case.name == name), None)

    def _status(self, case: CaseState) -> ReviewStatus:
        batch = self._batch()
        cases = batch.cases if batch is not None else ()
        left = sum(is_to_check(one) for one in cases if one.name != case.name)
        is_done = case.status is CaseStatus.DONE and not self._is_noting
        is_of_batch = self._is_of_batch()
        return ReviewStatus(
            f"{_said(case) if is_of_batch else _NOT_OF_BATCH} · {_left(left)}",
            _STYLES[case.review] if is_of_batch else "",
            can_accept=is_done and is_of_batch and self._session.result is not None,
            can_reject=is_done,
            can_go_on=left > 0 and not self._is_noting,
        )

    def _on_change(self, change: Change) -> None:
        match change:
            case StudyChanged(study) if study is not None and self._open is not None:
                batch, name = self._open
                try:
                    known = batch.study(name)
                except KeyError:
                    known = None
                place = (study.study_uid, study.root)
                if known is None or (known.study_uid, known.root) != place:
                    self._open = None
                self.follow()
            case ResultChanged() | ResultCorrected() | ResultSaved():
                self.follow()
            case _:
                pass


def _said(case: CaseState) -> str:
    if case.status is not CaseStatus.DONE:
        return "No result in the batch yet"
    if case.review is ReviewState.REJECTED:
        return f"Rejected: {case.review_reason}" if case.review_reason else "Rejected"
    return "Accepted" if case.review is ReviewState.ACCEPTED else "Not reviewed yet"


def _left(count: int) -> str:
    return f"{count} more to check" if count else "nothing else to check"
