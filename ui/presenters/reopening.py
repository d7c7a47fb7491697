"""Results of earlier: offered when their study is opened, and opened together with it."""

from collections.abc import Callable
from pathlib import Path

from desktop_app.domain.study import Sequence, Study
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import Done, Event, Failed, ProgressCallback
from desktop_app.jobs.runner import JobRunner, Lane
from desktop_app.services.results.earlier_results import EarlierResult, chosen_result, find_result
from desktop_app.services.results.reopen import (
    EarlierChoice,
    Reopened,
    earlier_choice,
    reopen_result,
)
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.session import Session
from desktop_app.services.session_changes import Change, StudyChanged
from ui.presenters.job_line import Dispatch, JobLine
from ui.presenters.result_ahead import Ahead, ResultAhead
from ui.views.study_view import StudyView

_TITLE = "Opening the result"


class Reopening:
    """Looks for results of the study that was opened, and opens them.

    Parameters
    ----------
    jobs
        The line of the study's jobs.
    network
        Returns what outlines the brain.
    load
        Reads the images of the open study, where its result cannot be opened.
    results_folder
        Returns where results of single studies are; ``None`` for no look.
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
        results_folder: Callable[[], Path | None],
    ) -> None:
        self._view = view
        self._session = session
        self._runner = runner
        self._dispatch = dispatch
        self._jobs = jobs
        self._network = network
        self._load = load
        self._results_folder = results_folder
        self.ahead = ResultAhead(runner)
        self._is_opening = False
        session.subscribe(self._on_change)

    def open(self, study: Study, folder: Path) -> None:
        """Open a study together with the result that was written to a folder."""
        ahead = self.ahead.take(study, folder)
        if not self._is_open(study):
            # At once, so that nobody goes on with the one before while the folder is read.
            self._show(study)
        self._look_into(study, lambda: folder, ahead)

    def read_ahead(self, study: Study, folder: Path) -> None:
        """Read a result that is likely to be opened next, as long as nothing else is wanted."""
        if not self._jobs.busy:
            self.ahead.read(study, folder, self._network())

    def open_chosen(self, folder: Path) -> None:
        """Open the result in a folder that the user chose, of the study that is open."""
        study = self._session.study
        if study is not None:
            self._look_into(study, lambda: chosen_result(study, folder).folder)

    def _look_into(
        self, study: Study, find: Callable[[], Path], ahead: Ahead | None = None
    ) -> None:
        """Read which series a result was made from, and open it with them.

        Parameters
        ----------
        find
            Returns the folder of the result, or raises what is to be told.
        ahead
            The result, where it was read before.
        """

        def work(_progress: ProgressCallback, _token: CancelToken) -> tuple[EarlierChoice, Path]:
            folder = find()
            return earlier_choice(study, folder), folder

        def done(found: tuple[EarlierChoice, Path]) -> None:
            if self._is_open(study):
                self._reopen(study, *found, ahead)
            elif ahead is not None:
                ahead.leave()

        def failed() -> None:
            if ahead is not None:
                ahead.leave()
            self._load()

        token = self._jobs.start(_TITLE, work, done, lane=Lane.IO, on_failed=failed)
        if ahead is not None:
            ahead.read_for(token)
        self._session.await_result(True)

    def _show(self, study: Study) -> None:
        self._is_opening = True
        self._session.replace_study(study)
        self._session.open_study(study)
        self._is_opening = False

    def _reopen(
        self, study: Study, earlier: EarlierChoice, folder: Path, ahead: Ahead | None
    ) -> None:
        known = earlier.study
        overrides = earlier.overrides if earlier.is_known else self._chosen_now(study)
        self._show(known)
        for sequence, series_uid in overrides.items():
            self._session.set_role(sequence, series_uid)
        roles = dict(self._session.roles)
        chosen = self._session.chosen_by_user
        generation = self._session.generation
        network = self._network()

        def work(progress: ProgressCallback, token: CancelToken) -> Reopened:
            again = ahead and ahead.answer(roles, network, chosen, progress, token)
            return again or reopen_result(
                known,
                roles,
                folder,
                network=network,
                chosen_by_user=chosen,
                progress=progress,
                token=token,
            )

        def done(again: Reopened) -> None:
            if self._session.accept_naming(again.result.study, again.loaded, generation):
                self._session.accept_result(
                    again.result,
                    self._session.generation,
                    saved_in=folder,
                    is_outdated=again.is_outdated,
                )

        # Not in the compute lane: a segmentation that is being stopped would be waited for.
        # What was read before tells nothing of how long reading takes.
        kind = "" if ahead else "reopen"
        token = self._jobs.start(_TITLE, work, done, lane=Lane.IO, kind=kind, on_failed=self._load)
        if ahead is not None:
            ahead.read_for(token)

    def _chosen_now(self, study: Study) -> dict[Sequence, str | None]:
        """Return what the user chose of a study, where it is open."""
        session = self._session
        if not self._is_open(study):
            return {}
        roles = session.roles
        return {
            one: roles[one].series_uid if one in roles else None for one in session.chosen_by_user
        }

    def _on_change(self, change: Change) -> None:
        if isinstance(change, StudyChanged) and change.study is not None and not self._is_opening:
            output = self._results_folder()
            if output is not None:
                self._look(change.study, output)

    def _look(self, study: Study, output: Path) -> None:
        def work(_progress: ProgressCallback, _token: CancelToken) -> EarlierResult | None:
            return find_result(study, output)

        def listen(event: Event) -> None:
            match event:
                case Done(EarlierResult() as found):
                    self._dispatch(lambda: self._offer(study, found))
                case Failed(error, trace) if error is None:
                    self._dispatch(lambda: self._view.show_crash(trace))
                case _:
                    pass

        self._runner.submit(work, listen, lane=Lane.IO)

    def _offer(self, study: Study, found: EarlierResult) -> None:
        def answer(wanted: bool) -> None:
            if wanted and self._is_bare(study):
                self.open(study, found.folder)

        if self._is_bare(study):
            self._view.offer_result(found.written, found.corrected, answer)

    def _is_bare(self, study: Study) -> bool:
        """Whether this study is still open and has no result that would be lost."""
        return self._is_open(study) and self._session.result is None

    def _is_open(self, study: Study) -> bool:
        now = self._session.study
        return now is not None and (now.study_uid, now.root) == (study.study_uid, study.root)
