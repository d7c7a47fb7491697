"""Wires the batch: its page, the presenter, and the studies of it that are opened."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from desktop_app.composition import App
from desktop_app.domain.study import Study
from desktop_app.jobs.runner import Lane
from desktop_app.services.batch import Batch, BatchOptions, CaseListener
from desktop_app.services.case import CaseOptions
from desktop_app.services.export.formats import DEFAULT_FORMATS, ExportFormat
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.results.saved_results import ExportOptions
from desktop_app.services.segmenting.segment import SegmentOptions
from ui.main_window import MainWindow
from ui.presenters.batch_presenter import BatchPresenter
from ui.presenters.job_line import Dispatch
from ui.presenters.review_presenter import ReviewPresenter
from ui.presenters.study_presenter import StudyPresenter
from ui.results_home import ResultsHome


class Batching:
    """Connects the page of the batch with its presenter.

    Parameters
    ----------
    study, home
        Open a study of the batch; are told where its results belong.
    options
        Returns the device and network to use now.
    renderer
        Makes the PDF pages.
    """

    def __init__(
        self,
        window: MainWindow,
        services: App,
        dispatch: Dispatch,
        *,
        study: StudyPresenter,
        home: ResultsHome,
        options: Callable[[], SegmentOptions],
        renderer: PageRenderer,
    ) -> None:
        self._window = window
        self._services = services
        self._study = study
        self._home = home
        self._options = options
        self._renderer = renderer
        page = window.batch_page
        self.presenter = BatchPresenter(
            page,
            services.runner,
            dispatch,
            make_batch=self.make,
            options=self._batch_options,
            open_result=self.open_result,
            open_images=self.open_images,
        )
        page.folders_chosen.connect(self.presenter.choose_folders)
        page.start_requested.connect(self.presenter.start)
        page.stop_requested.connect(self.presenter.stop)
        page.open_requested.connect(lambda row: self._open(self.presenter.name_of(row)))
        self.review = ReviewPresenter(
            window,
            services.session,
            self.presenter.notes,
            batch=lambda: self.presenter.batch,
            show=self._show,
            reopening=study.reopening,
        )
        self.presenter.on_followed = self.review.follow
        bar = window.review_bar
        bar.accepted.connect(self._accept)
        bar.rejected.connect(self._reject)
        bar.next_requested.connect(self._go_on)

    def make(self, root: Path, output: Path, on_case: CaseListener) -> Batch:
        """Return a batch as it is ticked now; it gives way to what is computed in the window."""
        runner = self._services.runner
        return self._services.make_batch(
            root,
            output,
            self._batch_options(),
            page_renderer=self._renderer,
            on_case=on_case,
            gives_way=lambda: runner.is_busy(Lane.COMPUTE),
        )

    def open_result(self, study: Study, folder: Path) -> None:
        """Open a study of a batch together with its result."""
        self._window.show_study_page()
        self._study.open_result(study, folder)

    def open_images(self, study: Study, folder: Path) -> None:
        """Open a study of a batch that has no result yet; what is exported goes to the batch."""
        self._home.note_batch(study, folder)
        self._window.show_study_page()
        self._study.reading.open_study(study)

    def _open(self, name: str) -> None:
        if self._window.may_leave("Open", partial(self._open, name)):
            self._show(name)

    def _show(self, name: str) -> None:
        if self.presenter.open(name):
            self.review.begin(name)

    # What is on the screen is dealt with before anything is said of it: then the next one opens.

    def _accept(self) -> None:
        # Labels that the batch does not hold are accepted only once they are exported to it.
        verb = "Accept" if self._services.session.labels_saved else ""
        if self._window.may_leave(verb, self._accept):
            self.review.accept()

    def _reject(self) -> None:
        if self._window.may_leave("Reject", self._reject):
            self._window.ask_rejection(self.review.reject)

    def _go_on(self) -> None:
        if self._window.may_leave("Next", self._go_on):
            self.review.go_on()

    def _batch_options(self) -> BatchOptions:
        ticks = self._window.batch_page.ticks
        export = ExportOptions(
            tuple(ExportFormat(one) for one in ticks.formats) or DEFAULT_FORMATS,
            anonymise=ticks.anonymise,
        )
        return BatchOptions(case=CaseOptions(self._options(), export))
