"""What was found: volumes, colours, visibility."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QSlider, QWidget

from ui.views.study_view import RegionRow
from ui.widgets.card import Card, styled_label

_CHIP_PX = 14
_DEFAULT_OPACITY_PERCENT = 45


def colour_chip(rgb: tuple[int, int, int]) -> QIcon:
    """Return a small square of this colour."""
    pixmap = QPixmap(_CHIP_PX, _CHIP_PX)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(*rgb))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawRoundedRect(0, 0, _CHIP_PX, _CHIP_PX, 3, 3)
    painter.end()
    return QIcon(pixmap)


def _right_aligned(text: str, style: str) -> QLabel:
    label = styled_label(text, style)
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label


class RegionPanel(Card):
    """The table of volumes and the controls of the overlay.

    Signals
    -------
    visibility_changed(int, bool)
        A label value was shown or hidden.
    opacity_changed(float)
        0 to 1.
    outline_changed(bool)
        Whether only outlines are drawn.
    """

    visibility_changed = Signal(int, bool)
    opacity_changed = Signal(float)
    outline_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Tumour", parent)
        self._hidden: set[int] = set()
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(0, 1)
        self._notes = styled_label("", "muted", wrap=True)
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setRange(0, 100)
        self._opacity.setAccessibleName("Opacity of the overlay")
        self._opacity.setValue(_DEFAULT_OPACITY_PERCENT)
        self._opacity.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        self._outline = QCheckBox("Outlines only")
        self._outline.toggled.connect(self.outline_changed)
        self._controls = QWidget()
        controls = QHBoxLayout(self._controls)
        controls.setContentsMargins(0, 0, 0, 0)
        controls.addWidget(styled_label("Opacity", "muted"))
        controls.addWidget(self._opacity, 1)
        controls.addWidget(self._outline)
        for widget in (self._table, self._notes, self._controls):
            self.body.addWidget(widget)
        self.show_rows((), ("Not segmented yet.",))

    @property
    def opacity(self) -> float:
        """Opacity of the overlay, 0 to 1."""
        return self._opacity.value() / 100

    def show_rows(self, rows: Many[RegionRow], notes: Many[str]) -> None:
        """Show one line per region and the notes below."""
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        title = next((row.range_title for row in rows if row.range_title), "")
        if title:
            self._grid.addWidget(_right_aligned("cm³", "muted"), 0, 1)
            self._grid.addWidget(_right_aligned(title, "muted"), 0, 2)
        for index, row in enumerate(rows, start=1):
            self._add_row(index, row, unit="" if title else " cm³")
        self._table.setVisible(bool(rows))
        self._controls.setVisible(bool(rows))
        self._notes.setText("\n".join(notes))
        self._notes.setVisible(bool(notes))

    def _add_row(self, index: int, row: RegionRow, *, unit: str) -> None:
        if row.label_value is None or row.rgb is None:
            name: QWidget = styled_label(f"{row.title} ({row.region.value})", "title")
        else:
            name = self._visibility_box(row, row.label_value, row.rgb)
        style = "title" if row.label_value is None else ""
        volume = _right_aligned(f"{row.volume_cm3:.1f}{unit}", style)
        self._grid.addWidget(name, index, 0)
        self._grid.addWidget(volume, index, 1)
        if row.range_text:
            between = _right_aligned(row.range_text, "muted")
            between.setToolTip(row.range_note)
            between.setAccessibleName(f"{row.title}, range: {row.range_text} cm³")
            self._grid.addWidget(between, index, 2)

    def _visibility_box(self, row: RegionRow, value: int, rgb: tuple[int, int, int]) -> QCheckBox:
        box = QCheckBox(f"{row.title} ({row.region.value})")
        box.setIcon(colour_chip(rgb))
        box.setChecked(value not in self._hidden)
        box.setToolTip("Show or hide this region")
        box.toggled.connect(lambda visible: self._set_visible(value, visible))
        return box

    def _set_visible(self, value: int, visible: bool) -> None:
        (self._hidden.discard if visible else self._hidden.add)(value)
        self.visibility_changed.emit(value, visible)
