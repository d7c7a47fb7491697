"""The road of one study: open, check, segment."""

from collections.abc import Callable
from pathlib import Path

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence, Study
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import JobRunner
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.measuring.targets import TARGETS_LOST
from desktop_app.services.segmenting.brain_network import BrainNetwork, bundled_network
from desktop_app.services.segmenting.segment import Segmenter, SegmentOptions, segment_study
from desktop_app.services.session import Session
from desktop_app.services.session_changes import (
    Change,
    ResultChanged,
    ResultCorrected,
    StudyChanged,
    TargetsChosen,
)
from ui.presenters.export_presenter import ExportPresenter
from ui.presenters.image_presenter import ImagePresenter
from ui.presenters.job_line import Dispatch, JobLine
from ui.presenters.label_opening import LabelOpening
from ui.presenters.preflight_presenter import PreflightPresenter
from ui.presenters.preparation import preparation
from ui.presenters.reopening import Reopening
from ui.presenters.rows import findings_of, header_of, study_titles
from ui.presenters.study_reading import StudyReading
from ui.views.study_view import Actions, StudyView


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
        self.jobs = JobLine(view, runner, dispatch, self._settle)
        self.on_opened: Callable[[Path], None] = lambda _path: None
        self.reading = StudyReading(
            view,
            session,
            self.jobs,
            network=self._brain_network,
            on_opened=lambda path: self.on_opened(path),
            on_naming=self._show_naming,
            on_settled=self._settle,
        )
        self.image = ImagePresenter(view, session, runner, dispatch)
        self.preflight = PreflightPresenter(
            view, session, runner, dispatch, lambda: preparation(session, segmenter, options())
        )
        self.exporting = ExportPresenter(
            view, session, self.jobs, self._show_actions, page_renderer=page_renderer
        )
        self.reopening = Reopening(
            view,
            session,
            runner,
            dispatch,
            self.jobs,
            network=self._brain_network,
            load=self.reading.load,
            results_folder=results_folder,
        )
        self.labels = LabelOpening(
            view,
            session,
            runner,
            dispatch,
            self.jobs,
            network=self._brain_network,
            load=self.reading.load,
        )
        session.subscribe(self._on_change)
        self.jobs.on_started = self._on_started
        self._show_actions()

    @property
    def unsaved(self) -> bool:
        """Whether there is a result whose labels were never exported."""
        return not self._session.saved

    def open_result(self, study: Study, folder: Path) -> None:
        """Open a study together with the result that a batch wrote for it."""
        self.reading.forget_scan()
        self.reopening.open(study, folder)

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
        self.reading.load()

    def keep_roles(self) -> None:
        """Show the choice of series as it is, after a change that was taken back."""
        self.preflight.show()

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
        kind = f"{kind} {options.device} {options.precision} {options.model_name}"
        self.jobs.start("Segmenting", work, done, kind=kind)
        self._session.await_result(True)
        self._show_actions()

    def cancel(self) -> None:
        """Stop what runs."""
        self.jobs.cancel()

    def close(self) -> None:
        """Stop everything, the look at the images in the background too."""
        self.jobs.close()
        self.preflight.cancel()
        self.image.others.drop()

    def _brain_network(self) -> BrainNetwork | None:
        options = self._options()
        return bundled_network(self._segmenter, options.device, options.precision)

    def _on_change(self, change: Change) -> None:
        for part in (self.preflight, self.reading, self.image):
            part.on_change(change)
        match change:
            case StudyChanged(study) if study is not None:
                self._show_study(study)
            case ResultChanged(result, _):
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
        slots = self.preflight.slots(study)
        self._view.show_study(header_of(study, self.reading.of_no_study), slots)
        self.keep_study()

    def _show_result(self, result: StudyResult | None) -> None:
        if result is None:
            self._view.show_segmentation(None)
            self._view.show_brain(None, None)
            self._view.show_findings(None)
            return
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
        self.image.settle()
        self._show_actions()

    def _on_started(self) -> None:
        """Have nothing else in the way of what the user asked for."""
        self.reopening.ahead.drop()
        self._show_actions()

    def _show_naming(self) -> None:
        self.preflight.set_naming(True)
        self._show_actions()

    def _show_actions(self) -> None:
        idle = not self.jobs.busy
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
