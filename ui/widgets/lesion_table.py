"""The enhancing lesions in a table that folds out: ticks for targets, a click leads there."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QToolButton, QVBoxLayout, QWidget

from ui.views.lesion_view import LesionListing, LesionRow
from ui.widgets.card import styled_label
from ui.widgets.place_link import PlaceLink

_HEADINGS = ("Target", "cm³", "Diameters", "RANO")
_TELLS = (
    "Connected parts of the enhancing tumour, each with what it encloses, the largest first: "
    "ten at most, of 1 cm³ or more or measurable."
)


class LesionTable(QWidget):
    """Shows lesions, folded away at first; hidden where there is none.

    Signals
    -------
    target_chosen(int, bool)
        The number of a lesion, and whether it is to be a target.
    place_requested(tuple)
        Patient coordinates of a place to look at.
    """

    target_chosen = Signal(int, bool)
    place_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("lesions")
        self._rows: list[_Row] = []
        self._fold = QToolButton()
        self._fold.setProperty("kind", "fold")
        self._fold.setCheckable(True)
        self._fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._fold.setToolTip(_TELLS)
        self._fold.toggled.connect(self._show_folded_out)
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(4, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setHorizontalSpacing(5)
        self._grid.setColumnStretch(2, 1)
        for column, heading in enumerate(_HEADINGS):
            self._grid.addWidget(styled_label(heading, "muted"), 0, column)
        self._summary = styled_label("", "muted", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._table)
        layout.addWidget(self._summary)
        self._show_folded_out(False)
        self.hide()

    @property
    def tab_order(self) -> tuple[QWidget, ...]:
        """What the keyboard reaches, from top to bottom."""
        return (self._fold, *(one for row in self._rows for one in (row.tick, row.link)))

    def show_lesions(self, listing: LesionListing | None) -> None:
        """Show lesions; ``None`` greys those that are shown, which are measured anew."""
        self.setEnabled(listing is not None)
        if listing is None:
            self._fold.setText("Enhancing lesions: measuring …")
            return
        while len(self._rows) < len(listing.rows):
            self._rows.append(_Row(self, self._grid, len(self._rows) + 1))
        for index, row in enumerate(self._rows):
            row.show(listing.rows[index] if index < len(listing.rows) else None)
        self._fold.setText(f"Enhancing lesions: {len(listing.rows)}")
        self._summary.setText(listing.summary)
        self.setVisible(bool(listing.rows))

    def _show_folded_out(self, is_out: bool) -> None:
        self._table.setVisible(is_out)
        self._summary.setVisible(is_out)
        self._fold.setArrowType(Qt.ArrowType.DownArrow if is_out else Qt.ArrowType.RightArrow)
        verb = "Hide" if is_out else "Show"
        self._fold.setAccessibleName(f"{verb} the enhancing lesions one by one")


class _Row:
    """The widgets of one lesion, used again for the next result."""

    def __init__(self, table: LesionTable, grid: QGridLayout, line: int) -> None:
        self._table = table
        self._shown: LesionRow | None = None
        self.tick = QCheckBox()
        self.link = PlaceLink()
        self._volume = styled_label()
        self._worth = styled_label("", "muted")
        self.tick.clicked.connect(self._choose)
        self.link.clicked.connect(self._lead)
        self._widgets = (self.tick, self._volume, self.link, self._worth)
        for column, widget in enumerate(self._widgets):
            grid.addWidget(widget, line, column)

    def _choose(self, chosen: bool) -> None:
        if self._shown is not None:
            self._table.target_chosen.emit(self._shown.number, chosen)

    def _lead(self) -> None:
        if self._shown is not None:
            self._table.place_requested.emit(self._shown.middle)

    def show(self, row: LesionRow | None) -> None:
        """Show a lesion, or nothing."""
        self._shown = row
        for widget in self._widgets:
            widget.setVisible(row is not None)
        if row is None:
            return
        self.tick.setText(str(row.number))
        self.tick.setAccessibleName(f"Lesion {row.number}: target")
        self.tick.setChecked(row.is_target)
        self.tick.setEnabled(row.can_be_chosen)
        self._volume.setText(row.volume_text)
        self._volume.setAccessibleName(f"Lesion {row.number}: {row.volume_text} cm³")
        self.link.show_place(row.text, f"{row.note} Click to go there.")
        self._worth.setText(row.worth)
        self._worth.setAccessibleName(f"Lesion {row.number}: {row.note}")
        for widget in (self.tick, self._worth):
            widget.setToolTip(row.note)
