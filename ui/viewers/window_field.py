"""Window and level as numbers that can be typed."""

import re

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from ui.viewers.slice_texts import number_text
from ui.viewers.window_level import Window

_NOTE = (
    "Values of MR have no unit: the numbers suit this series alone, and are kept for it as long as "
    "the study is open. Thousands are typed without a comma."
)
# Nothing else arrives: not the repeats of the key that asked, and no number beyond all images.
_DIGITS = r" *[-−]?[0-9]{0,9}([.,][0-9]{0,6})? *"


class WindowField(QDialog):
    """Takes window and level of an image, or goes back to those that its values propose.

    Parameters
    ----------
    image
        What it is called; empty where there is only one.
    window, proposed
        As the image is shown, and as it would be by its own values.

    Signals
    -------
    chosen(Window)
        What the user wants.
    """

    chosen = Signal(object)

    def __init__(self, image: str, window: Window, proposed: Window, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Window and level of {image}" if image else "Window and level")
        self.width_edit, self.level_edit = (
            QLineEdit(number_text(value)) for value in (window.width, window.center)
        )
        form = QFormLayout()
        form.addRow("&Window: from black to white", self.width_edit)
        form.addRow("&Level: the middle", self.level_edit)
        note = QLabel(_NOTE)
        note.setProperty("kind", "muted")
        note.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._set = buttons.addButton("Set", QDialogButtonBox.ButtonRole.AcceptRole)
        reset = buttons.addButton("Reset", QDialogButtonBox.ButtonRole.ResetRole)
        reset.setToolTip("Back to what the image's own values propose")
        reset.clicked.connect(lambda: self._end(proposed))
        buttons.accepted.connect(lambda: self._end(self._typed))
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(note)
        layout.addWidget(buttons)
        self._set.setDefault(True)
        for edit in (self.width_edit, self.level_edit):
            edit.setValidator(QRegularExpressionValidator(_DIGITS, edit))
            edit.textEdited.connect(lambda _: self._set.setEnabled(self._typed is not None))
        self.width_edit.selectAll()
        self.width_edit.setFocus()

    @property
    def _typed(self) -> Window | None:
        try:
            return Window(_number(self.level_edit.text()), _number(self.width_edit.text()))
        except ValueError:
            return None

    def _end(self, window: Window | None) -> None:
        if window is not None:
            self.accept()
            self.chosen.emit(window)


def _number(text: str) -> float:
    """Return a number as people write it; raises ValueError where it is none.

    A comma before three digits is refused: it may be that of thousands.
    """
    if re.search(r"[1-9]\d*,\d{3}$", text.strip()):
        raise ValueError(text)
    return float(text.strip().replace(",", ".").replace("−", "-"))
