"""What keys and mouse buttons do."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QScrollArea,
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
    "Ctrl + B: batch of studies\n"
    "Ctrl + T: compare with an earlier study\n"
    "O, X: overlay, crosshair on or off\n"
    "C: contrast of the image anew\n"
    "Shift + C: all slices centred on the crosshair\n"
    "Ctrl + 0: reset all views\n"
    "F1: this list"
)
_REVIEW_HELP = (
    "Ctrl + Shift + A: accept the result, and the next one\n"
    "Ctrl + Shift + R: reject it, with a word why, and the next one\n"
    "Ctrl + →: the next one to check, those with warnings first"
)
_COLUMNS = (
    (("Study", _STUDY_HELP), ("Ruler", RULER_HELP), ("Results of a batch", _REVIEW_HELP)),
    (("Slices", SLICE_HELP), ("Surfaces", VOLUME_HELP)),
    (
        ("Correct the labels", CORRECTION_HELP),
        ("Compare images", COMPARE_HELP),
        ("Compare with an earlier study", FOLLOW_UP_HELP),
    ),
)


# Narrower, and every other effect would be broken into three lines.
_COLUMN_WIDTH = 370
_WIDTH = 1240
_AROUND = 80
_PART_OF_SCREEN = 0.9


class ShortcutsDialog(QDialog):
    """Lists what keys and mouse buttons do, in as many columns as there is room for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard and mouse")
        self._columns = [_column(groups) for groups in _COLUMNS]
        self._beside = 0
        contents = QWidget()
        self._grid = QGridLayout(contents)
        self._grid.setContentsMargins(0, 0, 0, 0)
        area = QScrollArea()
        area.setAccessibleName("What keys and mouse buttons do")
        area.setWidget(contents)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.addWidget(area)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        room = (parent or self).screen().availableGeometry().size() * _PART_OF_SCREEN
        self._lay_out(room.width())
        width = min(_WIDTH, room.width())
        height = contents.heightForWidth(width) + _AROUND
        self.setMinimumWidth(_COLUMN_WIDTH)
        self.resize(width, min(height, room.height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Have as many columns beside each other as fit."""
        self._lay_out(event.size().width())
        super().resizeEvent(event)

    def _lay_out(self, width: int) -> None:
        beside = min(len(self._columns), max(1, width // _COLUMN_WIDTH))
        if beside == self._beside:
            return
        self._beside = beside
        for index, column in enumerate(self._columns):
            self._grid.addWidget(column, *divmod(index, beside), Qt.AlignmentFlag.AlignTop)
            self._grid.setColumnStretch(index, int(index < beside))


def _column(groups: Many[tuple[str, str]]) -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    for heading, text in groups:
        layout.addWidget(_card(heading, text))
    return column


def _card(heading: str, text: str) -> Card:
    card = Card(heading)
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setColumnStretch(0, 2)
    grid.setColumnStretch(1, 3)
    for index, line in enumerate(text.splitlines()):
        keys, effect = line.split(": ", 1)
        told = styled_label(_together(keys), wrap=True), styled_label(effect, "muted", wrap=True)
        for place, label in enumerate(told):
            grid.addWidget(label, index, place)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
    card.body.addLayout(grid)
    return card


def _together(keys: str) -> str:
    """Keep keys that belong together on one line."""
    for between in (" and ", " + "):
        keys = keys.replace(between, between.replace(" ", "\u00a0"))
    return keys
