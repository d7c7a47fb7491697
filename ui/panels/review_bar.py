"""Accept, reject, next: a line above a study that came from a batch."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from ui.views.review_view import ReviewStatus
from ui.widgets.card import set_kind
from ui.widgets.choice_buttons import press_by
from ui.widgets.short_label import ShortLabel


class ReviewBar(QWidget):
    """Says what was said of the result; hidden where the study came from no batch.

    Signals
    -------
    accepted(), rejected(), next_requested()
    """

    accepted = Signal()
    rejected = Signal()
    next_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("review_bar")
        self.text = ShortLabel()
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = self._line = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 2)
        layout.setSpacing(8)
        layout.addWidget(self.text, 1)
        self.accept = self._button(
            "Accept", "Ctrl+Shift+A", "The result is right: note it, and go on to the next one"
        )
        self.reject = self._button(
            "Reject …", "Ctrl+Shift+R", "Note why the result is not right, and go on"
        )
        self.next = self._button("Next", "Ctrl+Right", "Go on, and come back to this one later")
        self.accept.clicked.connect(self.accepted)
        self.reject.clicked.connect(self.rejected)
        self.next.clicked.connect(self.next_requested)
        self.hide()

    def show_status(self, status: ReviewStatus | None) -> None:
        """Show how the review stands; ``None`` hides the line."""
        self.setVisible(status is not None)
        if status is None:
            return
        self.text.setText(status.text)
        set_kind(self.text, status.style)
        self.accept.setEnabled(status.can_accept)
        self.reject.setEnabled(status.can_reject)
        self.next.setEnabled(status.can_go_on)

    def _button(self, title: str, keys: str, tip: str) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(f"{tip} ({keys.replace('Right', '→')})")
        press_by(button, keys)
        self._line.addWidget(button)
        return button
