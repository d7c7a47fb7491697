"""What runs, how far it is, how long it will take, and a way to stop it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from ui.views.study_view import JobStatus
from ui.widgets.card import Card, breakable, styled_label
from ui.widgets.short_label import ShortLabel


def time_left(seconds: float | None) -> str:
    """Return the time left in words people use, empty where it is unknown."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "almost done"
    if seconds < 90:
        return f"{seconds:.0f} s left"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min left"
    return f"{seconds / 3600:.1f} h left"


class JobBar(Card):
    """Progress of the running job.

    Signals
    -------
    cancel_requested()
        The user wants it stopped.
    """

    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._title = ShortLabel("title")
        self._stage = styled_label("", "muted", wrap=True)
        self._left = styled_label("", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._cancel = QPushButton("Cancel")
        self._cancel.clicked.connect(self.cancel_requested)
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self._left)
        bottom = QHBoxLayout()
        column = QVBoxLayout()
        column.addWidget(self._bar)
        column.addWidget(self._stage)
        bottom.addLayout(column, 1)
        bottom.addWidget(self._cancel)
        self.body.addLayout(top)
        self.body.addLayout(bottom)
        self.hide()

    @property
    def fraction(self) -> float:
        """How far the job is, 0 to 1; 0 while none runs."""
        return max(0.0, self._bar.value() / 1000) if self.isVisible() else 0.0

    def show_status(self, status: JobStatus | None) -> None:
        """Show this status, or hide the bar for ``None``."""
        self.setVisible(status is not None)
        if status is None:
            return
        self._title.setText(status.title)
        self._stage.setText(breakable(status.stage))
        self._left.setText(time_left(status.seconds_left))
        self._bar.setRange(0, 0 if status.fraction < 0 else 1000)
        self._bar.setValue(round(1000 * max(0.0, status.fraction)))
        self._cancel.setEnabled(status.can_cancel)
