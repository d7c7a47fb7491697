"""Everything that was looked at before segmenting, sequence by sequence."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from ui.views.study_view import SequenceSlot
from ui.widgets.card import Card, styled_label
from ui.widgets.dialog_size import give_size
from ui.widgets.light import light_label

_LEGEND = "● good    ▲ check    ✕ problem    ○ not known"
_SENTENCE = 3
"""The column that takes the room there is."""


class PreflightDialog(QDialog):
    """Lists every light with its question, its answer and what the answer was taken from."""

    def __init__(self, slots: Many[SequenceSlot], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Checks before segmenting")
        give_size(self, 760, 640)
        column = QWidget()
        cards = QVBoxLayout(column)
        cards.setContentsMargins(0, 0, 6, 0)
        for slot in slots:
            cards.addWidget(_card(slot))
        cards.addStretch(1)
        area = QScrollArea()
        area.setWidget(column)
        area.setWidgetResizable(True)
        area.setAccessibleName("Checks before segmenting")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(styled_label(_LEGEND, "muted"))
        layout.addWidget(area, 1)
        layout.addWidget(buttons)


def _card(slot: SequenceSlot) -> Card:
    card = Card()
    chosen = next((one.text for one in slot.choices if one.series_uid == slot.chosen_uid), "")
    card.body.addWidget(styled_label(f"{slot.sequence.value}: {slot.word}", "title"))
    if slot.chosen_uid:
        card.body.addWidget(styled_label(chosen, "muted", wrap=True))
    grid = QGridLayout()
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(5)
    grid.setColumnStretch(_SENTENCE, 1)
    for row, check in enumerate(slot.checks):
        sentence = styled_label(check.sentence, wrap=True)
        sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        sentence.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        widgets = (
            light_label(check.light),
            styled_label(check.light.word),
            styled_label(check.aspect.value),
            sentence,
            styled_label(f"from {check.source.value}", "muted"),
        )
        for place, widget in enumerate(widgets):
            if place == _SENTENCE:
                grid.addWidget(widget, row, place)
            else:
                grid.addWidget(widget, row, place, Qt.AlignmentFlag.AlignTop)
    card.body.addLayout(grid)
    return card
