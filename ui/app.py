"""Builds the window, its presenters and the wires between them."""

import sys
import traceback
from collections.abc import Sequence as Many
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QSplashScreen

import desktop_app
from desktop_app.domain.correction import PaintOver
from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence, Study
from desktop_app.errors import OutputError, UserFacingError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import Event, Failed, ProgressCallback
from desktop_app.jobs.runner import Lane
from desktop_app.jobs.worker import WorkerState
from desktop_app.paths import assets_dir
from desktop_app.services.ahead import load_ahead
from desktop_app.services.batch import Batch, BatchOptions, CaseListener
from desktop_app.services.case import CaseOptions
from desktop_app.services.export_formats import DEFAULT_FORMATS, ExportFormat
from desktop_app.services.models import ModelEntry, require_tumour_model
from desktop_app.services.rehearsal import Moment, Rehearsal
from desktop_app.services.saved_results import ExportOptions, SavedResults
from desktop_app.services.segment import SegmentOptions
from desktop_app.services.settings import Settings
from ui.app_services import AppServices
from ui.application import Application
from ui.comparing import Comparing
from ui.forgetting import Forgetting
from ui.icons import Icons
from ui.leaving import Leaving
from ui.main_window import MainWindow
from ui.measuring import Measuring
from ui.pdf_report import PdfReport
from ui.presenters.batch_presenter import BatchPresenter
from ui.presenters.correction_presenter import CorrectionPresenter
from ui.presenters.diameter_presenter import DiameterPresenter
from ui.presenters.export_state import ExportStatePresenter
from ui.presenters.failures import tell_failure
from ui.presenters.sequence_presenter import SequencePresenter
from ui.presenters.study_presenter import StudyPresenter
from ui.presenters.time_presenter import TimePresenter
from ui.qtbridge.dispatcher import GuiDispatcher
from ui.rehearsal import RehearsalWatch
from ui.results_home import ResultsHome
from ui.theme import ThemeName, apply_theme, resolve
from ui.widgets.message import about_box
from ui.window_memory import as_left, restore

_READINESS = {
    WorkerState.ABSENT: "",
    WorkerState.LOADING: "Loading the network …",
    WorkerState.READY: "Network loaded",
    WorkerState.BUSY: "",
}
_READINESS_MS = 250


class WindowApp:
    """The window with its presenters, ready to show.

    Parameters
    ----------
    application
        The Qt application, already made.
    services
        The program's parts; stay open until `close`.
    offers_results
        Whether to look for results of earlier of the study that is opened. A rehearsal has nobody
        to answer.
    """

    def __init__(
        self, application: QApplication, services: AppServices, *, offers_results: bool = True
    ) -> None:
        self._application = application
        self.services = services
        self.settings = services.load_settings()
        self.set_theme(ThemeName(self.settings.theme))
        self.dispatcher = GuiDispatcher()
        self._renderer = PdfReport()
        self._model: ModelEntry | None = None
        self._tells_defect = False
        self.window = MainWindow(Icons(assets_dir() / "icons"), self.settings.open_folder)
        self.home = ResultsHome(
            self.window, services.session, lambda: self.settings, self._keep_settings
        )
        self.study = StudyPresenter(
            self.window,
            services.session,
            services.runner,
            services.worker,
            self.dispatcher,
            options=self._segment_options,
            page_renderer=self._renderer,
            results_folder=lambda: self.home.folder_to_look_in if offers_results else None,
        )
        self.correction = CorrectionPresenter(self.window, services.session)
        self.sequences = SequencePresenter(
            self.window, services.session, lambda: self.study.preflight.registered
        )
        self.study.preflight.on_prepared = self.sequences.show
        self.diameters = DiameterPresenter(
            self.window, services.session, services.runner, self.dispatcher
        )
        self.forgetting = Forgetting(
            self.window,
            self.correction,
            lambda: self._keep_recent(self.settings.without_studies()),
        )
        self.exported = ExportStatePresenter(self.window, services.session)
        self.leaving = Leaving(
            self.window,
            services.session,
            rulers=lambda: len(self.window.study_page.views.rulers.rulers),
            can_export=lambda: self.window.study_page.can_export,
            export=self._begin_export,
        )
        self.measuring = Measuring(self.window, services.session, self.diameters)
        self.over_time = TimePresenter(
            self.window, services.session, self.study.jobs, lambda: self.home.folder_of_result
        )
        self.comparing = Comparing(
            self.window,
            services,
            self.study.jobs,
            options=self._segment_options,
            results_folder=lambda: self.home.folder_of_result,
            renderer=self._renderer,
        )
        self.batch = BatchPresenter(
            self.window.batch_page,
            services.runner,
            self.dispatcher,
            make_batch=self._make_batch,
            options=self._batch_options,
            open_result=self._open_result,
            open_images=self._open_images,
        )
        restore(self.window, self.settings)
        self._readiness = QTimer(self.window)
        self._readiness.setInterval(_READINESS_MS)
        self._connect()

    def start(self, paths: Many[Path]) -> None:
        """Show the window; open a study if one is given, and get the network ready."""
        self.window.show()
        if self.settings.model:
            self._use_model(self.settings.model)
        if paths:
            self.study.open_path(paths[0])
        QTimer.singleShot(0, self._get_ready)

    def set_theme(self, name: ThemeName) -> None:
        """Change the appearance and remember it."""
        apply_theme(self._application, resolve(name), assets_dir() / "styles" / "gliascope.qss")
        self.settings = replace(self.settings, theme=name.value)

    def on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Tell of a defect met on the GUI thread; meant as ``sys.excepthook``."""
        if self._tells_defect:  # met while telling of another, so it would be told without end
            sys.__excepthook__(kind, error, trace)
            return
        self._tells_defect = True
        try:
            self.window.show_crash("".join(traceback.format_exception(kind, error, trace)))
        finally:
            self._tells_defect = False

    def close(self) -> None:
        """Stop the jobs, keep the settings; nothing touches the window any more."""
        self._readiness.stop()
        self.dispatcher.close()
        self.study.close()
        self.correction.close()
        self.batch.stop()
        self.settings = as_left(self.window, self.settings)
        # The window is closing: there is nobody to tell, and only what was ticked last is lost.
        with suppress(OutputError, OSError):
            self.services.save_settings(self.settings)

    def _keep_trace(self, trace: str) -> Path | None:
        """Keep the trace of a defect where that can be; the message shows it in any case."""
        with suppress(OutputError, OSError):
            return self.services.report_crash(trace)
        return None

    def _get_ready(self) -> None:
        """Load the network in its process, and here what the first study will need."""
        self.services.worker.warm(self.settings.device, self.settings.precision)
        self._readiness.start()

        def work(_progress: ProgressCallback, _token: CancelToken) -> None:
            load_ahead()

        def listen(event: Event) -> None:
            if isinstance(event, Failed):
                self.dispatcher(lambda: tell_failure(self.window, event))

        self.services.runner.submit(work, listen, lane=Lane.IO)

    def _what_runs(self) -> str:
        """Say what closing the window would stop, and what would become of it."""
        said = []
        if self.study.exporting.what_runs:
            said.append(f"{self.study.exporting.what_runs} Stopped now, they may be missing.")
        if self.batch.what_runs:
            said.append(
                f"{self.batch.what_runs} What is done stays done, and the next start goes on from "
                "there."
            )
        return "\n".join(said)

    def _show_readiness(self) -> None:
        self.window.show_readiness(_READINESS[self.services.worker.state])

    def _keep_settings(self, settings: Settings) -> None:
        self.settings = settings

    def _note_recent(self, path: Path) -> None:
        self._keep_recent(self.settings.with_recent(str(path.absolute())))

    def _keep_recent(self, settings: Settings) -> None:
        """Keep it on disk at once: what is to be forgotten must not come back after a crash."""
        self.settings = settings
        self.window.menus.show_recent(settings.recent_studies)
        with suppress(OutputError, OSError):
            self.services.save_settings(settings)

    def _connect(self) -> None:
        window, page = self.window, self.window.study_page
        window.has_unsaved = lambda: self.study.unsaved
        window.what_runs = self._what_runs
        self._readiness.timeout.connect(self._show_readiness)
        window.path_opened.connect(self.study.open_path)
        self.study.on_opened = self._note_recent
        window.recent_cleared.connect(
            lambda: self._keep_recent(replace(self.settings, recent_studies=()))
        )
        window.sample_requested.connect(self._open_sample)
        window.menus.over_time.triggered.connect(self.over_time.show)
        window.result_opened.connect(self.study.reopening.open_chosen)
        window.ask_to_leave = self.leaving.ask
        window.export_asked.connect(self._ask_export)
        self.study.exporting.on_exported = self._note_exported
        window.close_asked.connect(self.close)
        # Qt holds methods weakly, which a slotted class does not allow.
        window.keep_trace = self._keep_trace
        page.segment_requested.connect(self._segment)
        page.job_bar.cancel_requested.connect(self.study.cancel)
        page.sequences.role_changed.connect(self._choose_role)
        page.sequences.sequence_chosen.connect(self.study.show_sequence)
        page.sequences.compare_requested.connect(self.study.preflight.compare)
        page.viewer_bar.sequence_chosen.connect(self.study.show_sequence)
        page.viewer_bar.series_chosen.connect(self.study.others.choose)
        page.study_chosen.connect(self._choose_study)
        self._connect_correction()
        batch = window.batch_page
        batch.folders_chosen.connect(self.batch.choose_folders)
        batch.start_requested.connect(self.batch.start)
        batch.stop_requested.connect(self.batch.stop)
        batch.open_requested.connect(self.batch.open)
        window.menus.models.aboutToShow.connect(self._show_models)
        window.menus.models.triggered.connect(lambda action: self._use_model(action.data()))
        window.menus.about.triggered.connect(lambda: about_box(window, desktop_app.__version__))
        for name, action in window.menus.themes.items():
            action.triggered.connect(lambda _, one=name: self.set_theme(one))
        for device, action in window.menus.devices.items():
            action.triggered.connect(lambda _, one=device: self._use_device(one))

    def _connect_correction(self) -> None:
        window, page, correction = self.window, self.window.study_page, self.correction
        page.tools_requested.connect(correction.set_active)
        window.menus.correct.triggered.connect(correction.set_active)
        window.menus.undo.triggered.connect(correction.undo)
        window.menus.redo.triggered.connect(correction.redo)
        bar, views = page.correction_bar, page.views
        bar.undo_requested.connect(correction.undo)
        bar.redo_requested.connect(correction.redo)
        bar.smooth_requested.connect(correction.smooth)
        bar.specks_requested.connect(correction.remove_specks)
        bar.fill_requested.connect(correction.fill_between)
        page.limits_toggled.connect(correction.show_limits)
        page.limits_bar.limit_moved.connect(
            lambda region, limit: correction.redraw(region, limit, bar.hidden)
        )
        page.limits_bar.limit_settled.connect(correction.finish_redraw)
        views.stroke_began.connect(self._begin_stroke)
        views.stroke_moved.connect(correction.extend)
        views.stroke_ended.connect(correction.finish)
        views.stroke_cancelled.connect(correction.cancel)

    def _begin_stroke(
        self, point_lps_mm: NDArray[np.float64], normal_lps: NDArray[np.float64], erases: bool
    ) -> None:
        settings = self.window.study_page.correction_bar.settings(erases=erases)
        if settings is None:
            return
        drawn_on = self.window.study_page.views.drawn_on
        is_hidden = drawn_on is None and self.study.others.volume is not None
        if settings.over is PaintOver.SIMILAR and is_hidden:
            # What is "about as bright" would be judged by an image that nobody sees.
            self.window.show_message(
                "Show one of the four sequences first.",
                ("Similar brightness is that of a sequence, not of another series.",),
            )
            return
        self.correction.begin(settings, point_lps_mm, normal_lps, drawn_on or self.study.shown)

    def _segment(self) -> None:
        """Segment, unless that would lose corrections the user wants to keep."""
        saved = self.services.session.targets_saved and not self.correction.is_unsaved
        if saved or self.window.may_leave("Segment", self._segment):
            self.study.segment()

    def _choose_role(self, sequence: Sequence, series_uid: str) -> None:
        again = partial(self._choose_role, sequence, series_uid)
        if self.window.may_leave("Change series", again):
            self.study.choose_role(sequence, series_uid)
        else:
            self.study.keep_roles()

    def _choose_study(self, index: int) -> None:
        if self.window.may_leave("Open", partial(self._choose_study, index)):
            self.study.choose_study(index)
        else:
            self.study.keep_study()

    def _open_sample(self) -> None:
        if not self.window.may_leave("Open", self._open_sample):
            return
        self.window.show_study_page()
        self.study.open_sample(self.services.user_data)

    def _show_models(self) -> None:
        entries = self.services.models.for_tumours()
        choices = [(entry.name, entry.architecture) for entry in entries]
        self.window.menus.show_models(choices, self._segment_options().model_name)

    def _use_model(self, name: str) -> None:
        """Segment with this network from now on; with the program's own where it is gone."""
        try:
            self._model = self.services.models.find(name)
            require_tumour_model(self._model)
        except UserFacingError as error:
            self._model = None
            self.window.show_error(error)
        self.settings = replace(self.settings, model=self._model.name if self._model else "")
        self.batch.show_options()

    def _use_device(self, name: str) -> None:
        """Segment there from now on; the network is loaded there at once."""
        self.settings = replace(self.settings, device=name)
        self.services.worker.warm(name, self.settings.precision)

    def _segment_options(self) -> SegmentOptions:
        device, precision = self.settings.device, self.settings.precision
        if self._model is None:
            return SegmentOptions(device, precision)
        return SegmentOptions(device, precision, self._model.name, self._model.folder)

    def _batch_options(self) -> BatchOptions:
        ticks = self.window.batch_page.ticks
        export = ExportOptions(
            tuple(ExportFormat(one) for one in ticks.formats) or DEFAULT_FORMATS,
            anonymise=ticks.anonymise,
        )
        return BatchOptions(case=CaseOptions(self._segment_options(), export))

    def _make_batch(self, root: Path, output: Path, on_case: CaseListener) -> Batch:
        runner = self.services.runner
        return self.services.make_batch(
            root,
            output,
            self._batch_options(),
            page_renderer=self._renderer,
            on_case=on_case,
            gives_way=lambda: runner.is_busy(Lane.COMPUTE),
        )

    def _open_result(self, study: Study, folder: Path) -> None:
        if not self.window.may_leave("Open", partial(self._open_result, study, folder)):
            return
        self.window.show_study_page()
        self.study.open_result(study, folder)

    def _open_images(self, study: Study, folder: Path) -> None:
        """Open a study of a batch that has no result yet; what is exported goes to the batch."""
        if not self.window.may_leave("Open", partial(self._open_images, study, folder)):
            return
        self.home.note_batch(study, folder)
        self.window.show_study_page()
        self.study.open_study(study)

    def _ask_export(self) -> None:
        self.leaving.stay()
        self._begin_export()

    def _begin_export(self) -> bool:
        choice = self.home.ask_export()
        if choice is not None:
            self.study.exporting.export(choice.folder, choice.formats, anonymise=choice.anonymise)
        return choice is not None

    def _note_exported(self, result: StudyResult, saved: SavedResults) -> None:
        self.batch.note_export(result, saved)
        self.exported.note_exported(saved.folder)
        self.leaving.note_exported(saved.notes)


def run(
    application: Application,
    services: AppServices,
    paths: Many[Path],
    splash: QSplashScreen | None = None,
    rehearsal: Rehearsal | None = None,
) -> int:
    """Show the window until the user closes it; returns the exit code.

    Parameters
    ----------
    splash
        What is on the screen meanwhile.
    rehearsal
        Set where this start is only to be watched.
    """
    app = WindowApp(application, services, offers_results=rehearsal is None)
    sys.excepthook = app.on_exception
    application.file_opened.connect(app.window.open_path)
    if rehearsal is not None:
        _watch(rehearsal, app, has_study=bool(paths))
    app.start(paths)
    if splash is not None:
        splash.finish(app.window)
    return application.exec()


def _watch(rehearsal: Rehearsal, app: WindowApp, *, has_study: bool) -> None:
    session, worker = app.services.session, app.services.worker
    is_there = {Moment.READY: lambda: worker.state is WorkerState.READY}
    if has_study:
        is_there[Moment.STUDY] = lambda: session.loaded is not None and not app.study.preflight.busy
    was_started = False

    def problem() -> str:
        nonlocal was_started
        is_absent = worker.state is WorkerState.ABSENT
        was_started = was_started or not is_absent
        return "The network could not be loaded." if was_started and is_absent else ""

    RehearsalWatch(rehearsal, app.window, is_there, problem)
