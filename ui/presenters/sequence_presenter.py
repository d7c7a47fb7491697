"""What there is of every sequence, to be shown side by side: registered where that is done."""

from collections.abc import Callable

from desktop_app.domain.study import Sequence
from desktop_app.services.session import Session
from desktop_app.services.session_changes import Change, LoadedChanged, ResultChanged
from ui.views.sequences_view import SequenceImage, SequencesView
from ui.views.study_view import Comparison

NOT_REGISTERED = "Images not registered yet"


class SequencePresenter:
    """Hands the images of all sequences to the window whenever there are others.

    Parameters
    ----------
    registered
        Returns the images laid onto each other, by the sequences they are shown as; ``None``
        before that is done.
    """

    def __init__(
        self,
        view: SequencesView,
        session: Session,
        registered: Callable[[], Comparison | None],
    ) -> None:
        self._view = view
        self._session = session
        self._registered = registered
        session.subscribe(self._on_change)

    def show(self) -> None:
        """Show the images as known now."""
        self._view.show_sequence_images({sequence: self._image(sequence) for sequence in Sequence})

    def _on_change(self, change: Change) -> None:
        match change:
            case LoadedChanged() | ResultChanged():
                self.show()
            case _:
                pass

    def _image(self, sequence: Sequence) -> SequenceImage:
        session, registered = self._session, self._registered()
        roles = session.roles if session.result is None else session.result.roles
        series_uid = roles[sequence].series_uid if sequence in roles else ""
        if registered is not None:
            volume = registered.volumes.get(sequence)
            note = ""
            if volume is None and sequence in registered.messages:
                note = f"Left out. {registered.messages[sequence]}"
        else:
            volumes = session.loaded.volumes if session.loaded is not None else {}
            volume = volumes.get(sequence)
            note = NOT_REGISTERED if volume is not None and len(volumes) > 1 else ""
        if volume is None and not note and session.study is not None and not series_uid:
            note = f"No series of this study is chosen for {sequence}."
        return SequenceImage(volume, series_uid, note)
