"""Where the open study's results lie or belong, and the question what to export."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.services.results.earlier_results import study_folder
from desktop_app.services.results.results_folder import is_anonymised
from desktop_app.services.session import Session
from desktop_app.services.settings import Settings
from ui.dialogs.export_dialog import ExportChoice, ExportDialog
from ui.export_formats import format_choices, remembered_formats
from ui.main_window import MainWindow


class ResultsHome:
    """Knows the folder of results, and asks for it when they are exported.

    Parameters
    ----------
    settings
        Returns the settings as they are now.
    keep
        Takes changed settings.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        settings: Callable[[], Settings],
        keep: Callable[[Settings], None],
    ) -> None:
        self._window = window
        self._session = session
        self._settings = settings
        self._keep = keep
        self._of_batch: tuple[Study, Path] | None = None

    def note_batch(self, study: Study, folder: Path) -> None:
        """Have results of a study go to the folder that its batch has for them."""
        self._of_batch = (study, folder)

    @property
    def chosen_folder(self) -> Path:
        """Where results went last that belong nowhere else."""
        return Path(self._settings().export_folder or Path.home() / "Gliascope")

    @property
    def folder_to_look_in(self) -> Path:
        """Where results of earlier of the study that is opened are looked for."""
        home = self._in_batch()
        return self.chosen_folder if home is None else home.parent

    @property
    def folder_of_result(self) -> Path:
        """The folder in which the open result's own lies, or would."""
        home = self._home()
        return self.chosen_folder if home is None else home.parent

    def ask_export(self) -> ExportChoice | None:
        """Ask what to export and where to, and remember it; ``None`` where nothing is wanted."""
        result = self._session.result
        if result is None:
            return None
        home, folder, settings = self._home(), self.folder_of_result.absolute(), self._settings()
        dialog = ExportDialog(
            format_choices(result, settings.export_formats),
            folder,
            self._window,
            anonymise=settings.export_anonymise if home is None else is_anonymised(home),
            is_corrected=result.segmentation.provenance.edited,
        )
        is_wanted = dialog.exec() == ExportDialog.DialogCode.Accepted
        choice = dialog.choice() if is_wanted else None
        dialog.deleteLater()
        if choice is None:
            return None
        settings = replace(
            self._settings(),
            export_formats=remembered_formats(choice.to_remember),
            export_anonymise=choice.anonymise,
        )
        if home is None or choice.folder != folder:
            settings = replace(settings, export_folder=str(choice.folder))
        self._keep(settings)
        return choice

    def _home(self) -> Path | None:
        """Return where the result belongs: it was read from there, or written, or of a batch."""
        last = tuple(self._session.written)[-1:]
        return study_folder(last[0]) if last else self._in_batch()

    def _in_batch(self) -> Path | None:
        """Return where the open study's results belong, if it was opened from a batch's table."""
        study = self._session.study
        if self._of_batch is None or study is None:
            return None
        known, folder = self._of_batch
        is_open = (known.study_uid, known.root, known.name) == (
            study.study_uid,
            study.root,
            study.name,
        )
        return folder if is_open else None
