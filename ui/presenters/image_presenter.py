"""Which image the three planes show: one of the four sequences, or another series."""

from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.jobs.runner import JobRunner
from desktop_app.services.session import Session
from desktop_app.services.session_changes import (
    Change,
    LoadedChanged,
    ResultChanged,
    RolesChanged,
    StudyChanged,
)
from ui.presenters.job_line import Dispatch
from ui.presenters.other_series import OtherSeries
from ui.views.sequences_view import READING_ORDER
from ui.views.study_view import StudyView


class ImagePresenter:
    """Hands the view the image to show, on the grid that carries the labels.

    Parameters
    ----------
    dispatch
        Queues a function onto the GUI thread.
    """

    def __init__(
        self, view: StudyView, session: Session, runner: JobRunner, dispatch: Dispatch
    ) -> None:
        self._view = view
        self._session = session
        self._sequence: Sequence | None = None
        self._grid: Volume | None = None
        self.others = OtherSeries(view, session, runner, dispatch, self._show)

    @property
    def sequence(self) -> Sequence | None:
        """The sequence in the views."""
        return self._sequence

    def on_change(self, change: Change) -> None:
        """Follow the session: what it holds now is shown."""
        match change:
            case StudyChanged():
                self.others.drop()
                self._sequence = self._grid = None
            case RolesChanged():
                self.others.offer()
            case LoadedChanged():
                self.others.drop()
                self._show()
            case ResultChanged(result, _):
                self.others.drop()
                if result is not None:
                    self._show()
            case _:
                pass

    def choose(self, sequence: Sequence) -> None:
        """Show another sequence."""
        if sequence in self._volumes():
            self.others.drop()
            self._sequence = sequence
            self._show()

    def settle(self) -> None:
        """Empty the views where no image was read, and none is being read any more."""
        if self._grid is not None and not self._volumes():
            self._grid = None
            self._show()

    def _show(self) -> None:
        volumes = self._volumes()
        available = [sequence for sequence in Sequence if sequence in volumes]
        first = next((sequence for sequence in READING_ORDER if sequence in volumes), None)
        if volumes and self._sequence not in volumes:
            self._sequence = first
        other = self.others.volume
        self._view.show_sequences(available, self._sequence if other is None else None)
        self.others.offer()
        # While other images are read, the views stay where they are.
        self._grid = self._reference(volumes) or self._grid
        shown = other
        if other is None and self._sequence is not None:
            shown = volumes.get(self._sequence)
        is_of_sequence = shown is not None and other is None
        sequence = self._sequence if is_of_sequence else None
        self._view.show_image(
            shown,
            reference=self._grid or shown,
            series_uid=self._uid_of(sequence) if other is None else self.others.series_uid,
            sequence=sequence,
        )

    def _volumes(self) -> dict[Sequence, Volume]:
        result, loaded = self._session.result, self._session.loaded
        if result is not None:
            return dict(result.prepared.volumes)
        return dict(loaded.volumes) if loaded is not None else {}

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
