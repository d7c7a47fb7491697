"""The pre-flight table: four sequences, a traffic light, a drop-down and one sentence each."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from desktop_app.domain.study import Sequence
from ui.views.study_view import Light, SequenceSlot
from ui.widgets.card import Card, set_kind, styled_label

# A shape beside the colour, so that the light can be read without seeing colours.
_LIGHT_SIGNS = {Light.GOOD: "●", Light.FAIR: "▲", Light.POOR: "✕"}
_LIGHT_WORDS = {Light.GOOD: "ready", Light.FAIR: "please check", Light.POOR: "missing"}


class _Row:
    """The widgets of one sequence."""

    def __init__(self, sequence: Sequence, grid: QGridLayout, row: int) -> None:
        self.light = styled_label("")
        self.name = styled_label(sequence.value, "title")
        self.choice = QComboBox()
        self.choice.setAccessibleName(f"Series used as {sequence.value}")
        self.choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.choice.setMinimumContentsLength(8)
        self.sentence = styled_label("", "muted", wrap=True)
        grid.addWidget(self.light, row, 0)
        grid.addWidget(self.name, row, 1)
        grid.addWidget(self.choice, row, 2)
        grid.addWidget(self.sentence, row + 1, 1, 1, 2)

    def widgets(self) -> tuple[QLabel, QLabel, QComboBox, QLabel]:
        return self.light, self.name, self.choice, self.sentence

    def show(self, slot: SequenceSlot) -> None:
        self.light.setText(_LIGHT_SIGNS[slot.light])
        set_kind(self.light, slot.light.value)
        self.light.setToolTip(_LIGHT_WORDS[slot.light])
        self.light.setAccessibleName(f"{slot.sequence.value}: {_LIGHT_WORDS[slot.light]}")
        self.choice.blockSignals(True)
        self.choice.clear()
        for choice in slot.choices:
            self.choice.addItem(choice.text, choice.series_uid)
        self.choice.setCurrentIndex(max(0, self.choice.findData(slot.chosen_uid)))
        self.choice.setToolTip(self.choice.currentText())
        self.choice.blockSignals(False)
        self.sentence.setText(slot.sentence)


class SequencePanel(Card):
    """Shows the proposed series of each sequence and lets the user overrule.

    Signals
    -------
    role_changed(Sequence, str)
        The user chose another series (UID, empty for none).
    """

    role_changed = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Sequences", parent)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(2, 1)
        self.body.addLayout(grid)
        self._rows: dict[Sequence, _Row] = {}
        for index, sequence in enumerate(Sequence):
            row = _Row(sequence, grid, 2 * index)
            row.choice.activated.connect(
                lambda _, one=sequence: self.role_changed.emit(
                    one, str(self._rows[one].choice.currentData())
                )
            )
            self._rows[sequence] = row

    def show_slots(self, slots: Many[SequenceSlot]) -> None:
        """Show one row per slot."""
        for slot in slots:
            self._rows[slot.sequence].show(slot)

    def set_editable(self, editable: bool) -> None:
        """Lock the drop-downs while a job runs."""
        for row in self._rows.values():
            row.choice.setEnabled(editable)

    def choice_box(self, sequence: Sequence) -> QComboBox:
        """Return the drop-down of a sequence."""
        return self._rows[sequence].choice
