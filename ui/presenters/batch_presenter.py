"""Many studies: list, run, stop, go on, open a finished one."""

from collections.abc import Callable
from collections.abc import Sequence as Many
from pathlib import Path

from desktop_app.domain.readable import readable_volume
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Study
from desktop_app.errors import UserFacingError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import Event, Failed, ProgressCallback
from desktop_app.jobs.runner import JobRunner, Lane
from desktop_app.services.batch import (
    Batch,
    BatchOutcome,
    CaseListener,
    CaseState,
    CaseStatus,
    note_export,
)
from desktop_app.services.case import SavedResults
from desktop_app.services.export import ExportFormat
from desktop_app.services.stored_result import can_reopen
from ui.presenters.job_line import Dispatch, JobLine
from ui.views.batch_view import BatchStatus, BatchView, CaseRow
from ui.views.study_view import JobStatus

MakeBatch = Callable[[Path, Path, CaseListener], Batch]
OpenResult = Callable[[Study, Path], None]

_SEGMENTED = "A batch of studies is being segmented."
_WATCHED = "A folder is being watched for new studies."
_STYLES = {
    CaseStatus.PENDING: "",
    CaseStatus.RUNNING: "accent",
    CaseStatus.DONE: "good",
    CaseStatus.FAILED: "poor",
}


class BatchPresenter:
    """Answers what the user does on the batch page.

    Parameters
    ----------
    make_batch
        Makes a batch from the folder with the studies, the folder for the results, and a
        listener for changes of a study's state.
    open_result
        Shows a finished study; given the study and its folder of results.
    """

    def __init__(
        self,
        view: BatchView,
        runner: JobRunner,
        dispatch: Dispatch,
        *,
        make_batch: MakeBatch,
        open_result: OpenResult,
    ) -> None:
        self._view = view
        self._runner = runner
        self._dispatch = dispatch
        self._make_batch = make_batch
        self._open_result = open_result
        self._batch: Batch | None = None
        self._names: list[str] = []
        self._watching = False
        self._task = ""
        self._last: JobStatus | None = None
        self._jobs = JobLine(self, runner, dispatch, self._show_status)
        self._show_status()

    @property
    def running(self) -> bool:
        """Whether studies are being listed or segmented."""
        return self._jobs.busy

    @property
    def what_runs(self) -> str:
        """What would be stopped by closing the window, in a sentence; empty where nothing is."""
        return self._task if self.running else ""

    def choose_folders(self, root: Path, output: Path) -> None:
        """List the studies below a folder."""
        if self.running:
            return
        batch = self._make_batch(root, output, self._on_case)
        self._view.show_folders(str(root), str(output))
        self._view.show_cases(())
        self._batch = None

        def work(progress: ProgressCallback, token: CancelToken) -> tuple[CaseState, ...]:
            return batch.find(progress, token)

        def done(cases: tuple[CaseState, ...]) -> None:
            self._batch = batch
            self._show_cases(cases)

        def failed() -> None:
            # An empty folder can still be watched.
            self._batch = batch

        self._watching = False
        self._task = ""
        self._jobs.start(
            "Looking for studies", work, done, lane=Lane.IO, kind="scan", on_failed=failed
        )

    def write_as(self, formats: Many[str]) -> None:
        """Write these files from the next start on."""
        if self._batch is not None and formats:
            self._batch.write_as(tuple(ExportFormat(one) for one in formats))

    def start(self, keep_watching: bool = False) -> None:
        """Work through every study that is not done.

        Parameters
        ----------
        keep_watching
            Also through those that come, until it is stopped.
        """
        batch = self._batch
        if batch is None or self.running:
            return

        def done(outcome: BatchOutcome) -> None:
            self._show_cases(outcome.cases)

        self._watching = keep_watching
        self._task = _WATCHED if keep_watching else _SEGMENTED
        if keep_watching:
            # It mostly waits: single studies must not queue behind it.
            self._jobs.start("Watching", batch.watch, done, lane=Lane.IO)
        else:
            self._jobs.start("Segmenting", batch.run, done, kind="batch")

    def stop(self) -> None:
        """Stop; what is done stays done and the next start goes on from there."""
        self._jobs.cancel()

    def open(self, index: int) -> None:
        """Show the finished study of a row in the viewer."""
        if self._batch is None:
            return
        # By name: the batch looks for studies again when it starts, and may find others.
        name = self._names[index]
        case = next((case for case in self._batch.cases if case.name == name), None)
        if case is not None and _can_open(case):
            self._open_result(self._batch.study(name), self._batch.output / name)

    def note_export(self, result: StudyResult, saved: SavedResults) -> None:
        """Have table, states and summary follow a result that was exported where a batch wrote."""
        batch = self._batch

        def work(_progress: ProgressCallback, _token: CancelToken) -> None:
            state = note_export(result, saved)
            output = saved.folder.parent.resolve()
            if state is not None and batch is not None and batch.output.resolve() == output:
                batch.take_in(state)

        def listen(event: Event) -> None:
            if isinstance(event, Failed):
                self._dispatch(lambda: self._tell_failure(event))

        self._runner.submit(work, listen, lane=Lane.IO)

    def _tell_failure(self, failure: Failed) -> None:
        if failure.error is not None:
            self._view.show_error(failure.error)
        else:
            self._view.show_crash(failure.traceback)

    # JobLineView: the page shows its jobs in the line above the table.

    def show_job(self, status: JobStatus | None) -> None:
        """Keep what runs and show it."""
        self._last = status
        if self._batch is not None and [case.name for case in self._batch.cases] != self._names:
            self._show_cases(self._batch.cases)
        else:
            self._show_status()

    def show_error(self, error: UserFacingError) -> None:
        """Pass an expected error on."""
        self._view.show_error(error)

    def show_crash(self, traceback: str) -> None:
        """Pass a defect on."""
        self._view.show_crash(traceback)

    def _on_case(self, case: CaseState) -> None:
        self._dispatch(lambda: self._show_case(case))

    def _show_case(self, case: CaseState) -> None:
        if self._batch is None:
            return
        cases = self._batch.cases
        if [one.name for one in cases] != self._names:
            self._show_cases(cases)
        else:
            self._view.show_case(self._names.index(case.name), self._row(case))

    def _show_cases(self, cases: tuple[CaseState, ...]) -> None:
        self._names = [case.name for case in cases]
        self._view.show_cases([self._row(case) for case in cases])
        self._show_status()

    def _row(self, case: CaseState) -> CaseRow:
        if self._batch is None:
            raise RuntimeError("a row was asked for before its batch was listed")
        volumes = {region: readable_volume(mm3) for region, mm3 in case.volumes_mm3.items()}
        state = f"{case.fraction:.0%}" if case.status is CaseStatus.RUNNING else case.status.value
        message = case.stage if case.status is CaseStatus.RUNNING else case.reason
        if case.corrected:
            state = f"{state}, corrected"
        return CaseRow(
            name=case.name,
            where=str(self._batch.study(case.name).root),
            state=f"{state} (earlier)" if case.resumed else state,
            style=_STYLES[case.status],
            whole_tumour=volumes.get(Region.WT, ""),
            core=volumes.get(Region.TC, ""),
            enhancing=volumes.get(Region.ET, ""),
            seconds=f"{case.seconds:.0f} s" if case.is_over else "",
            message=(message or " ".join((*case.notes, *case.warnings))).replace("\n", " "),
            can_open=_can_open(case),
        )

    def _show_status(self) -> None:
        cases = self._batch.cases if self._batch is not None else ()
        over = [case for case in cases if case.is_over]
        failed = sum(case.status is CaseStatus.FAILED for case in cases)
        job = self._last
        text = _status_text(len(cases), len(over), failed, job)
        fraction = len(over) / len(cases) if cases else 0.0
        left = None
        # Of a watch nobody knows how much there is to do.
        if job is not None and not self._watching:
            fraction = job.fraction if job.fraction >= 0 else fraction
            left = job.seconds_left
        ready = any(case.status is not CaseStatus.DONE for case in cases)
        can_watch = self._batch is not None
        self._view.show_status(
            BatchStatus(text, fraction, left, self.running, ready, can_watch=can_watch)
        )


def _can_open(case: CaseState) -> bool:
    """Whether a study is finished and wrote what reopening reads."""
    return case.status is CaseStatus.DONE and can_reopen(case.files)


def _status_text(total: int, over: int, failed: int, job: JobStatus | None) -> str:
    if total == 0:
        waiting = f"{job.stage or job.title} …" if job is not None else ""
        return waiting or "Choose a folder that holds studies."
    text = f"{over} of {total} studies finished"
    if failed:
        text += f", {failed} failed"
    if job is not None and job.stage:
        text += f" · {job.stage}"
    return f"{text}."
