"""Labels of another program: asked what they mean, and opened on the study that is open."""

from collections.abc import Callable, Mapping
from pathlib import Path

from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Study
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import Done, Event, Failed, ProgressCallback
from desktop_app.jobs.runner import JobRunner, Lane
from desktop_app.services.results.label_import import ForeignLabels, open_labels, read_foreign
from desktop_app.services.results.reopen import Reopened
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.session import Session
from ui.presenters.failures import tell_failure
from ui.presenters.job_line import Dispatch, JobLine
from ui.views.study_view import StudyView

_TITLE = "Opening the labels"
_BUSY = "Something else is going on."
_WHY_BUSY = "Wait until it has ended, or cancel it; then open the labels."


class LabelOpening:
    """Reads labels that another program made, and takes them over as the result.

    Parameters
    ----------
    jobs
        The line of the study's jobs.
    network
        Returns what outlines the brain.
    load
        Reads the images of the open study, where a job that did so had to make way.
    """

    def __init__(
        self,
        view: StudyView,
        session: Session,
        runner: JobRunner,
        dispatch: Dispatch,
        jobs: JobLine,
        *,
        network: Callable[[], BrainNetwork | None],
        load: Callable[[], None],
    ) -> None:
        self._view = view
        self._session = session
        self._runner = runner
        self._dispatch = dispatch
        self._jobs = jobs
        self._network = network
        self._load = load

    def look(self, file: Path, otherwise: Callable[[], None]) -> None:
        """Offer a file that was dropped as labels of the open study.

        Parameters
        ----------
        otherwise
            Opens it where it holds none.
        """
        study = self._session.study

        def work(_progress: ProgressCallback, _token: CancelToken) -> bool:
            from desktop_app.io.label_maps import holds_labels

            return holds_labels(file)

        def told(is_labels: bool) -> None:
            if not is_labels or study is None or not self._is_open(study):
                otherwise()
            elif self._jobs.busy:
                self._view.show_message(_BUSY, (_WHY_BUSY,))
            else:
                self._view.offer_labels(file)

        def listen(event: Event) -> None:
            match event:
                case Done(bool() as is_labels):
                    self._dispatch(lambda: told(is_labels))
                case Failed():
                    self._dispatch(lambda: tell_failure(self._view, event))
                case _:
                    pass

        self._runner.submit(work, listen, lane=Lane.IO)

    def open(self, file: Path) -> None:
        """Read a file, and ask which region each of its values or segments is."""
        study = self._session.study
        if study is None:
            return

        def work(_progress: ProgressCallback, _token: CancelToken) -> ForeignLabels:
            return read_foreign(file, study)

        def done(labels: ForeignLabels) -> None:
            def answer(regions: Mapping[int, Region]) -> None:
                if self._is_open(study):
                    self._lay(labels, regions)

            if self._is_open(study):
                self._resume()
                self._view.ask_labels(file.name, labels.parts, answer)

        self._jobs.start(_TITLE, work, done, lane=Lane.IO, on_failed=self._resume)
        # What is drawn while the file is read was not asked about.
        self._session.await_result(True)

    def _lay(self, labels: ForeignLabels, regions: Mapping[int, Region]) -> None:
        session = self._session
        study, roles, known = session.study, dict(session.roles), session.loaded
        if study is None:
            return
        chosen, generation, network = session.chosen_by_user, session.generation, self._network()

        def work(progress: ProgressCallback, token: CancelToken) -> Reopened:
            return open_labels(
                study,
                roles,
                labels,
                regions,
                known=known,
                network=network,
                chosen_by_user=chosen,
                progress=progress,
                token=token,
            )

        def done(opened: Reopened) -> None:
            if session.accept_loaded(opened.loaded, generation):
                session.accept_result(opened.result, generation)

        self._jobs.start(_TITLE, work, done, lane=Lane.IO, kind="labels", on_failed=self._resume)
        session.await_result(True)

    def _resume(self) -> None:
        """Read the images if a job that did so was stopped."""
        if self._session.loaded is None:
            self._load()

    def _is_open(self, study: Study) -> bool:
        now = self._session.study
        return now is not None and (now.study_uid, now.root) == (study.study_uid, study.root)
