"""Ticks for which files are written of a result, and whether names are left out of them."""

from collections.abc import Sequence as Many
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from ui.widgets.card import Card, styled_label


@dataclass(frozen=True, slots=True)
class FormatChoice:
    """A format the user can tick.

    Parameters
    ----------
    chosen
        Whether it is ticked at first, where it can be had.
    unavailable_because
        Why it cannot be chosen; empty where it can.
    holds_labels
        Whether the labels can be had back from its file.
    """

    key: str
    title: str
    chosen: bool = True
    unavailable_because: str = ""
    holds_labels: bool = False


class ExportTicks(QWidget):
    """A card with the formats, and leaving names out below them.

    Parameters
    ----------
    columns
        How many formats stand side by side at most, see `fit`.

    Signals
    -------
    changed()
        Something was ticked or no longer is.
    """

    changed = Signal()

    def __init__(
        self,
        choices: Many[FormatChoice],
        *,
        anonymise: bool = False,
        columns: int = 1,
    ) -> None:
        super().__init__()
        self._choices = tuple(choices)
        self._boxes: dict[str, QCheckBox] = {}
        self._reasons: dict[str, QLabel] = {}
        self._most_columns, self._columns = columns, 0
        card = self._card = Card("Files")
        self._grid = QGridLayout()
        self._grid.setSpacing(card.body.spacing())
        card.body.addLayout(self._grid)
        for number, one in enumerate(self._choices):
            box = QCheckBox(one.title)
            box.setChecked(one.chosen and not one.unavailable_because)
            box.setEnabled(not one.unavailable_because)
            box.setToolTip(one.unavailable_because)
            box.toggled.connect(self.changed)
            self._boxes[one.key] = box
            following = self._choices[number + 1 : number + 2]
            is_last = all(o.unavailable_because != one.unavailable_because for o in following)
            if one.unavailable_because and is_last:
                self._reasons[one.key] = styled_label(one.unavailable_because, "muted", wrap=True)
        self._lay_out(columns)
        self._anonymise = QCheckBox("Leave out the patient's name, identifier and dates")
        self._anonymise.setChecked(anonymise)
        self._anonymise.toggled.connect(self.changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        card.body.addSpacing(card.body.spacing())
        card.body.addWidget(self._anonymise)
        layout.addWidget(card)

    def fit(self, width: int) -> None:
        """Have as many formats side by side as this width has room for."""
        room = width - (self._card.sizeHint().width() - self._grid.sizeHint().width())
        fitting = (n for n in range(self._most_columns, 1, -1) if self._width_of(n) <= room)
        self._lay_out(next(fitting, 1))

    def tick(self, formats: Many[str], *, anonymise: bool) -> None:
        """Tick these formats and no others."""
        for key, box in self._boxes.items():
            box.setChecked(key in formats and box.isEnabled())
        self._anonymise.setChecked(anonymise)

    @property
    def formats(self) -> tuple[str, ...]:
        """The keys of what is ticked."""
        return tuple(key for key, box in self._boxes.items() if box.isChecked())

    @property
    def to_remember(self) -> tuple[str, ...]:
        """What to tick next time: as now, and as before where it could not be chosen."""
        return tuple(
            one.key
            for one in self._choices
            if (one.chosen if one.unavailable_because else self._boxes[one.key].isChecked())
        )

    @property
    def anonymise(self) -> bool:
        """Whether names are to be left out."""
        return self._anonymise.isChecked()

    @property
    def holds_labels(self) -> bool:
        """Whether one of the files holds the labels."""
        return any(one.holds_labels and self._boxes[one.key].isChecked() for one in self._choices)

    def _width_of(self, columns: int) -> int:
        widths = [box.sizeHint().width() for box in self._boxes.values()]
        widest = (max(widths[place::columns], default=0) for place in range(columns))
        return sum(widest) + (columns - 1) * self._grid.horizontalSpacing()

    def _lay_out(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        above = 0
        for number, (key, box) in enumerate(self._boxes.items()):
            self._grid.addWidget(box, above + number // columns, number % columns)
            if key in self._reasons:
                above += 1
                row = above + number // columns
                self._grid.addWidget(self._reasons[key], row, 0, 1, columns)
