"""What keys and mouse buttons do."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from ui.viewers.compare_view import COMPARE_HELP
from ui.viewers.gestures import CORRECTION_HELP, RULER_HELP, SLICE_HELP, VOLUME_HELP
from ui.viewers.visit_views import FOLLOW_UP_HELP
from ui.widgets.card import Card, styled_label

_STUDY_HELP = (
    "1, 2, 3, 4: show T1, T1c, T2, FLAIR\n"
    "S: all sequences in one plane, or three planes of one\n"
    "V: the next plane of all sequences\n"
    "Ctrl + O: open a study\n"
    "Ctrl + Return: segment\n"
    "Ctrl + E: export\n"
    "Ctrl + C on the Tumour card: copy volumes and diameters\n"
    "Ctrl + Shift + C: copy a picture of the view\n"
    "Ctrl + B: many studies\n"
    "Ctrl + T: compare with an earlier study\n"
    "O, X: overlay, crosshair on or off\n"
    "C: contrast of the image anew\n"
    "Ctrl + 0: reset all views\n"
    "F1: this list"
)
_COLUMNS = (
    (("Study", _STUDY_HELP), ("Ruler", RULER_HELP)),
    (("Slices", SLICE_HELP), ("Surfaces", VOLUME_HELP)),
    (
        ("Correct the labels", CORRECTION_HELP),
        ("Compare images", COMPARE_HELP),
        ("Compare with an earlier study", FOLLOW_UP_HELP),
    ),
)


class ShortcutsDialog(QDialog):
    """Lists what keys and mouse buttons do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard and mouse")
        layout = QVBoxLayout(self)
        columns = QHBoxLayout()
        for groups in _COLUMNS:
            column = QVBoxLayout()
            for heading, text in groups:
                column.addWidget(_card(heading, text))
            column.addStretch(1)
            columns.addLayout(column)
        layout.addLayout(columns)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)


def _card(heading: str, text: str) -> Card:
    card = Card(heading)
    grid = QGridLayout()
    grid.setHorizontalSpacing(24)
    grid.setColumnStretch(1, 1)
    for index, line in enumerate(text.splitlines()):
        keys, effect = line.split(": ", 1)
        grid.addWidget(styled_label(keys), index, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(styled_label(effect, "muted"), index, 1)
    card.body.addLayout(grid)
    return card
