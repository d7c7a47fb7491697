"""The road of one study: open, check, segment."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence, Study
from desktop_app.domain.volume import Volume
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import JobRunner, Lane
from desktop_app.services.brain_network import BrainNetwork, bundled_network
from desktop_app.services.import_study import open_path
from desktop_app.services.loaded_study import LoadedStudy, load_study
from desktop_app.services.nameless_series import can_name
from desktop_app.services.sample import ensure_sample_study
from desktop_app.services.segment import (
    Segmenter,
    SegmentOptions,
    segment_study,
)
from desktop_app.services.session import Session
from desktop_app.services.session_changes import (
    Change,
    LoadedChanged,
    ResultChanged,
    ResultCorrected,
    RolesChanged,
    StudyChanged,
    TargetsChosen,
)
from desktop_app.services.study_writers import PageRenderer
from desktop_app.services.targets import TARGETS_LOST
from desktop_app.services.whole_study import open_whole_study
from ui.presenters.export_presenter import ExportPresenter
from ui.presenters.job_line import Dispatch, JobLine
from ui.presenters.other_series import OtherSeries
from ui.presenters.preflight_presenter import PreflightPresenter
from ui.presenters.preparation import preparation
from ui.presenters.reopening import Reopening
from ui.presenters.rows import findings_of, header_of, study_titles
from ui.views.sequences_view import READING_ORDER
from ui.views.study_view import Actions, StudyView

if TYPE_CHECKING:
    from desktop_app.io.scan import ScanResult
    from desktop_app.services.sequence_naming import NamedStudy


class StudyPresenter:
    """Answers what the user does with a study.

    Parameters
    ----------
    dispatch
        Queues a function onto the GUI thread.
    options
        Returns the device and model to use now.
    page_renderer
        Makes the PDF page.
    results_folder
        Returns where to look for an earlier result of a study that is opened, if anywhere.
    """

    def __init__(
        self,
        view: StudyView,
        session: Session,
        runner: JobRunner,
        segmenter: Segmenter,
        dispatch: Dispatch,
        *,
        options: Callable[[], SegmentOptions],
        page_renderer: PageRenderer,
        results_folder: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self._view = view
        self._session = session
        self._segmenter = segmenter
        self._options = options
        self._jobs = JobLine(view, runner, dispatch, self._settle)
        self._shown: Sequence | None = None
        self._read: LoadedStudy | None = None
        self._grid: Volume | None = None
        self._may_name = False
        self._of_no_study: tuple[tuple[str, str], ...] = ()
        self.on_opened: Callable[[Path], None] = lambda _path: None
        self.others = OtherSeries(view, session, runner, dispatch, self._show_image)
        self.preflight = PreflightPresenter(
            view, session, runner, dispatch, lambda: preparation(session, segmenter, options())
        )
        self.exporting = ExportPresenter(
            view, session, self._jobs, self._show_actions, page_renderer=page_renderer
        )
        self.reopening = Reopening(
            view,
            session,
            runner,
            dispatch,
            self._jobs,
            network=self._brain_network,
            load=self._load,
            results_folder=results_folder,
        )
        session.subscribe(self._on_change)
        self._jobs.on_started = self._show_actions
        self._show_actions()

    @property
    def jobs(self) -> JobLine:
        """The line of the study's jobs, for others whose work takes their place."""
        return self._jobs

    @property
    def unsaved(self) -> bool:
        """Whether there is a result whose labels were never exported."""
        return not self._session.saved

    def open_path(self, path: Path) -> None:
        """Look for studies in a folder, ZIP, DICOMDIR, or around a single image."""

        def work(progress: ProgressCallback, token: CancelToken) -> "ScanResult":
            return open_whole_study(path, progress=progress, token=token)

        def done(scan: "ScanResult") -> None:
            if self._on_scanned(scan):
                self.on_opened(path)

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
        self._of_no_study = ()
        self._open(study, (study,))

    def open_result(self, study: Study, folder: Path) -> None:
        """Open a study together with the result that a batch wrote for it."""
        self._of_no_study = ()
        self.reopening.open(study, folder)

    def choose_study(self, index: int) -> None:
        """Open another of the studies that were found together."""
        study = self._session.studies[index]
        if study is not self._session.study:
            self._jobs.make_way()
            self._session.open_study(study)
            self._load()

    def keep_study(self) -> None:
        """Show which study is open, after a change that was taken back."""
        studies, study = self._session.studies, self._session.study
        current = next((i for i, one in enumerate(studies) if one is study), -1)
        self._view.show_studies(study_titles(studies), current)

    def choose_role(self, sequence: Sequence, series_uid: str) -> None:
        """Use another series for a sequence; an empty UID leaves the sequence out."""
        self._session.set_role(sequence, series_uid or None)
        # To choose what was proposed is to confirm it.
        self.preflight.reconsider()
        self._load()

    def keep_roles(self) -> None:
        """Show the choice of series as it is, after a change that was taken back."""
        self.preflight.show()

    @property
    def shown(self) -> Sequence | None:
        """The sequence in the views."""
        return self._shown

    def show_sequence(self, sequence: Sequence) -> None:
        """Show another sequence in the views."""
        if sequence in self._volumes():
            self.others.drop()
            self._shown = sequence
            self._show_image()

    def segment(self) -> None:
        """Run the network on the open study."""
        study, loaded = self._session.study, self._session.loaded
        if study is None:
            return
        roles = dict(self._session.roles)
        chosen = self._session.chosen_by_user
        options = self._options()
        generation = self._session.generation

        def work(progress: ProgressCallback, token: CancelToken) -> StudyResult:
            return segment_study(
                study,
                roles,
                options,
                self._segmenter,
                loaded=loaded,
                chosen_by_user=chosen,
                progress=progress,
                token=token,
            )

        def done(result: StudyResult) -> None:
            self._session.accept_result(result, generation)

        # The time left is learnt apart from those that have to be prepared first.
        kind = "segment prepared" if self.preflight.is_prepared else "segment"
        self._jobs.start("Segmenting", work, done, kind=kind)
        self._session.await_result(True)
        self._show_actions()

    def cancel(self) -> None:
        """Stop what runs."""
        self._jobs.cancel()

    def close(self) -> None:
        """Stop everything, the look at the images in the background too."""
        self._jobs.close()
        self.preflight.cancel()
        self.others.drop()

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
        self._load()

    def _load(self) -> None:
        roles = dict(self._session.roles)
        generation = self._session.generation
        if not roles:
            self._name()
            return
        if self._session.loaded is not None:
            self._show_actions()
            return
        known = self._read
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

    def _name(self) -> None:
        """Have series that no header tells anything of named by their pixels, once a study."""
        study, loaded = self._session.study, self._session.loaded
        roles = dict(self._session.roles)
        chosen = self._session.chosen_by_user
        is_asked = self._may_name and study is not None
        self._may_name = False
        if study is None or not is_asked or not can_name(study, roles, chosen - set(roles)):
            self._settle()
            return
        generation = self._session.generation
        network = self._brain_network()

        def work(progress: ProgressCallback, token: CancelToken) -> "NamedStudy":
            # Loads slowly, and few studies need it.
            from desktop_app.services.sequence_naming import completed

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
        self.preflight.set_naming(True)
        self._show_actions()

    def _brain_network(self) -> BrainNetwork | None:
        options = self._options()
        return bundled_network(self._segmenter, options.device, options.precision)

    def _on_change(self, change: Change) -> None:
        self.preflight.on_change(change)
        match change:
            case StudyChanged(study):
                self.others.drop()
                self._shown = self._read = self._grid = None
                if study is not None:
                    self._show_study(study)
            case RolesChanged():
                self.others.offer()
            case LoadedChanged(loaded):
                self.others.drop()
                self._read = loaded or self._read
                self._show_image()
            case ResultChanged(result, _):
                self.others.drop()
                self._show_result(result)
            case ResultCorrected(result):
                self._view.show_corrected(result.segmentation)
                self._view.show_findings(findings_of(result))
            case TargetsChosen():
                self._note_targets()
            case _:
                pass
        self._show_actions()

    def _show_study(self, study: Study) -> None:
        self._may_name = True
        slots = self.preflight.slots(study)
        self._view.show_study(header_of(study, self._of_no_study), slots)
        self.keep_study()

    def _volumes(self) -> dict[Sequence, Volume]:
        result, loaded = self._session.result, self._session.loaded
        if result is not None:
            return dict(result.prepared.volumes)
        return dict(loaded.volumes) if loaded is not None else {}

    def _show_image(self) -> None:
        volumes = self._volumes()
        available = [sequence for sequence in Sequence if sequence in volumes]
        first = next((sequence for sequence in READING_ORDER if sequence in volumes), None)
        if volumes and self._shown not in volumes:
            self._shown = first
        other = self.others.volume
        self._view.show_sequences(available, self._shown if other is None else None)
        self.others.offer()
        # While other images are read, the views stay where they are.
        self._grid = self._reference(volumes) or self._grid
        shown = other
        if other is None and self._shown is not None:
            shown = volumes.get(self._shown)
        is_of_sequence = shown is not None and other is None
        sequence = self._shown if is_of_sequence else None
        self._view.show_image(
            shown,
            reference=self._grid or shown,
            series_uid=self._uid_of(sequence) if other is None else self.others.series_uid,
            sequence=sequence,
        )

    def _uid_of(self, sequence: Sequence | None) -> str:
        """Return the series of the sequence shown; empty where the image is of none."""
        result = self._session.result
        roles = self._session.roles if result is None else result.roles
        series = roles.get(sequence) if sequence is not None else None
        return series.series_uid if series is not None else ""

    def _reference(self, volumes: dict[Sequence, Volume]) -> Volume | None:
        """Return the image whose grid the views follow: the one that carries the labels."""
        result = self._session.result
        if result is not None:
            return result.prepared.reference
        first = next((sequence for sequence in READING_ORDER if sequence in volumes), None)
        return volumes[first] if first is not None else None

    def _show_result(self, result: StudyResult | None) -> None:
        if result is None:
            self._view.show_segmentation(None)
            self._view.show_brain(None, None)
            self._view.show_findings(None)
            return
        self._show_image()
        segmentation = result.segmentation
        self._view.show_segmentation(segmentation)
        self._view.show_brain(result.prepared.brain_kji, result.prepared.work_geometry)
        self._view.show_findings(findings_of(result))

    def _note_targets(self) -> None:
        """Ask for target lesions no longer once some are chosen."""
        chosen = self._session.chosen
        if chosen is not None and TARGETS_LOST in chosen.segmentation.warnings:
            self._view.show_findings(findings_of(chosen))

    def _settle(self) -> None:
        """Show what there is once no job runs; nothing is read any more that would be shown."""
        if self._grid is not None and not self._volumes():
            self._grid = None
            self._show_image()
        self._show_actions()

    def _show_actions(self) -> None:
        idle = not self._jobs.busy
        if idle:
            self.preflight.set_naming(False)
            self._session.await_result(False)
        self._view.show_actions(
            Actions(
                # Images that were not read, since that was stopped or failed, are read then.
                segment=idle and self.preflight.can_segment,
                export=idle and self._session.result is not None,
                open=True,
                compare=self.preflight.can_compare,
                reopen=idle and self._session.study is not None,
            )
        )
