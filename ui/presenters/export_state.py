"""Tells at any moment whether the open result was exported, when, and where to."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from desktop_app.services.session import Session
from desktop_app.services.session_changes import Change
from ui.presenters.export_presenter import CHOSEN, CORRECTED
from ui.views.export_view import ExportState, ExportStateView


class ExportStatePresenter:
    """Follows the session.

    Parameters
    ----------
    now
        Returns the time.
    """

    def __init__(
        self,
        view: ExportStateView,
        session: Session,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._view = view
        self._session = session
        self._now = now
        self._lineage = session.lineage
        self._times: dict[Path, str] = {}
        session.subscribe(self._on_change)

    def note_exported(self, folder: Path) -> None:
        """Remember when a folder was written."""
        self._times[folder] = f"{self._now():%H:%M}"
        self._show()

    def _on_change(self, _change: Change) -> None:
        if self._lineage != self._session.lineage:
            self._lineage = self._session.lineage
            self._times.clear()
        self._show()

    def _show(self) -> None:
        self._view.show_export_state(self._state())

    def _state(self) -> ExportState | None:
        session = self._session
        if session.result is None:
            return None
        if not session.written:
            return ExportState("Not exported", is_exported=False)
        folder = tuple(session.written)[-1]
        if not session.saved and session.written[folder] is session.chosen:
            text = f"Exported without {self._left_out} to {folder.name}"
            return ExportState(text, False, folder)
        if not session.saved:
            return ExportState(f"Changed since the export to {folder.name}", False, folder)
        # Of a result that was opened again nobody looked at the clock.
        when = self._times.get(folder, "")
        text = f"Exported {when} to {folder.name}" if when else f"As exported to {folder.name}"
        return ExportState(text, True, folder)

    @property
    def _left_out(self) -> str:
        """What of a person's work the files do not bring back."""
        return CHOSEN if self._session.labels_saved or not self._is_edited else CORRECTED

    @property
    def _is_edited(self) -> bool:
        result = self._session.result
        return result is not None and result.segmentation.provenance.edited
