"""Every study below a folder, one after the other: isolated, resumable, summed up in one table."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from desktop_app.domain.measurement import MeasurementKind
from desktop_app.domain.study import Study
from desktop_app.errors import Cancelled, InputError, UserFacingError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.batch_state import (
    SKIPPED,
    SUMMARY,
    CaseState,
    CaseStatus,
    fingerprint,
    has_results,
    read_state,
    without_identity,
    write_skipped,
    write_state,
    write_summary,
)
from desktop_app.services.case import CaseOptions, CaseOutcome, process_study
from desktop_app.services.export import FILE_NAMES, PageRenderer
from desktop_app.services.import_study import choose_roles, open_path
from desktop_app.services.models import ModelStore
from desktop_app.services.privacy import REDACTED
from desktop_app.services.results_folder import STATE_FOLDER, named_after_results
from desktop_app.services.run_log import RUN_LOG
from desktop_app.services.segment import Segmenter

_log = logging.getLogger(__name__)

CaseListener = Callable[[CaseState], None]

_OWN_FILES = frozenset({*FILE_NAMES.values(), RUN_LOG, SUMMARY, SKIPPED})


class BatchWorker(Segmenter, Protocol):
    """A model process that the batch makes and ends."""

    def close(self) -> None:
        """End the process."""


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch runs.

    Parameters
    ----------
    workers
        Studies at a time, each with a model process of its own.
    resume
        Leave out studies whose results are there and up to date.

    Raises
    ------
    ValueError
        If there is not at least one worker.
    """

    case: CaseOptions = field(default_factory=CaseOptions)
    workers: int = 1
    resume: bool = True

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError("a batch needs at least one worker")


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """How a batch ended.

    Parameters
    ----------
    skipped
        (path or series, reason) of everything below the root that belongs to no study.
    """

    cases: tuple[CaseState, ...]
    summary: Path
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def failed(self) -> tuple[CaseState, ...]:
        """The studies that could not be segmented."""
        return tuple(case for case in self.cases if case.status is CaseStatus.FAILED)


class Batch:
    """The studies below a folder and their states.

    First `find` lists them, then `run` works through them; stopped and run again it goes on where
    it stopped. Both are meant for a job runner, `cases` for any thread.

    Parameters
    ----------
    models
        Where the weights are looked up.
    make_worker
        Makes a model process; called once per worker of the options.
    on_case
        Told of every change of a study's state, on the threads that work.
    on_defect
        Given the trace when a study met an unexpected exception.
    """

    def __init__(
        self,
        root: Path,
        output: Path,
        options: BatchOptions,
        *,
        models: ModelStore,
        make_worker: Callable[[], BatchWorker],
        page_renderer: PageRenderer | None = None,
        on_case: CaseListener | None = None,
        on_defect: Callable[[str], object] | None = None,
    ) -> None:
        self.root = root
        self.output = output
        self.options = options
        self._models = models
        self._make_worker = make_worker
        self._page_renderer = page_renderer
        self._on_case = on_case
        self._on_defect = on_defect
        self._lock = threading.Lock()
        self._studies: tuple[Study, ...] = ()
        self._skipped: tuple[tuple[str, str], ...] = ()
        self._cases: list[CaseState] = []
        self._kept: list[CaseState] = []
        self._case_options = options.case
        self._weights_sha256 = ""

    @property
    def cases(self) -> tuple[CaseState, ...]:
        """The studies and how they stand, in the order in which they run."""
        with self._lock:
            return tuple(self._cases)

    def study(self, name: str) -> Study:
        """Return the study of a case.

        Raises
        ------
        KeyError
            If there is none of this name.
        """
        for study in self._studies:
            if study.name == name:
                return study
        raise KeyError(name)

    def find(
        self, progress: ProgressCallback | None = None, token: CancelToken | None = None
    ) -> tuple[CaseState, ...]:
        """List the studies below the root and what is already known of each.

        A study's name is that of its folder of results, see `results_name`.

        Raises
        ------
        InputError
            If there is no study.
        UsageError
            If the model is not installed.
        OutputError
            If the key of anonymised names cannot be written.
        """
        self._look_up_model()
        found = open_path(self.root, progress=progress, token=token)
        studies = named_after_results(
            self.output,
            [study for study in found.studies if not self._is_own_study(study)],
            anonymise=self.options.case.export.anonymise,
        )
        if not studies:
            raise InputError(
                "There is no study to segment.",
                f"Below {self.root}",
                "Choose a folder that holds MR studies as DICOM or NIfTI files.",
            )
        cases = [self._known_state(study) for study in studies]
        kept = [self._on_disk(*pair) for pair in zip(studies, cases, strict=True)]
        with self._lock:
            self._studies = studies
            self._skipped = tuple(
                one for one in found.skipped if not self._is_own_result(Path(one[0]))
            )
            self._cases = cases
            self._kept = kept
        return tuple(cases)

    def run(
        self, progress: ProgressCallback | None = None, token: CancelToken | None = None
    ) -> BatchOutcome:
        """Work through every study that is not done.

        Raises
        ------
        InputError
            If there is no study.
        OutputError
            If states or summary cannot be written.
        Cancelled
            If `token` was cancelled; what is done stays done.
        """
        token = token or CancelToken()
        self.find(token=token)
        write_summary(self.output, self._kept)
        todo = [i for i, case in enumerate(self.cases) if case.status is not CaseStatus.DONE]
        run = _Run(iter(todo), _Share(todo, progress), token)
        workers = min(self.options.workers, max(len(todo), 1))
        with ThreadPoolExecutor(workers, thread_name_prefix="batch") as pool:
            lanes = [pool.submit(self._work_through, run) for _ in range(workers)]
        for lane in lanes:
            lane.result()
        token.raise_if_cancelled()
        anonymise = self.options.case.export.anonymise
        write_skipped(
            self.output, ((REDACTED if anonymise else what, why) for what, why in self._skipped)
        )
        return BatchOutcome(self.cases, write_summary(self.output, self._kept), self._skipped)

    def _work_through(self, run: "_Run") -> None:
        worker = self._make_worker()
        try:
            for index in run.rest():
                self._run_case(index, worker, run)
        except BaseException:
            run.stop()
            raise
        finally:
            worker.close()

    def _run_case(self, index: int, worker: BatchWorker, run: "_Run") -> None:
        study = self._studies[index]
        state = CaseState(study.name, study.study_uid)

        def report(fraction: float, stage: str) -> None:
            self._set(index, replace(running, fraction=fraction, stage=stage))
            run.share.report(index, fraction, f"{study.name}: {stage}")

        started = time.perf_counter()
        try:
            roles = choose_roles(study, {})
            state = replace(state, fingerprint=self._fingerprint(study))
            running = replace(state, status=CaseStatus.RUNNING)
            self._keep(index, running)
            outcome = process_study(
                study,
                roles,
                self._case_options,
                self.output,
                worker,
                page_renderer=self._page_renderer,
                progress=report,
                token=run.token,
            )
            state = _done(state, outcome)
        except Cancelled:
            self._keep(index, state)
            raise
        except Exception as error:  # noqa: BLE001 - a failed study never stops the rest
            state = replace(state, status=CaseStatus.FAILED, reason=self._reason(study, error))
        state = replace(state, seconds=time.perf_counter() - started)
        self._keep(index, state)
        run.share.report(index, 1.0, study.name)

    def _look_up_model(self) -> None:
        options = self.options.case
        model = self._models.find(options.segment.model_name)
        self._case_options = replace(
            options, segment=replace(options.segment, weights_folder=model.folder)
        )
        self._weights_sha256 = model.sha256

    def _known_state(self, study: Study) -> CaseState:
        fresh = CaseState(study.name, study.study_uid)
        if not self.options.resume:
            return fresh
        known = read_state(self.output, study.name)
        if known is None or known.status is not CaseStatus.DONE:
            return fresh
        try:
            current = self._fingerprint(study) == known.fingerprint
        except InputError:
            return fresh
        if not current or not has_results(self.output, known):
            return fresh
        return replace(known, study_uid=study.study_uid, resumed=True, fraction=1.0)

    def _fingerprint(self, study: Study) -> str:
        try:
            roles = choose_roles(study, {})
            return fingerprint(roles, self.options.case, self._weights_sha256)
        except OSError as error:
            raise InputError(
                "A file of the study cannot be read.",
                str(error.filename or study.root),
                "Check that the file is still there and that you may read it.",
            ) from error

    def _reason(self, study: Study, error: Exception) -> str:
        if isinstance(error, UserFacingError):
            return str(error)
        if isinstance(error, MemoryError):
            return f"There is not enough memory.\nStudy {study.name}\nUse fewer workers."
        trace = "".join(traceback.format_exception(error))
        _log.error("Unexpected exception in a study of the batch\n%s", trace)
        if self._on_defect is not None:
            self._on_defect(trace)
        return (
            f"The program met an unexpected problem ({type(error).__name__}).\n"
            f"Study {study.name}\nPlease send the crash report to the makers of the program."
        )

    def _keep(self, index: int, state: CaseState) -> None:
        """Note a state on disk, in the summary and with the listener."""
        kept = self._on_disk(self._studies[index], state)
        write_state(self.output, kept)
        self._set(index, state)
        with self._lock:
            self._kept[index] = kept
            write_summary(self.output, self._kept)

    def _set(self, index: int, state: CaseState) -> None:
        with self._lock:
            self._cases[index] = state
        if self._on_case is not None:
            self._on_case(state)

    def _on_disk(self, study: Study, state: CaseState) -> CaseState:
        anonymise = self.options.case.export.anonymise
        return without_identity(state, study) if anonymise else state

    def _is_own_study(self, study: Study) -> bool:
        """Whether a study is a result of an earlier run."""
        names = {instance.path.name for series in study.series for instance in series.instances}
        return self._is_own_result(study.root) or names <= set(FILE_NAMES.values())

    def _is_own_result(self, path: Path) -> bool:
        """Whether something was written by a batch: told by its place, or else by its name."""
        output, root = self.output.resolve(), self.root.resolve()
        if output != root and output.is_relative_to(root):
            return path.resolve().is_relative_to(output)
        return path.name in _OWN_FILES or STATE_FOLDER in path.parts


class _Run:
    """What the workers of one run share: the studies left, the bar, the wish to stop."""

    def __init__(self, todo: Iterator[int], share: "_Share", token: CancelToken) -> None:
        self.share = share
        self.token = token
        self._todo = todo
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """Begin no further study."""
        self._stopped = True

    def rest(self) -> Iterator[int]:
        """Yield the studies that no worker has taken yet."""
        while not self._stopped:
            self.token.raise_if_cancelled()
            with self._lock:
                index = next(self._todo, None)
            if index is None:
                return
            yield index


class _Share:
    """Adds the progress of studies that run side by side up to one bar."""

    def __init__(self, todo: list[int], report: ProgressCallback | None) -> None:
        self._fractions = dict.fromkeys(todo, 0.0)
        self._report = report
        self._lock = threading.Lock()

    def report(self, index: int, fraction: float, text: str) -> None:
        with self._lock:
            self._fractions[index] = fraction
            overall = sum(self._fractions.values()) / len(self._fractions)
        if self._report is not None:
            self._report(overall, text)


def _done(state: CaseState, outcome: CaseOutcome) -> CaseState:
    volumes = {
        measurement.region: measurement.value
        for measurement in outcome.result.measurements
        if measurement.kind is MeasurementKind.VOLUME
    }
    return replace(
        state,
        status=CaseStatus.DONE,
        fraction=1.0,
        volumes_mm3=volumes,
        warnings=outcome.result.segmentation.warnings,
        files=tuple(file.name for file in outcome.files),
    )
