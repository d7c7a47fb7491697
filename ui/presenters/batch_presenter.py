"""Many studies: list, run, stop, go on, open one."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Study
from desktop_app.errors import UserFacingError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import JobRunner, Lane, Work
from desktop_app.services.batch import (
    Batch,
    BatchOptions,
    BatchOutcome,
    CaseListener,
    CaseState,
    CaseStatus,
    Outlook,
    note_export,
    outlook_of,
    place_below,
    proposed_output,
)
from desktop_app.services.results.saved_results import SavedResults
from desktop_app.services.results.stored_result import can_reopen
from ui.presenters.batch_notes import BatchNotes
from ui.presenters.batch_rows import is_hopeless, row_of
from ui.presenters.job_line import Dispatch, JobLine
from ui.views.batch_view import BatchStatus, BatchView, CaseRow
from ui.views.study_view import JobStatus

MakeBatch = Callable[[Path, Path, CaseListener], Batch]
OpenStudy = Callable[[Study, Path], None]

_LOOKING = "Looking for studies"
_SEGMENTED = "A batch of studies is being segmented."
_WATCHED = "A folder is being watched for new studies."
_NOT_LISTED = "The studies were not looked for to the end: Start does so and segments them."
_OTHER_NETWORK = " Another network was chosen: Start does them again with it."


class BatchPresenter:
    """Answers what the user does on the batch page.

    Parameters
    ----------
    make_batch
        Makes a batch from the folder with the studies, the folder for the results, and a
        listener for changes of a study's state.
    options
        Returns how studies are to be worked through from now on.
    open_result, open_images
        Show a finished study, or one without results; given the study and its folder of results.
    """

    def __init__(
        self,
        view: BatchView,
        runner: JobRunner,
        dispatch: Dispatch,
        *,
        make_batch: MakeBatch,
        options: Callable[[], BatchOptions],
        open_result: OpenStudy,
        open_images: OpenStudy,
    ) -> None:
        self._view = view
        self._dispatch = dispatch
        self.notes = BatchNotes(view, runner, dispatch)
        self.on_followed: Callable[[], None] = lambda: None
        self._make_batch = make_batch
        self._options = options
        self._open_result = open_result
        self._open_images = open_images
        self._batch: Batch | None = None
        self._names: list[str] = []
        self._shown: dict[str, CaseState] = {}
        self._places: dict[str, str] = {}
        self._outlooks: dict[str, Outlook] = {}
        self._watching = False
        self._can_list = False
        self._task = ""
        self._last: JobStatus | None = None
        self._jobs = JobLine(self, runner, dispatch, self._show_status)
        self._show_status()

    @property
    def batch(self) -> Batch | None:
        """The batch whose studies are listed."""
        return self._batch

    @property
    def running(self) -> bool:
        """Whether studies are being listed or segmented."""
        return self._jobs.busy

    @property
    def what_runs(self) -> str:
        """What would be stopped by closing the window, in a sentence; empty where nothing is."""
        return self._task if self.running else ""

    def choose_folders(self, root: Path, output: Path | None) -> None:
        """List the studies below a folder.

        Parameters
        ----------
        output
            Folder for the results; ``None`` for the one that is proposed.
        """
        if self.running:
            return
        self._watching = False
        self._task = ""
        if output is not None:
            self._list(root, output)
            return

        def work(_progress: ProgressCallback, _token: CancelToken) -> Path:
            return proposed_output(root, Path.home())

        # Beside the window: it makes a folder, for which a share may take its time.
        self._jobs.start(_LOOKING, work, lambda found: self._list(root, found), lane=Lane.IO)

    def _list(self, root: Path, output: Path) -> None:
        batch = self._make_batch(root, output, self._on_case)
        self._view.show_folders(str(root), str(output))
        # Also where it is stopped or fails: then a start lists them, and an empty folder can still
        # be watched.
        self._batch = batch
        self._show_cases(())

        def work(progress: ProgressCallback, token: CancelToken) -> tuple[CaseState, ...]:
            return batch.find(progress, token)

        self._can_list = True
        self._jobs.start(
            _LOOKING,
            work,
            self._take_list,
            lane=Lane.IO,
            kind="scan",
            on_failed=self._note_looked,
        )

    def show_options(self) -> None:
        """Tell what other options mean: what another network did is out of date."""
        self._show_status()

    def start(self, keep_watching: bool = False, again: bool = False) -> None:
        """Work through every study that is not done, as is wanted now.

        Parameters
        ----------
        keep_watching
            Also through those that come, until it is stopped.
        again
            Also through those that are done.
        """
        batch = self._batch
        if batch is None or self.running:
            return

        def done(outcome: BatchOutcome) -> None:
            self._take_list(outcome.cases)

        batch.use(replace(self._options(), resume=not again))
        self._watching = keep_watching
        self._task = _WATCHED if keep_watching else _SEGMENTED
        work: Work = batch.watch if keep_watching else batch.run
        self._jobs.start(
            "Watching" if keep_watching else "Segmenting",
            work,
            done,
            lane=Lane.LONG,
            kind="" if keep_watching else "batch",
            on_failed=self._note_looked,
        )

    def stop(self) -> None:
        """Stop; what is done stays done and the next start goes on from there."""
        self._jobs.cancel()

    def name_of(self, index: int) -> str:
        """Return the study of a row: a start looks for studies again, and may find others."""
        return self._names[index]

    def open(self, name: str) -> bool:
        """Show a study in the viewer: its result, or else its images; False if it is gone."""
        if self._batch is None:
            return False
        case = next((case for case in self._batch.cases if case.name == name), None)
        if case is None:
            return False
        try:
            study = self._batch.study(name)
        except KeyError:
            return False  # a watch has listed others meanwhile, and will tell so
        show = self._open_result if _has_result(case) else self._open_images
        show(study, self._batch.output / name)
        return True

    def note_export(self, result: StudyResult, saved: SavedResults) -> None:
        """Have table, states and summary follow a result that was exported where a batch wrote."""
        batch = self._batch

        def note() -> None:
            output, name = saved.folder.parent.resolve(), saved.folder.name
            listing = batch if batch is not None and batch.output.resolve() == output else None
            expected = listing.expected(name) if listing is not None else None
            state = note_export(result, saved, expected)
            if state is not None and listing is not None:
                listing.take_in(state)

        self.notes.write(note)

    # JobLineView: the page shows its jobs in the line above the table.

    def show_job(self, status: JobStatus | None) -> None:
        """Keep what runs and show it."""
        self._last = status
        self._follow()
        self._show_status()

    def show_error(self, error: UserFacingError) -> None:
        """Pass an expected error on."""
        self._view.show_error(error)

    def show_crash(self, traceback: str) -> None:
        """Pass a defect on."""
        self._view.show_crash(traceback)

    def _note_looked(self) -> None:
        """Note that the look for studies ended, well or not: another would find the same."""
        self._can_list = False

    def _take_list(self, cases: tuple[CaseState, ...]) -> None:
        self._note_looked()
        self._show_cases(cases)

    def _on_case(self, _case: CaseState) -> None:
        self._dispatch(self._follow)

    def _follow(self) -> None:
        """Show what is new: a run lists the studies again, and may find others or other states."""
        cases = self._batch.cases if self._batch is not None else ()
        if [case.name for case in cases] != self._names:
            self._show_cases(cases)
            return
        for index, case in enumerate(cases):
            if self._shown[case.name] is not case:
                self._shown[case.name] = case
                self._view.show_case(index, self._row(case))
        self.on_followed()

    def _show_cases(self, cases: tuple[CaseState, ...]) -> None:
        self._names = [case.name for case in cases]
        self._shown = {case.name: case for case in cases}
        self._places, self._outlooks = {}, {}
        self._view.show_cases([self._row(case) for case in cases])
        self._show_status()
        self.on_followed()

    def _row(self, case: CaseState) -> CaseRow:
        if self._batch is None:
            raise RuntimeError("a row was asked for before its batch was listed")
        if case.name not in self._places:
            # A watch may have listed others meanwhile, and will tell so.
            with suppress(KeyError):
                study = self._batch.study(case.name)
                self._places[case.name] = place_below(self._batch.root, study)
                self._outlooks[case.name] = outlook_of(study)
        return row_of(case, self._places.get(case.name, ""), self._outlook(case))

    def _outlook(self, case: CaseState) -> Outlook:
        return self._outlooks.get(case.name, Outlook())

    def _show_status(self) -> None:
        cases = self._batch.cases if self._batch is not None else ()
        over = [case for case in cases if case.is_over]
        failed = sum(case.status is CaseStatus.FAILED for case in cases)
        job = self._last
        can_list = self._can_list and not cases
        hopeless = sum(is_hopeless(case, self._outlook(case)) for case in cases)
        text = _status_text(len(cases), len(over), failed, hopeless, job)
        if can_list and job is None:
            text = _NOT_LISTED
        fraction = len(over) / len(cases) if cases else 0.0
        left = None
        # Of a watch nobody knows how much there is to do.
        if job is not None and not self._watching:
            fraction = job.fraction if job.fraction >= 0 else fraction
            left = job.seconds_left
        ready = can_list or any(case.status is not CaseStatus.DONE for case in cases)
        if self._is_outdated() and not self.running:
            text += _OTHER_NETWORK
            ready = bool(cases)
        self._view.show_status(
            BatchStatus(
                text,
                fraction,
                left,
                self.running,
                ready,
                can_watch=self._batch is not None,
                can_repeat=bool(cases),
            )
        )

    def _is_outdated(self) -> bool:
        """Whether another network was chosen than the one that the states tell of."""
        if self._batch is None or not self._names:
            return False
        now, then = self._options().case.segment, self._batch.options.case.segment
        return now.model_name != then.model_name


def _has_result(case: CaseState) -> bool:
    """Whether a study is finished and wrote what reopening reads."""
    return case.status is CaseStatus.DONE and can_reopen(case.files)


def _status_text(total: int, over: int, failed: int, hopeless: int, job: JobStatus | None) -> str:
    if total == 0:
        waiting = f"{job.stage or job.title} …" if job is not None else ""
        return waiting or "Choose a folder that holds studies."
    text = f"{over} of {total} studies finished"
    if failed:
        text += f", {failed} failed"
    if hopeless:
        text += f", {hopeless} cannot be segmented"
    if job is not None and job.stage:
        text += f" · {job.stage}"
    return f"{text}."
