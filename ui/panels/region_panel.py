"""What was found: volumes, colours, visibility."""

from collections.abc import Sequence as Many
from itertools import pairwise, zip_longest

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.domain.missing import NOT_KNOWN, volume_if_known
from desktop_app.domain.preflight import Light
from desktop_app.domain.segmentation import REGION_TITLES
from ui.views.diameter_view import DiameterRow
from ui.views.lesion_view import LesionListing
from ui.views.study_view import Findings, RegionRow
from ui.widgets.card import Card, styled_label
from ui.widgets.colour_chip import colour_chip
from ui.widgets.lesion_table import LesionTable
from ui.widgets.light import light_label
from ui.widgets.place_link import PlaceLink

_DEFAULT_OPACITY_PERCENT = 45
_VALUE = "label value"
_MEASURING = "measuring …"
_WITHOUT_T1C = "Without T1c nothing tells which part of the core enhances."
_ROUGH = "A rough guess: only T1c shows where the core ends and the oedema begins."
_ROUNDED = "Each volume is rounded by itself: sums may differ in the last digit."


def _right_aligned(text: str, style: str) -> QLabel:
    label = styled_label(text, style)
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label


def _range_label(row: RegionRow) -> QLabel:
    label = _right_aligned(row.range_text or "–", "muted")
    label.setToolTip(row.range_note or "No range narrow enough to tell anything is known.")
    told = f"{row.range_text} cm³" if row.range_text else "not known"
    label.setAccessibleName(f"{row.title}, range: {told}")
    return label


def _empty(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()


class RegionPanel(Card):
    """The volumes, or that there are none; what to know of them; the controls of the overlay.

    Signals
    -------
    visibility_changed(int, bool)
        A label value was shown or hidden.
    opacity_changed(float)
        0 to 1.
    outline_changed(bool)
        Whether only outlines are drawn.
    place_requested(tuple)
        Patient coordinates of a place to look at.
    target_chosen(int, bool)
        The number of a lesion, and whether it is to be a target.
    copy_requested()
        Volumes and diameters are wanted on the clipboard.
    """

    visibility_changed = Signal(int, bool)
    opacity_changed = Signal(float)
    outline_changed = Signal(bool)
    place_requested = Signal(object)
    target_chosen = Signal(int, bool)
    copy_requested = Signal()

    def __init__(self) -> None:
        copy = QToolButton()
        super().__init__("Tumour", beside=copy)
        self._add_copy(copy)
        self._hidden: set[int] = set()
        self._boxes: list[QCheckBox] = []
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(0, 1)
        self._headline = styled_label("", "headline", wrap=True)
        self._explanation = styled_label("", wrap=True)
        self._links: list[PlaceLink] = []
        self._diameters_shown: tuple[DiameterRow, ...] = ()
        self._diameters = QWidget()
        self._diameter_rows = QVBoxLayout(self._diameters)
        self._diameter_rows.setContentsMargins(0, 0, 0, 0)
        self._diameter_rows.setSpacing(0)
        self._diameters.hide()
        self._lesions = LesionTable()
        self._lesions.place_requested.connect(self.place_requested)
        self._lesions.target_chosen.connect(self.target_chosen)
        self._warnings = QWidget()
        self._warning_rows = QVBoxLayout(self._warnings)
        self._warning_rows.setContentsMargins(0, 0, 0, 0)
        self._warning_rows.setSpacing(4)
        self._origin = styled_label("", "muted", wrap=True)
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setRange(0, 100)
        self._opacity.setAccessibleName("Opacity of the overlay")
        self._opacity.setToolTip("How strong the regions cover the slices")
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
        for widget in (
            self._headline,
            self._explanation,
            self._table,
            self._diameters,
            self._lesions,
            self._warnings,
            self._controls,
            self._origin,
        ):
            self.body.addWidget(widget)
        self.show_findings(None)

    @property
    def opacity(self) -> float:
        """Opacity of the overlay, 0 to 1."""
        return self._opacity.value() / 100

    @property
    def outline(self) -> bool:
        """Whether only outlines are drawn."""
        return self._outline.isChecked()

    def set_overlay(self, percent: int, *, outline: bool) -> None:
        """Cover the slices this strongly, or with outlines only."""
        self._opacity.setValue(percent)
        self._outline.setChecked(outline)

    def show_findings(self, findings: Findings | None) -> None:
        """Show what was found; without it there is no panel."""
        self.setVisible(findings is not None)
        if findings is None:
            return
        self._show_rows(findings.rows)
        self._controls.setVisible(bool(findings.rows))
        for label, text in (
            (self._headline, findings.headline),
            (self._explanation, findings.explanation),
            (self._origin, findings.origin),
        ):
            label.setText(text)
            label.setVisible(bool(text))
        self._show_warnings(findings.warnings)
        self.setProperty("notable", bool(findings.headline))
        self.style().unpolish(self)
        self.style().polish(self)

    def show_all(self) -> None:
        """Hide nothing any more: what one study had hidden is not missed in the next."""
        self.reveal(*self._hidden)

    def reveal(self, *values: int) -> None:
        """Show label values that may be hidden, or too faint to be seen."""
        for value in values:
            self._set_visible(value, True)
        for box in self._boxes:
            box.setChecked(box.property(_VALUE) not in self._hidden)
        if self._opacity.value() == 0:
            self._opacity.setValue(_DEFAULT_OPACITY_PERCENT)

    def show_diameters(self, rows: Many[DiameterRow] | None) -> None:
        """Show diameters below the volumes; ``None`` says that they are measured anew."""
        self._diameters.setEnabled(rows is not None)
        if rows is None:
            for link in self._links:
                link.show_place(_MEASURING, "The labels were changed.")
            return
        self._diameters_shown = tuple(rows)
        while len(self._links) < len(rows):
            self._add_link(len(self._links))
        for link, row in zip_longest(self._links, rows):
            link.setVisible(row is not None)
            if row is not None:
                link.show_place(row.text, row.note)
        self._diameters.setVisible(bool(rows))
        self._order_by_tab()

    def show_lesions(self, listing: LesionListing | None) -> None:
        """Show enhancing lesions below the diameters; ``None`` greys those that are shown."""
        self._lesions.show_lesions(listing)
        self._order_by_tab()

    def _add_copy(self, button: QToolButton) -> None:
        """Have the numbers copied by a button, and by the usual key wherever the focus is here."""
        button.setText("Copy")
        button.setProperty("kind", "fold")
        button.setToolTip("Copy volumes and diameters as a table (Ctrl + C)")
        button.setAccessibleName("Copy volumes and diameters")
        button.clicked.connect(self.copy_requested)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        key = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self)
        key.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        key.activated.connect(self.copy_requested)

    def _add_link(self, index: int) -> None:
        link = PlaceLink()
        link.clicked.connect(lambda: self.place_requested.emit(self._diameters_shown[index].middle))
        self._links.append(link)
        self._diameter_rows.addWidget(link)

    def _show_rows(self, rows: Many[RegionRow]) -> None:
        _empty(self._grid)
        self._boxes.clear()
        title = next((row.range_title for row in rows if row.range_title), "")
        if title:
            self._grid.addWidget(_right_aligned("cm³", "muted"), 0, 1)
            self._grid.addWidget(_right_aligned(title, "muted"), 0, 2)
        for index, row in enumerate(rows, start=1):
            self._add_row(index, row, unit="" if title else " cm³")
            if title:
                self._grid.addWidget(_range_label(row), index, 2)
        self._table.setVisible(bool(rows))
        self._order_by_tab()

    def _order_by_tab(self) -> None:
        """Have the boxes, which are younger, come before the controls below them."""
        order = [
            self._outline,
            *self._boxes,
            *self._links,
            *self._lesions.tab_order,
            self._opacity,
            self._outline,
        ]
        for one, following in pairwise(order):
            QWidget.setTabOrder(one, following)

    def _show_warnings(self, warnings: Many[str]) -> None:
        _empty(self._warning_rows)
        for sentence in warnings:
            label = styled_label(sentence, wrap=True)
            row = QWidget()
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            line.addWidget(light_label(Light.FAIR), 0, Qt.AlignmentFlag.AlignTop)
            line.addWidget(label, 1)
            self._warning_rows.addWidget(row)
        self._warnings.setVisible(bool(warnings))

    def _add_row(self, index: int, row: RegionRow, *, unit: str) -> None:
        if row.label_value is None or row.rgb is None:
            # What is not known is no headline.
            style = "title" if row.volume_cm3 is not None else "muted"
            name: QWidget = styled_label(f"{row.title} ({row.region.value})", style)
        else:
            name = self._visibility_box(row, row.label_value, row.rgb)
        style = "title" if row.label_value is None else ""
        if row.volume_cm3 is None:
            volume = _right_aligned(NOT_KNOWN, "muted")
            volume.setToolTip(_WITHOUT_T1C)
            volume.setAccessibleName(f"{row.title}: {NOT_KNOWN}. {_WITHOUT_T1C}")
        else:
            text = volume_if_known(1000 * row.volume_cm3, is_rough=row.is_rough)
            volume = _right_aligned(f"{text}{unit}", "muted" if row.is_rough else style)
            volume.setToolTip(_ROUGH if row.is_rough else _ROUNDED)
            volume.setAccessibleName(f"{row.title}: {text} cm³")
        self._grid.addWidget(name, index, 0)
        self._grid.addWidget(volume, index, 1)

    def _visibility_box(self, row: RegionRow, value: int, rgb: tuple[int, int, int]) -> QCheckBox:
        box = QCheckBox(f"{row.title} ({row.region.value})")
        box.setIcon(colour_chip(rgb))
        box.setProperty(_VALUE, value)
        box.setChecked(value not in self._hidden)
        box.setToolTip(f"{REGION_TITLES[row.region]}: show or hide")
        box.toggled.connect(lambda visible: self._set_visible(value, visible))
        self._boxes.append(box)
        return box

    def _set_visible(self, value: int, visible: bool) -> None:
        (self._hidden.discard if visible else self._hidden.add)(value)
        self.visibility_changed.emit(value, visible)
