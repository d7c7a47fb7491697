"""Asks by how many millimetres the border of a region is to be moved."""

from collections.abc import Callable

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from ui.widgets.card import styled_label

_MOST_MM, _FIRST_MM, _STEP_MM = 20.0, 1.0, 0.5


class _Millimetres(QDoubleSpinBox):
    """Takes a point or a comma before the decimal, whatever the country."""

    def __init__(self) -> None:
        super().__init__()
        self.setLocale(QLocale.c())

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """See Qt."""
        return super().validate(text.replace(",", "."), position)


class MarginDialog(QDialog):
    """Takes millimetres, and whether only the part at the crosshair is meant.

    Parameters
    ----------
    region
        The name of what is to be made wider or narrower.
    answer
        Told the millimetres, below 0 for narrower, and whether only that part is meant; not
        called where the dialog is cancelled.
    """

    def __init__(
        self, region: str, answer: Callable[[float, bool], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Margin of {region}")
        self._answer = answer
        self.millimetres = _Millimetres()
        self.millimetres.setRange(-_MOST_MM, _MOST_MM)
        self.millimetres.setDecimals(1)
        self.millimetres.setSingleStep(_STEP_MM)
        self.millimetres.setSuffix(" mm")
        self.millimetres.setValue(_FIRST_MM)
        self.millimetres.valueChanged.connect(self._check)
        self.part = QCheckBox("Only the &part at the crosshair")
        question = QLabel("&Wider by, or narrower where it is below 0:")
        question.setBuddy(self.millimetres)
        note = (
            "It grows over what the tools may paint over. What it gives up goes to what lies "
            "nearest, at an inner border too: oedema made narrower lets the core in it grow."
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._move = buttons.addButton("Move the border", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._take)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (question, self.millimetres, self.part):
            layout.addWidget(widget)
        layout.addWidget(styled_label(note, "muted", wrap=True))
        layout.addWidget(buttons)
        self._move.setDefault(True)  # outside the dialog it would not be what Return presses
        self.millimetres.setFocus(Qt.FocusReason.TabFocusReason)  # which selects the number

    def _check(self, by_mm: float) -> None:
        self._move.setEnabled(by_mm != 0)

    def _take(self) -> None:
        self.accept()
        self._answer(self.millimetres.value(), self.part.isChecked())
