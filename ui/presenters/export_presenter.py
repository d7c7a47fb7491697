"""From a result to its files, and what to say of them."""

from collections.abc import Callable
from pathlib import Path

from desktop_app.domain.result import StudyResult
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import Lane
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.results.saved_results import ExportOptions, SavedResults, save_results
from desktop_app.services.session import Session
from ui.presenters.job_line import JobLine
from ui.views.study_view import StudyView

_EXPORTING = "Exporting"
_WITHOUT_LABELS = (
    "None of these files holds the labels you corrected.",
    "Export them as NIfTI or DICOM SEG to keep them.",
)
_WITHOUT_TARGETS = (
    "None of these files brings your target lesions back.",
    "Export measurements.json to keep them.",
)
CORRECTED, CHOSEN = "the corrected labels", "the target lesions"


class ExportPresenter:
    """Writes the open result where the user wants it.

    Parameters
    ----------
    show_actions
        Called when an export has begun.
    page_renderer
        Makes the PDF page.
    """

    def __init__(
        self,
        view: StudyView,
        session: Session,
        jobs: JobLine,
        show_actions: Callable[[], None],
        *,
        page_renderer: PageRenderer,
    ) -> None:
        self._view = view
        self._session = session
        self._jobs = jobs
        self._show_actions = show_actions
        self._page_renderer = page_renderer
        self.on_exported: Callable[[StudyResult, SavedResults], None] = lambda _result, _saved: None

    @property
    def what_runs(self) -> str:
        """What would be stopped by closing the window, in a sentence; empty where nothing is."""
        return "Results are being written." if self._jobs.writes else ""

    def export(self, folder: Path, formats: tuple[str, ...], *, anonymise: bool) -> None:
        """Write the result below a folder, in a sub-folder named after the study."""
        result = self._session.chosen
        if result is None:
            return
        options = ExportOptions(
            formats=tuple(ExportFormat(one) for one in formats), anonymise=anonymise
        )
        written, lineage = dict(self._session.written), self._session.lineage

        def work(progress: ProgressCallback, token: CancelToken) -> SavedResults:
            return save_results(
                result,
                folder,
                options,
                written=written,
                page_renderer=self._page_renderer,
                progress=progress,
                token=token,
            )

        def done(saved: SavedResults) -> None:
            self._session.note_written(
                result,
                saved.folder,
                lineage,
                holds_labels=saved.holds_labels,
                holds_choices=saved.holds_choices,
            )
            self._tell(result, saved)
            self.on_exported(result, saved)

        self._jobs.start(_EXPORTING, work, done, lane=Lane.IO, kind="export", is_kept=True)
        self._show_actions()

    def _tell(self, result: StudyResult, saved: SavedResults) -> None:
        is_kept = result is not self._session.chosen or self._session.saved
        is_edited = result.segmentation.provenance.edited
        without_labels = is_edited and not (saved.holds_labels or self._session.labels_saved)
        without_targets = bool(result.targets) and not saved.holds_choices
        title = "Exported."
        if not is_kept and (without_labels or without_targets):
            title = f"Exported without {CORRECTED if without_labels else CHOSEN}."
        lines = [f"Folder: {saved.folder}", ""]
        for said in (
            _WITHOUT_LABELS if without_labels and not is_kept else (),
            _WITHOUT_TARGETS if without_targets and not is_kept else (),
            saved.notes,
        ):
            lines += [*said, ""] if said else []
        lines += [file.name for file in saved.files]
        self._view.show_message(title, tuple(lines), saved.folder)
