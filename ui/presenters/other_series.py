"""Series that serve as no sequence: diffusion, susceptibility …, only to look at."""

from collections.abc import Callable
from dataclasses import replace

from desktop_app.domain.volume import Volume
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import CancelledEvent, Done, Event, Failed, ProgressCallback
from desktop_app.jobs.runner import Job, JobRunner, Lane
from desktop_app.services.opening.import_study import load_one
from desktop_app.services.session import Session
from ui.presenters.job_line import Dispatch
from ui.presenters.slots import series_text
from ui.views.study_view import SeriesChoice, StudyView

NOT_USED = "Not used for segmentation"
_READING = "Reading …"


class OtherSeries:
    """Reads one of them in the background and hands it over to be shown.

    Parameters
    ----------
    dispatch
        Queues a function onto the GUI thread.
    show
        Called when there is another image to show, or none any more.
    """

    def __init__(
        self,
        view: StudyView,
        session: Session,
        runner: JobRunner,
        dispatch: Dispatch,
        show: Callable[[], None],
    ) -> None:
        self._view = view
        self._session = session
        self._runner = runner
        self._dispatch = dispatch
        self._show = show
        self._chosen = ""
        self._job: Job | None = None
        self.volume: Volume | None = None

    @property
    def series_uid(self) -> str:
        """The series that is shown or read; empty where it is none of them."""
        return self._chosen

    def choose(self, series_uid: str) -> None:
        """Read a series of the open study and show it."""
        study = self._session.study
        if study is None:
            return
        series = study.series_by_uid(series_uid)
        self.drop()
        self._chosen = series_uid

        def work(progress: ProgressCallback, token: CancelToken) -> Volume:
            return load_one(series, progress=progress, token=token)

        def listen(event: Event) -> None:
            if isinstance(event, Done | Failed | CancelledEvent):
                self._dispatch(lambda: end(event))

        def end(event: Event) -> None:
            if self._job is not job:
                return
            self._job = None
            match event:
                case Done(Volume() as volume):
                    caption = f"{NOT_USED}: {series.description or 'no description'}"
                    self.volume = replace(volume, source=caption)
                case Failed(None, traceback):
                    self._chosen = ""
                    self._view.show_crash(traceback)
                case Failed(error, _) if error is not None:
                    self._chosen = ""
                    self._view.show_error(error)
                case _:
                    self._chosen = ""
            self._show()

        # Beside whatever else runs: to look at an image stops no work.
        job = self._job = self._runner.submit(work, listen, lane=Lane.IO)
        self.offer()

    def drop(self) -> None:
        """Show none of them any more."""
        if self._job is not None:
            self._job.cancel()
        self._job = self.volume = None
        self._chosen = ""

    def offer(self) -> None:
        """Offer every usable series that serves as no sequence now."""
        study, result = self._session.study, self._session.result
        roles = self._session.roles if result is None else result.roles
        used = {series.series_uid for series in roles.values()}
        others = [
            SeriesChoice(one.series_uid, series_text(one))
            for one in (study.series if study is not None else ())
            if one.usable and one.series_uid not in used
        ]
        note = ""
        if self._job is not None:
            note = _READING
        elif self.volume is not None:
            note = self.volume.source
        self._view.show_other_series(others, self._chosen, note)
