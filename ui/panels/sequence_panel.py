"""The pre-flight table: four sequences, a picture, a light, a drop-down and a sentence each."""

from collections.abc import Sequence as Many

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.domain.preflight import Check
from desktop_app.domain.study import Sequence
from ui.views.study_view import SequenceSlot, Verdict
from ui.widgets.card import Card, lay_out_now, styled_label
from ui.widgets.choice_box import ChoiceBox
from ui.widgets.light import light_label, show_light

_THUMBNAIL_PX = 56
_LOOKING = "Preparing the images …"


class _Row:
    """The widgets of one sequence."""

    def __init__(self, sequence: Sequence) -> None:
        self.picture = QToolButton()
        self.picture.setProperty("kind", "thumbnail")
        self.picture.setFixedSize(_THUMBNAIL_PX + 2, _THUMBNAIL_PX + 2)
        self.picture.setIconSize(QSize(_THUMBNAIL_PX, _THUMBNAIL_PX))
        self.picture.setAccessibleName(f"Show {sequence.value} in the views")
        self.light = light_label()
        self.name = styled_label(sequence.value, "title")
        self.choice = ChoiceBox()
        self.choice.setAccessibleName(f"Series used as {sequence.value}")
        self.choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.choice.setMinimumContentsLength(8)
        self.sentence = styled_label("", "muted", wrap=True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        first = QHBoxLayout()
        first.setSpacing(7)
        first.addWidget(self.light)
        first.addWidget(self.name)
        first.addWidget(self.choice, 1)
        column = QVBoxLayout()
        column.setSpacing(3)
        column.addLayout(first)
        column.addWidget(self.sentence, 1)
        self.layout = QHBoxLayout()
        self.layout.setSpacing(7)
        self.layout.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        self.layout.addLayout(column, 1)
        self._thumbnail: NDArray[np.uint8] | None = None
        self._waiting: SequenceSlot | None = None
        self.choice.closed.connect(self._show_waiting)

    def show(self, slot: SequenceSlot) -> None:
        word = f"{slot.sequence.value}: {slot.word}"
        show_light(self.light, slot.light, word)
        self._show_choices(slot)
        self.sentence.setText(f"{slot.word.capitalize()}: {_after_colon(slot.sentence)}")
        details = "\n".join(check_line(check) for check in slot.checks)
        for widget in (self.light, self.sentence):
            widget.setToolTip(details)
        if slot.thumbnail_yx is not self._thumbnail:
            self._thumbnail = slot.thumbnail_yx
            self.picture.setIcon(_icon(slot.thumbnail_yx))
        self.picture.setEnabled(slot.thumbnail_yx is not None)
        self.picture.setToolTip(f"Show {slot.sequence.value} in the views")

    def _show_choices(self, slot: SequenceSlot) -> None:
        # The row under the user's hand stays where it is until the list closes.
        self._waiting = slot if self.choice.is_open else None
        if self._waiting is not None:
            return
        self.choice.blockSignals(True)
        lines = [(one.text, one.series_uid) for one in slot.choices]
        count = self.choice.count()
        if lines != [(self.choice.itemText(i), self.choice.itemData(i)) for i in range(count)]:
            self.choice.clear()
            for one in slot.choices:
                self.choice.add_choice(one.text, one.series_uid, one.shorter)
        self.choice.setCurrentIndex(max(0, self.choice.findData(slot.chosen_uid)))
        self.choice.setToolTip(self.choice.currentText())
        self.choice.blockSignals(False)

    def _show_waiting(self) -> None:
        if self._waiting is not None:
            self._show_choices(self._waiting)


class SequencePanel(Card):
    """Shows the proposed series of each sequence and lets the user overrule.

    Signals
    -------
    role_changed(Sequence, str)
        The user chose another series (UID, empty for none).
    sequence_chosen(Sequence)
        The user clicked a picture.
    checks_requested(object)
        The user wants to see everything that was found in these rows.
    compare_requested()
        The user wants to see two images over each other.
    """

    role_changed = Signal(object, str)
    sequence_chosen = Signal(object)
    checks_requested = Signal(object)
    compare_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._fold = QToolButton()
        self._fold.setProperty("kind", "fold")
        self._fold.setCheckable(True)
        self._fold.setAutoRaise(True)
        self._fold.toggled.connect(self._show_folded)
        heading = QHBoxLayout()
        heading.addWidget(styled_label("SEQUENCES", "section"), 1)
        # In a line that is there anyway: what is read below it stays where it is.
        self._looking = styled_label("", "muted")
        heading.addWidget(self._looking)
        heading.addWidget(self._fold)
        self.body.addLayout(heading)
        self._table = QWidget()
        rows = QVBoxLayout(self._table)
        rows.setContentsMargins(0, 0, 0, 0)
        self.body.addWidget(self._table)
        self._slots: tuple[SequenceSlot, ...] = ()
        self._rows: dict[Sequence, _Row] = {}
        for sequence in Sequence:
            row = _Row(sequence)
            rows.addLayout(row.layout)
            row.choice.activated.connect(
                lambda _, one=sequence: self.role_changed.emit(
                    one, str(self._rows[one].choice.currentData())
                )
            )
            row.picture.clicked.connect(lambda _, one=sequence: self.sequence_chosen.emit(one))
            self._rows[sequence] = row
        _align([row.light for row in self._rows.values()])
        _align([row.name for row in self._rows.values()])
        self._light = light_label()
        self._verdict = styled_label("", wrap=True)
        verdict = QHBoxLayout()
        verdict.setSpacing(7)
        verdict.addWidget(self._light, 0, Qt.AlignmentFlag.AlignTop)
        verdict.addWidget(self._verdict, 1)
        self.body.addLayout(verdict)
        self.body.addLayout(self._buttons())
        self._show_folded(False)

    @property
    def is_folded(self) -> bool:
        """Whether only the verdict is shown."""
        return self._fold.isChecked()

    def set_folded(self, folded: bool) -> None:
        """Show only the verdict, or the four rows above it again; the user can change it."""
        self._fold.setChecked(folded)

    def _show_folded(self, folded: bool) -> None:
        self._table.setVisible(not folded)
        self._fold.setArrowType(Qt.ArrowType.RightArrow if folded else Qt.ArrowType.DownArrow)
        name = "Show the sequences" if folded else "Hide the sequences"
        self._fold.setToolTip(name)
        self._fold.setAccessibleName(name)

    def _buttons(self) -> QHBoxLayout:
        self.checks_button = QPushButton("All checks …")
        self.checks_button.setToolTip("Everything that was looked at before segmenting")
        self.checks_button.clicked.connect(lambda: self.checks_requested.emit(self._slots))
        self.compare_button = QPushButton("Compare images …")
        self.compare_button.setToolTip("Lay two images over each other: checkerboard, blend, blink")
        self.compare_button.setEnabled(False)
        self.compare_button.clicked.connect(self.compare_requested)
        buttons = QHBoxLayout()
        buttons.addWidget(self.checks_button)
        buttons.addWidget(self.compare_button)
        return buttons

    def show_slots(self, slots: Many[SequenceSlot]) -> None:
        """Show one row per slot."""
        self._slots = tuple(slots)
        for slot in slots:
            self._rows[slot.sequence].show(slot)
        lay_out_now(self._table)

    def show_verdict(self, verdict: Verdict) -> None:
        """Show what the rows come to."""
        show_light(self._light, verdict.light, verdict.light.word)
        self._verdict.setText(verdict.sentence)
        self._looking.setText(_LOOKING if verdict.is_looking else "")
        lay_out_now(self)

    def set_editable(self, editable: bool) -> None:
        """Lock the drop-downs while a job runs."""
        for row in self._rows.values():
            row.choice.setEnabled(editable)

    def set_comparable(self, comparable: bool) -> None:
        """Tell whether there are two images to lay over each other."""
        self.compare_button.setEnabled(comparable)

    def choice_box(self, sequence: Sequence) -> ChoiceBox:
        """Return the drop-down of a sequence."""
        return self._rows[sequence].choice


def _align(labels: Many[QLabel]) -> None:
    """Make labels that stand below each other equally wide."""
    for label in labels:
        label.ensurePolished()  # or its font would not be known yet
    widest = max(label.sizeHint().width() for label in labels)
    for label in labels:
        label.setMinimumWidth(widest)


def check_line(check: Check) -> str:
    """Return an answer as one line."""
    return f"{check.light.sign} {check.aspect.value} ({check.light.word}): {check.sentence}"


def _after_colon(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def _icon(grey_yx: NDArray[np.uint8] | None) -> QIcon:
    if grey_yx is None:
        return QIcon()
    rows, columns = grey_yx.shape
    grey = np.ascontiguousarray(grey_yx)
    picture = QImage(grey.data, columns, rows, columns, QImage.Format.Format_Grayscale8)
    return QIcon(QPixmap.fromImage(picture.copy()))
