"""From a path to images: studies are looked for, one is opened, its images are read and named."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.domain.study import Study
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import Lane
from desktop_app.services.opening.import_study import open_path
from desktop_app.services.opening.loaded_study import LoadedStudy, load_study
from desktop_app.services.opening.nameless_series import can_name
from desktop_app.services.opening.whole_study import open_whole_study
from desktop_app.services.sample import ensure_sample_study
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.session import Session
from desktop_app.services.session_changes import Change, LoadedChanged, StudyChanged
from ui.presenters.job_line import JobLine
from ui.views.study_view import StudyView

if TYPE_CHECKING:
    from desktop_app.io.scan import ScanResult
    from desktop_app.services.opening.sequence_naming import NamedStudy


class StudyReading:
    """Reads studies into the session.

    Parameters
    ----------
    jobs
        The line of the study's jobs.
    network
        Returns what outlines the brain.
    on_opened
        Told the path that a study was opened from.
    on_naming
        Called once series are being named by their pixels.
    on_settled
        Called where there is nothing more to read.
    """

    def __init__(
        self,
        view: StudyView,
        session: Session,
        jobs: JobLine,
        *,
        network: Callable[[], BrainNetwork | None],
        on_opened: Callable[[Path], None],
        on_naming: Callable[[], None],
        on_settled: Callable[[], None],
    ) -> None:
        self._view = view
        self._session = session
        self._jobs = jobs
        self._network = network
        self._on_opened = on_opened
        self._on_naming = on_naming
        self._on_settled = on_settled
        self._known: LoadedStudy | None = None
        self._may_name = False
        self._of_no_study: tuple[tuple[str, str], ...] = ()

    @property
    def of_no_study(self) -> tuple[tuple[str, str], ...]:
        """Path and reason of what was found beside the studies and could not be used."""
        return self._of_no_study

    def on_change(self, change: Change) -> None:
        """Follow the session: another study is read anew, and may be named once."""
        match change:
            case StudyChanged(study):
                self._known = None
                self._may_name = study is not None
            case LoadedChanged(loaded):
                self._known = loaded or self._known
            case _:
                pass

    def open_path(self, path: Path) -> None:
        """Look for studies in a folder, ZIP, DICOMDIR, or around a single image."""

        def work(progress: ProgressCallback, token: CancelToken) -> "ScanResult":
            return open_whole_study(path, progress=progress, token=token)

        def done(scan: "ScanResult") -> None:
            if self._on_scanned(scan):
                self._on_opened(path)

        self._jobs.start(f"Opening {path.name}", work, done, lane=Lane.IO, kind="scan")
        self._session.await_result(True)

    def open_sample(self, user_data: Path) -> None:
        """Open the synthetic study; it is made first if it is not there yet."""

        def work(progress: ProgressCallback, token: CancelToken) -> "ScanResult":
            folder = ensure_sample_study(user_data, progress, token)
            return open_path(folder, progress=progress, token=token)

        def done(scan: "ScanResult") -> None:
            self._on_scanned(scan)

        self._jobs.start("Opening the sample study", work, done, lane=Lane.IO)
        self._session.await_result(True)

    def open_study(self, study: Study) -> None:
        """Open a study that is known already, without any result."""
        self.forget_scan()
        self._open(study, (study,))

    def forget_scan(self) -> None:
        """Have nothing left over: what is opened next was not looked for in a folder."""
        self._of_no_study = ()

    def choose_study(self, index: int) -> None:
        """Open another of the studies that were found together."""
        study = self._session.studies[index]
        if study is not self._session.study:
            self._jobs.make_way()
            self._session.open_study(study)
            self.load()

    def load(self) -> None:
        """Read the images of the series that are chosen, as far as they are not known."""
        roles = dict(self._session.roles)
        generation = self._session.generation
        if not roles:
            self._name()
            return
        if self._session.loaded is not None:
            self._on_settled()
            return
        known = self._known
        if known is not None and known.holds(roles):
            self._jobs.make_way()
            self._session.accept_loaded(known.serving_as(roles), generation)
            self._name()
            return

        def work(progress: ProgressCallback, token: CancelToken) -> LoadedStudy:
            return load_study(roles, known=known, progress=progress, token=token)

        def done(loaded: LoadedStudy) -> None:
            if self._session.accept_loaded(loaded, generation):
                self._name()

        self._jobs.start(
            "Reading the images", work, done, lane=Lane.IO, kind="load", can_choose=True
        )

    def _on_scanned(self, scan: "ScanResult") -> bool:
        """Open the study that was found, or one of them; False if the user wants none."""
        studies = tuple(scan.studies)
        study = studies[0] if len(studies) == 1 else self._view.ask_study(studies)
        if study is None:
            return False
        self._of_no_study = scan.skipped
        self._open(study, studies)
        return True

    def _open(self, study: Study, studies: tuple[Study, ...]) -> None:
        self._session.set_studies(studies)
        self._session.open_study(study)
        self.load()

    def _name(self) -> None:
        """Have series that no header tells anything of named by their pixels, once a study."""
        study, loaded = self._session.study, self._session.loaded
        roles = dict(self._session.roles)
        chosen = self._session.chosen_by_user
        is_asked = self._may_name and study is not None
        self._may_name = False
        if study is None or not is_asked or not can_name(study, roles, chosen - set(roles)):
            self._on_settled()
            return
        generation = self._session.generation
        network = self._network()

        def work(progress: ProgressCallback, token: CancelToken) -> "NamedStudy":
            # Loads slowly, and few studies need it.
            from desktop_app.services.opening.sequence_naming import completed

            return completed(
                study,
                roles,
                network=network,
                loaded=loaded,
                chosen_by_user=chosen,
                progress=progress,
                token=token,
            )

        def done(named: "NamedStudy") -> None:
            if named.loaded is not None:
                self._session.accept_naming(named.study, named.loaded, generation)

        # Not in the compute lane: a segmentation that is being stopped would be waited for.
        self._jobs.start(
            "Looking at images without a description", work, done, lane=Lane.IO, kind="name"
        )
        self._on_naming()
