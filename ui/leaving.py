"""What becomes of a result that nobody exported when its user goes on to something else."""

from collections.abc import Callable
from collections.abc import Sequence as Many

from PySide6.QtCore import QTimer

from desktop_app.services.results.label_import import is_as_opened
from desktop_app.services.session import Session
from ui.main_window import MainWindow
from ui.widgets.questions import Keeping, ask_to_keep


class Leaving:
    """Asks before anything is lost; once it is exported, goes on where its user wanted to.

    Parameters
    ----------
    rulers
        Returns how many are shown.
    can_export
        Returns whether an export can begin now.
    export
        Asks what to export; returns whether it began.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        rulers: Callable[[], int],
        can_export: Callable[[], bool],
        export: Callable[[], bool],
    ) -> None:
        self._window = window
        self._session = session
        self._rulers = rulers
        self._can_export = can_export
        self._export = export
        self._again: Callable[[], object] | None = None
        self._once_read: Callable[[], object] | None = None
        window.message_closed.connect(self._go_on_once_read)

    def ask(self, verb: str, again: Callable[[], object]) -> bool:
        """Whether to go on at once; where it is exported first, `again` is called afterwards.

        Parameters
        ----------
        verb
            What follows, as a button says it: "Close"; empty where nothing does without an export.
        """
        self.stay()
        answer = ask_to_keep(
            self._window,
            self._lost,
            self._remark,
            f"{verb} without exporting" if verb else "",
            can_keep=self._can_export(),
            is_grave=self._is_by_hand,
        )
        if answer is Keeping.KEEP and self._export():
            self._again = again
        return answer is Keeping.LOSE

    def stay(self) -> None:
        """Go on nowhere after the next export."""
        self._again = self._once_read = None

    def note_exported(self, notes: Many[str]) -> None:
        """Go on, unless something would be lost all the same: numbers alone were exported, say.

        Parameters
        ----------
        notes
            What the message on the export says beyond that it was done: then it is read first.
        """
        again, self._again = self._again, None
        if again is None or self._window.has_unsaved():
            return
        if notes:
            self._once_read = again
        else:
            QTimer.singleShot(0, again)

    def _go_on_once_read(self) -> None:
        again, self._once_read = self._once_read, None
        if again is not None:
            # The message is still closing.
            QTimer.singleShot(0, again)

    @property
    def _is_corrected(self) -> bool:
        result = self._session.result
        is_edited = result is not None and result.segmentation.provenance.edited
        return is_edited and not self._session.labels_saved and not self._is_opened

    @property
    def _is_opened(self) -> bool:
        """Whether the labels are those of another program as they came."""
        result = self._session.result
        return result is not None and is_as_opened(result.segmentation.provenance)

    @property
    def _is_by_hand(self) -> bool:
        return self._is_corrected or not self._session.targets_saved

    @property
    def _lost(self) -> str:
        targets = "" if self._session.targets_saved else "the target lesions you chose"
        if self._is_corrected:
            also = f", nor {targets}" if targets else ""
            return f"The labels you corrected were not exported{also}."
        if targets and self._session.labels_saved:
            return f"{targets[0].upper()}{targets[1:]} were not exported."
        also = f", nor {targets}" if targets else ""
        which = "you opened" if self._is_opened else "of this segmentation"
        return f"The labels {which} were not exported{also}."

    @property
    def _remark(self) -> str:
        told = (
            "What you did by hand is lost without an export."
            if self._is_by_hand
            else "Nothing was corrected: opening their file brings them back."
            if self._is_opened
            else "Nothing was corrected: segmenting the study makes them again."
        )
        count = self._rulers()
        if count:
            told += f" The {'ruler goes' if count == 1 else f'{count} rulers go'} in any case."
        return told
