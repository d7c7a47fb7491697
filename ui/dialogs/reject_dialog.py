"""Asks why a result is rejected."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from ui.widgets.card import styled_label

_REASONS = ("Tumour missed", "More than tumour", "Borders wrong", "Images not usable")


class RejectDialog(QDialog):
    """Takes one of the common reasons, or words of one's own.

    Parameters
    ----------
    answer
        Told the reason; not called where the dialog is cancelled.
    """

    def __init__(self, answer: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Reject the result")
        self.setMinimumWidth(380)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._answer = answer
        self.reason = QComboBox()
        self.reason.setEditable(True)
        self.reason.addItems(_REASONS)
        self.reason.editTextChanged.connect(self._check)
        question = QLabel("&Why? Choose, or write a word of your own.")
        question.setBuddy(self.reason)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._reject = buttons.addButton("Reject", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._take)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(question)
        layout.addWidget(self.reason)
        layout.addWidget(
            styled_label("It is kept in summary.csv: name no patient.", "muted", wrap=True)
        )
        layout.addWidget(buttons)
        self._reject.setDefault(True)  # outside the dialog it would not be what Return presses
        self.reason.setFocus(Qt.FocusReason.TabFocusReason)  # which selects its words

    def _check(self, text: str) -> None:
        self._reject.setEnabled(bool(text.strip()))

    def _take(self) -> None:
        reason = self.reason.currentText().strip()
        self.accept()
        self._answer(reason)
