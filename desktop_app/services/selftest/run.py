"""The self-test from its first check to its last, in folders of its own."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.errors import Cancelled
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.jobs.worker import ModelWorker
from desktop_app.paths import USER_DATA_VARIABLE
from desktop_app.services.case import CaseOptions, CaseOutcome, process_study
from desktop_app.services.export.formats import DRAWN_FORMATS, ExportFormat
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.models import ModelStore, verify
from desktop_app.services.rehearsal import Moment, rehearse
from desktop_app.services.results.saved_results import ExportOptions
from desktop_app.services.segmenting.segment import SegmentOptions, inference_request
from desktop_app.services.segmenting.stages import Stages
from desktop_app.services.selftest.checks import Check, CheckFailed, Checklist, NotPossibleHere
from desktop_app.services.selftest.codecs import check_codecs
from desktop_app.services.selftest.computer import (
    check_graphics_processors,
    check_scan_processes,
    check_settings,
    check_worker,
    describe_memory,
    describe_program,
)

if TYPE_CHECKING:
    from desktop_app.domain.study import Study
    from model.synthetic import SampleStudy

# Seconds on two cores; the bar's shape, no promise.
_QUICK_SECONDS = {"computer": 1.0, "codecs": 3.0, "processes": 6.0, "window": 6.0}
_FULL_SECONDS = {
    **_QUICK_SECONDS,
    "sample": 8.0,
    "scan": 1.0,
    "segment": 20.0,
    "compare": 4.0,
    "cancel": 10.0,
}
# What users' folders are called, and what programs stumble over.
_AWKWARD = "a study of Jürgen ä 文"


@dataclass(frozen=True, slots=True)
class SelfTestOptions:
    """What is tested.

    Parameters
    ----------
    segment
        The network, and where it runs.
    quick
        Leave out what takes long: the sample study and everything made of it.
    with_window
        Whether the window is opened too.
    screenshot
        Where a picture of the window goes.
    """

    segment: SegmentOptions = field(default_factory=SegmentOptions)
    quick: bool = False
    with_window: bool = True
    screenshot: Path | None = None


def run_selftest(
    models: ModelStore,
    worker: ModelWorker,
    options: SelfTestOptions,
    user_data: Path,
    page_renderer: PageRenderer | None,
    *,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> tuple[Check, ...]:
    """Try everything the program does; nothing is left behind, in the user's settings neither.

    Parameters
    ----------
    user_data
        The user's own folder, of which it is only tried whether it can be written to.
    page_renderer
        ``None`` where pages cannot be drawn.

    Returns
    -------
    tuple of Check
        Where one fails, those that build on it are left out.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    with (
        tempfile.TemporaryDirectory(
            prefix="gliascope-selftest-", ignore_cleanup_errors=True
        ) as temporary,
        _own_user_data(Path(temporary) / "settings"),
    ):
        test = _SelfTest(Path(temporary), worker, options, page_renderer, token)
        weights = _QUICK_SECONDS if options.quick else _FULL_SECONDS
        test.run(models, user_data, Stages(weights, progress))
        # On Windows a process that still runs would keep its files, and so the folder.
        worker.close()
    return tuple(test.checklist.checks)


@contextmanager
def _own_user_data(folder: Path) -> Iterator[None]:
    """Have this process and its children keep what they keep somewhere else."""
    before = os.environ.get(USER_DATA_VARIABLE)
    os.environ[USER_DATA_VARIABLE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[USER_DATA_VARIABLE]
        else:
            os.environ[USER_DATA_VARIABLE] = before


class _SelfTest:
    """One run in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        worker: ModelWorker,
        options: SelfTestOptions,
        page_renderer: PageRenderer | None,
        token: CancelToken,
    ) -> None:
        self.checklist = Checklist(token)
        self._folder = folder
        self._worker = worker
        self._options = options
        self._page_renderer = page_renderer
        self._token = token
        self._sample: SampleStudy | None = None
        self._study: Study | None = None
        self._outcome: CaseOutcome | None = None
        self._no_3d = "the window was not opened"

    def run(self, models: ModelStore, user_data: Path, stages: Stages) -> None:
        """Make every check that can be made."""
        attempt = self.checklist.attempt
        segment = self._options.segment
        with stages.stage("computer", "Looking at the computer"):
            attempt("program", describe_program)
            attempt("computer", describe_memory)
            attempt("settings folder", lambda: check_settings(user_data))
            attempt("weights", lambda: _verify(models))
        with stages.stage("codecs", "Decoding every transfer syntax"):
            check_codecs(self.checklist)
        with stages.stage("processes", "Starting the processes"):
            attempt("scan processes", check_scan_processes)
            attempt("graphics processor", check_graphics_processors)
            attempt(
                "worker",
                lambda: check_worker(self._worker, segment.device, segment.precision, self._token),
            )
        if self._options.quick:
            with stages.stage("window", "Opening the window"):
                attempt("window", self._open_window)
                attempt("3D view", self._tell_3d)
        else:
            self._with_sample(stages)

    def _with_sample(self, stages: Stages) -> None:
        attempt = self.checklist.attempt
        with stages.stage("sample", "Making the sample study"):
            made = attempt("sample study", self._provide_sample)
        with stages.stage("scan", "Reading the sample study") as report:
            found = made and attempt("sequences", lambda: self._open_study(report))
        with stages.stage("window", "Opening the window"):
            attempt("window", self._open_window)
            attempt("3D view", self._tell_3d)
        if not found:
            return
        with stages.stage("segment", "Segmenting the sample study") as report:
            attempt("network", lambda: self._segment(report))
        if self._outcome is None:
            return
        with stages.stage("compare", "Comparing with the truth"):
            self._compare(self._outcome)
        with stages.stage("cancel", "Cancelling and starting again"):
            attempt("cancel", self._cancel)

    def _provide_sample(self) -> str:
        from desktop_app.services.selftest.sample import provide_sample

        self._sample = provide_sample(self._folder / _AWKWARD / "sample")
        return f"in a folder named “{_AWKWARD}”"

    def _open_study(self, report: ProgressCallback) -> str:
        from desktop_app.services.opening.import_study import open_path

        assert self._sample is not None
        studies = open_path(
            self._sample.dicom_folder, progress=report, token=self._token, use_cache=False
        ).studies
        self._study = studies[0]
        proposed = {s.value: role.series_uid for s, role in self._study.roles.items()}
        expected = {s.value: uid for s, uid in self._sample.series_uids.items()}
        right = sum(proposed.get(sequence) == uid for sequence, uid in expected.items())
        text = f"{right} of {len(expected)} found in the DICOM files"
        if len(studies) != 1 or proposed != expected:
            raise CheckFailed(text)
        return text

    def _open_window(self) -> str:
        if not self._options.with_window:
            raise NotPossibleHere("left out, as asked")
        arguments = () if self._study is None else ("open", str(self._study.root))
        report = rehearse(
            self._folder / "window", arguments, timeout_seconds=300.0, token=self._token
        )
        if not report.picture.is_file():
            raise CheckFailed("it opened, and no picture could be taken of it")
        if self._options.screenshot is not None:
            self._options.screenshot.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(report.picture, self._options.screenshot)
        self._no_3d = report.no_3d
        shown = f"shown after {report.seconds[Moment.WINDOW]:.1f} s"
        ready = f"ready to segment after {report.seconds[Moment.READY]:.1f} s"
        return ", ".join(filter(None, (shown, ready, report.platform_note)))

    def _tell_3d(self) -> str:
        if self._no_3d:
            raise NotPossibleHere(self._no_3d)
        return "a picture was drawn"

    def _segment(self, report: ProgressCallback) -> str:
        from desktop_app.services.opening.import_study import choose_roles

        assert self._study is not None
        formats = set(ExportFormat) - (set() if self._page_renderer else DRAWN_FORMATS)
        self._outcome = process_study(
            self._study,
            choose_roles(self._study, {}),
            CaseOptions(
                self._options.segment,
                ExportOptions(tuple(one for one in ExportFormat if one in formats)),
            ),
            self._folder / _AWKWARD / "results",
            self._worker,
            page_renderer=self._page_renderer,
            progress=report,
            token=self._token,
        )
        provenance = self._outcome.result.segmentation.provenance
        ran_on = f"{provenance.model_id} on {provenance.device}, {provenance.precision}"
        return f"{ran_on}, {provenance.seconds['inference']:.1f} s"

    def _compare(self, outcome: CaseOutcome) -> None:
        from desktop_app.io.nifti.files import read_nifti
        from desktop_app.services.selftest.exports import check_exports
        from desktop_app.services.selftest.sample import compare_with_expected, compare_with_truth

        sample = self._sample
        assert sample is not None
        compare_with_truth(self.checklist, outcome.result, read_nifti(sample.truth_labels_path))
        self.checklist.attempt(
            "same as from source", lambda: compare_with_expected(outcome.result, sample.folder)
        )
        no_pages = "pages cannot be drawn: a graphics library is missing"
        left_out = {} if self._page_renderer else dict.fromkeys(DRAWN_FORMATS, no_pages)
        check_exports(self.checklist, outcome, left_out)

    def _cancel(self) -> str:
        """Stop the network in the middle of a study, and have it do the study again."""
        assert self._outcome is not None
        request = inference_request(self._outcome.result.prepared, self._options.segment)
        stop = CancelToken()

        def stop_in_the_middle(fraction: float, _stage: str) -> None:
            if fraction > 0:
                stop.cancel()

        try:
            self._worker.segment(request, progress=stop_in_the_middle, token=stop)
        except Cancelled:
            pass
        else:
            raise CheckFailed("the study was done before it could be cancelled")
        self._token.raise_if_cancelled()
        started = time.monotonic()
        again = self._worker.segment(request, token=self._token)
        if not again.labels_kji.any():
            raise CheckFailed("after a cancel, the next study came out empty")
        return f"stopped at once; the next study took {time.monotonic() - started:.1f} s"


def _verify(models: ModelStore) -> str:
    entries = models.entries()
    for entry in entries:
        verify(entry)
    for error in models.unusable():
        raise error
    if not entries:
        raise CheckFailed("none found")
    return f"{', '.join(entry.name for entry in entries)}, as on the model card"
