"""What lies over the views of a comparison, in the colours it has there."""

from collections.abc import Mapping
from collections.abc import Sequence as Many

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QToolButton, QWidget

from desktop_app.domain.change_marks import CHANGE_MARKS
from desktop_app.domain.follow_up import Difference
from desktop_app.domain.segmentation import LabelDefinition
from desktop_app.services.follow_up.table import REGIONS
from ui.icons import beside_icon
from ui.widgets.card import styled_label
from ui.widgets.colour_chip import change_chip, colour_chip

_CHIP = QSize(14, 14)
PLACE_KEYS = {Difference.NEW: "N", Difference.GONE: "B"}
"""Keys of the window, which work whatever the legend names just now."""


class OverlayLegend(QStackedWidget):
    """Names the regions, or the kinds of change; the latter lead to where they are largest.

    Parameters
    ----------
    meanings
        What the labels of each study stand for.

    Signals
    -------
    place_requested(Difference)
    """

    place_requested = Signal(object)

    def __init__(self, meanings: Mapping[str, Many[LabelDefinition]]) -> None:
        super().__init__()
        regions, row = _row()
        # As the columns of the numbers beside it
        every = {one.region: one for of_study in meanings.values() for one in of_study}
        for one in sorted(every.values(), key=lambda one: REGIONS.index(one.region)):
            there = [which for which, of_study in meanings.items() if one in of_study]
            only = "" if len(there) == len(meanings) else f", {there[0]}"
            _add(row, colour_chip(one.rgb), f"{one.name} ({one.region}){only}")
        row.addStretch(1)
        change, row = _row()
        self.places: dict[Difference, QToolButton] = {}
        for mark in CHANGE_MARKS:
            if mark.difference in PLACE_KEYS:
                row.addWidget(self._place_button(mark.difference, mark.title, change_chip(mark)))
            else:
                _add(row, change_chip(mark), mark.title)
        row.addStretch(1)
        self.addWidget(regions)
        self.addWidget(change)

    def show_change(self, is_change: bool) -> None:
        """Name the kinds of change, or the regions."""
        self.setCurrentIndex(int(is_change))

    def _place_button(self, difference: Difference, title: str, icon: QIcon) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon)
        button.setIconSize(_CHIP)
        button.setText(beside_icon(title))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        effect = f"Go to where most is {title.lower()}"
        button.setToolTip(f"{effect} ({PLACE_KEYS[difference]})")
        button.setAccessibleName(effect)
        button.clicked.connect(lambda: self.place_requested.emit(difference))
        self.places[difference] = button
        return button


def _row() -> tuple[QWidget, QHBoxLayout]:
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    return widget, row


def _add(row: QHBoxLayout, icon: QIcon, title: str) -> None:
    chip = QLabel()
    chip.setPixmap(icon.pixmap(_CHIP))
    row.addWidget(chip)
    row.addWidget(styled_label(title, "muted", wrap=True))
    row.addSpacing(10)
