"""Compares the open study with an earlier one of the same patient."""

from collections.abc import Callable
from collections.abc import Sequence as Many
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.domain.follow_up import FollowUp
from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Study
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import Lane
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.follow_up import (
    EarlierStudy,
    SavedFollowUp,
    compare_with_earlier,
    earlier_studies,
    save_follow_up,
    with_labels,
)
from desktop_app.services.follow_up.page import save_follow_up_page
from desktop_app.services.opening.import_study import open_path
from desktop_app.services.segmenting.segment import Segmenter, SegmentOptions
from desktop_app.services.session import Session
from desktop_app.services.session_changes import (
    Change,
    ResultChanged,
    ResultCorrected,
    StudyChanged,
)
from ui.presenters.follow_up_rows import earlier_row, follow_up_text, shown_follow_up
from ui.presenters.job_line import JobLine
from ui.presenters.rows import header_of
from ui.views.follow_up_view import (
    FollowUpView,
)

if TYPE_CHECKING:
    from desktop_app.io.scan import ScanResult

_TITLE = "Comparing with the earlier study"
_SAVING = "Saving the comparison"
_LOOKING = "Looking for earlier studies"
_NO_RESULT = "There is nothing to compare yet."
_WHY_NO_RESULT = "Segment the open study first, or open its result."
_BUSY = "Something else is going on."
_WHY_BUSY = "Wait until it has ended, or cancel it; then compare."


class FollowUpPresenter:
    """Offers studies to compare with, has one compared, and says what came of it.

    Parameters
    ----------
    jobs
        The line of the study's jobs: looking and comparing take their place there.
    options
        Returns the device and model to use now.
    results_folder
        Returns where results of the patient's studies are.
    renderer
        Draws the report.
    """

    def __init__(
        self,
        view: FollowUpView,
        session: Session,
        jobs: JobLine,
        *,
        segmenter: Segmenter,
        options: Callable[[], SegmentOptions],
        results_folder: Callable[[], Path],
        renderer: PageRenderer,
    ) -> None:
        self._view = view
        self._session = session
        self._jobs = jobs
        self._segmenter = segmenter
        self._options = options
        self._results_folder = results_folder
        self._renderer = renderer
        self._offered: tuple[EarlierStudy, ...] = ()
        self._found: FollowUp | None = None
        session.subscribe(self._on_change)

    @property
    def found(self) -> FollowUp | None:
        """The comparison that is shown."""
        return self._found

    def ask(self) -> None:
        """Offer the patient's other studies of those that were found with the open one."""
        result = self._may_compare()
        if result is not None:
            self._look_at(result, self._session.studies)

    def look_in(self, folder: Path) -> None:
        """Look for studies in another folder, and offer them too."""
        result = self._may_compare()
        if result is None:
            return

        def work(progress: ProgressCallback, token: CancelToken) -> "ScanResult":
            return open_path(folder, progress=progress, token=token)

        def done(scan: "ScanResult") -> None:
            if self._is_open(result):
                self._look_at(result, (*scan.studies, *self._session.studies))

        self._jobs.start(
            f"Looking for studies in {folder.name}", work, done, lane=Lane.IO, kind="scan"
        )

    def compare(self, index: int) -> None:
        """Compare the open study with one of those that were offered."""
        now, chosen = self._may_compare(), self._offered[index]
        if now is None:
            return
        options, folder = self._options(), chosen.result.folder if chosen.result else None

        def work(progress: ProgressCallback, token: CancelToken) -> FollowUp:
            return compare_with_earlier(
                now,
                chosen.study,
                options,
                self._segmenter,
                result_folder=folder,
                progress=progress,
                token=token,
            )

        # Where nothing is to be segmented, one that is being stopped need not be waited for.
        lane, kind = (Lane.COMPUTE, "compare all") if folder is None else (Lane.IO, "compare")
        self._jobs.start(_TITLE, work, lambda found: self._show(now, found), lane=lane, kind=kind)

    def compare_again(self) -> None:
        """Compare the labels as they are now, after a correction, with the same earlier study."""
        now, found = self._may_compare(), self._found
        if now is None or found is None:
            return

        def work(_progress: ProgressCallback, token: CancelToken) -> FollowUp:
            return with_labels(found, now, token=token)

        self._jobs.start(
            _TITLE, work, lambda again: self._show(now, again), lane=Lane.IO, kind="compare"
        )

    def text_to_copy(self) -> str:
        """Return the numbers with tabs between columns, and what they are; empty without any."""
        return "" if self._found is None else follow_up_text(self._found)

    def let_go(self) -> None:
        """Forget the comparison, which nobody looks at any more."""
        self._found = None

    def save_files(self, folder: Path) -> None:
        """Write numbers, report and maps of the comparison that is shown into a folder."""
        found = self._found
        if found is None:
            return

        def work(_progress: ProgressCallback, _token: CancelToken) -> SavedFollowUp:
            return save_follow_up(found, folder, renderer=self._renderer)

        def done(saved: SavedFollowUp) -> None:
            names = tuple(file.name for file in saved.files)
            lines = (f"Folder: {saved.folder}", "", *names)
            self._view.show_message("Files saved.", lines, saved.folder)

        self._jobs.start(_SAVING, work, done, lane=Lane.IO, kind="follow-up files", is_kept=True)

    def save(self, path: Path) -> None:
        """Write the report of the comparison that is shown."""
        found = self._found
        if found is None:
            return

        def work(_progress: ProgressCallback, _token: CancelToken) -> None:
            save_follow_up_page(found, path, self._renderer)

        def done(_nothing: None) -> None:
            self._view.show_message("Report saved.", (path.name,), path.parent)

        self._jobs.start(_SAVING, work, done, lane=Lane.IO, kind="follow-up page", is_kept=True)

    def _show(self, now: StudyResult, found: FollowUp) -> None:
        """Show a comparison of the open study; corrected meanwhile, say so."""
        if not self._is_open(now):
            return
        # Showing it closes the one before, which is then let go of
        self._view.show_follow_up(shown_follow_up(found))
        self._found = found
        if self._session.result is not now:
            self._view.note_outdated()

    def _may_compare(self) -> StudyResult | None:
        """Return the open result, unless there is none or something runs: then say so."""
        result = self._session.result
        if self._session.study is None:
            return None
        if result is None:
            self._view.show_message(_NO_RESULT, (_WHY_NO_RESULT,))
            return None
        if self._jobs.busy:
            self._view.show_message(_BUSY, (_WHY_BUSY,))
            return None
        return result

    def _look_at(self, result: StudyResult, studies: Many[Study]) -> None:
        """Find out beside the window which of these can be compared: shares may hang."""
        study, output = result.study, self._results_folder()
        # A folder that was looked into may lie where the open study does.
        once = {(one.study_uid, one.root.absolute(), one.name): one for one in studies}

        def work(_progress: ProgressCallback, token: CancelToken) -> tuple[EarlierStudy, ...]:
            return earlier_studies(study, once.values(), output, token=token)

        def done(offered: tuple[EarlierStudy, ...]) -> None:
            if self._is_open(result):
                self._offered = offered
                rows = [earlier_row(one) for one in offered]
                self._view.offer_earlier(header_of(study).title, rows)

        self._jobs.start(_LOOKING, work, done, lane=Lane.IO, kind="earlier studies")

    def _on_change(self, change: Change) -> None:
        match change:
            case StudyChanged() | ResultChanged():
                self._found, self._offered = None, ()
                self._view.close_follow_up()
            case ResultCorrected() if self._found is not None:
                self._view.note_outdated()
            case _:
                pass

    def _is_open(self, result: StudyResult) -> bool:
        """Whether this result is open, corrected meanwhile or not."""
        now = self._session.result
        return now is not None and now.study is result.study and now.prepared is result.prepared
