"""Builds the window, its presenters and the wires between them."""

import sys
import traceback
from collections.abc import Sequence as Many
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QSplashScreen

import desktop_app
from desktop_app.composition import App
from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence
from desktop_app.errors import OutputError
from desktop_app.jobs.worker import WorkerState
from desktop_app.paths import assets_dir
from desktop_app.services.rehearsal import Moment, Rehearsal
from desktop_app.services.results.saved_results import SavedResults
from desktop_app.services.settings import Settings
from ui.application import Application
from ui.batching import Batching
from ui.comparing import Comparing
from ui.correcting import Correcting
from ui.forgetting import Forgetting
from ui.icons import Icons
from ui.leaving import Leaving
from ui.main_window import MainWindow
from ui.measuring import Measuring
from ui.pdf_report import PdfReport
from ui.preferences import Preferences, show_theme
from ui.presenters.diameter_presenter import DiameterPresenter
from ui.presenters.export_state import ExportStatePresenter
from ui.presenters.sequence_presenter import SequencePresenter
from ui.presenters.study_presenter import StudyPresenter
from ui.presenters.time_presenter import TimePresenter
from ui.qtbridge.dispatcher import GuiDispatcher
from ui.readiness import Readiness
from ui.rehearsal import RehearsalWatch
from ui.results_home import ResultsHome
from ui.supporting import Supporting
from ui.theme import ThemeName
from ui.widgets.message import about_box
from ui.window_memory import restore


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
        self, application: QApplication, services: App, *, offers_results: bool = True
    ) -> None:
        self.services = services
        settings = services.load_settings()
        show_theme(application, ThemeName(settings.theme))
        self.dispatcher = GuiDispatcher()
        self._renderer = PdfReport()
        self._tells_defect = False
        self.window = MainWindow(Icons(assets_dir() / "icons"), settings.open_folder)
        self.preferences = Preferences(application, self.window, services, settings)
        self.home = ResultsHome(
            self.window, services.session, lambda: self.settings, self.preferences.keep
        )
        self.study = StudyPresenter(
            self.window,
            services.session,
            services.runner,
            services.worker,
            self.dispatcher,
            options=self.preferences.segment_options,
            page_renderer=self._renderer,
            results_folder=lambda: self.home.folder_to_look_in if offers_results else None,
        )
        self.correcting = Correcting(self.window, services.session, self.study)
        self.correction = self.correcting.presenter
        self.sequences = SequencePresenter(
            self.window, services.session, lambda: self.study.preflight.registered
        )
        self.study.preflight.on_prepared = self.sequences.show
        self.diameters = DiameterPresenter(
            self.window, services.session, services.runner, self.dispatcher
        )
        self.forgetting = Forgetting(self.window, self.correction, self.preferences.forget_studies)
        self.exported = ExportStatePresenter(self.window, services.session)
        self.leaving = Leaving(
            self.window,
            services.session,
            rulers=lambda: len(self.window.study_page.views.rulers.rulers),
            can_export=lambda: self.window.study_page.can_export,
            export=self._begin_export,
        )
        self.supporting = Supporting(
            self.window, services.session, lambda: self.settings, services.user_data
        )
        self.measuring = Measuring(self.window, services.session, self.diameters)
        self.over_time = TimePresenter(
            self.window, services.session, self.study.jobs, lambda: self.home.folder_of_result
        )
        self.comparing = Comparing(
            self.window,
            services,
            self.study.jobs,
            options=self.preferences.segment_options,
            results_folder=lambda: self.home.folder_of_result,
            renderer=self._renderer,
        )
        self.batching = Batching(
            self.window,
            services,
            self.dispatcher,
            study=self.study,
            home=self.home,
            options=self.preferences.segment_options,
            renderer=self._renderer,
        )
        self.batch = self.batching.presenter
        self.preferences.on_model = self.batch.show_options
        self.readiness = Readiness(self.window, services, self.dispatcher)
        restore(self.window, settings)
        self._connect()

    @property
    def settings(self) -> Settings:
        """What is kept of what the user chose."""
        return self.preferences.settings

    def set_theme(self, name: ThemeName) -> None:
        """Change the appearance and remember it."""
        self.preferences.set_theme(name)

    def start(self, paths: Many[Path]) -> None:
        """Show the window; open a study if one is given, and get the network ready."""
        self.window.show()
        if self.settings.model:
            self.preferences.use_model(self.settings.model)
        if paths:
            self.study.reading.open_path(paths[0])
        QTimer.singleShot(0, self._get_ready)

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
        self.readiness.stop()
        self.dispatcher.close()
        self.study.close()
        self.correction.close()
        self.batch.stop()
        self.preferences.save()

    def _keep_trace(self, trace: str) -> Path | None:
        """Keep the trace of a defect where that can be; the message shows it in any case."""
        with suppress(OutputError, OSError):
            return self.services.report_crash(trace)
        return None

    def _get_ready(self) -> None:
        self.readiness.begin(self.settings.device, self.settings.precision)

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

    def _connect(self) -> None:
        window, page = self.window, self.window.study_page
        window.has_unsaved = lambda: self.study.unsaved
        window.what_runs = self._what_runs
        window.path_opened.connect(self.study.reading.open_path)
        self.study.on_opened = self.preferences.note_opened
        window.sample_requested.connect(self._open_sample)
        window.menus.over_time.triggered.connect(self.over_time.show)
        window.result_opened.connect(self.study.reopening.open_chosen)
        window.labels_opened.connect(self.study.labels.open)
        window.file_dropped.connect(
            lambda file: self.study.labels.look(file, lambda: window.open_path(file))
        )
        window.ask_to_leave = self.leaving.ask
        window.export_asked.connect(self._ask_export)
        self.study.exporting.on_exported = self._note_exported
        window.close_asked.connect(self.close)
        # Qt holds methods weakly, which a slotted class does not allow.
        window.keep_trace = self._keep_trace
        page.segment_requested.connect(self._segment)
        page.job_bar.cancel_requested.connect(self.study.cancel)
        page.sequences.role_changed.connect(self._choose_role)
        page.sequences.sequence_chosen.connect(self.study.image.choose)
        page.sequences.compare_requested.connect(self.study.preflight.compare)
        page.viewer_bar.sequence_chosen.connect(self.study.image.choose)
        page.viewer_bar.series_chosen.connect(self.study.image.others.choose)
        page.study_chosen.connect(self._choose_study)
        window.menus.about.triggered.connect(lambda: about_box(window, desktop_app.__version__))

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
            self.study.reading.choose_study(index)
        else:
            self.study.keep_study()

    def _open_sample(self) -> None:
        if not self.window.may_leave("Open", self._open_sample):
            return
        self.window.show_study_page()
        self.study.reading.open_sample(self.services.user_data)

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
    services: App,
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
