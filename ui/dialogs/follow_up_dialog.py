"""An earlier study and the current one: images, map of change, numbers, and what to doubt."""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.domain.follow_up import Difference
from desktop_app.domain.segmentation import REGION_TITLES, Region
from desktop_app.domain.study import Sequence
from ui.viewers.planes import Plane
from ui.viewers.visit_views import FOLLOW_UP_HELP, VisitOverlay, VisitViews
from ui.viewers.window_level import Window
from ui.views.follow_up_view import ShownFollowUp, Visit
from ui.views.sequences_view import READING_ORDER
from ui.widgets.card import styled_label
from ui.widgets.change_numbers import ChangeNumbers
from ui.widgets.choice_box import ChoiceBox
from ui.widgets.choice_buttons import add_choice, with_key
from ui.widgets.dialog_size import give_size
from ui.widgets.fitting_bar import TwoRowBar
from ui.widgets.overlay_legend import PLACE_KEYS, OverlayLegend

_Choice = TypeVar("_Choice")

_OVERLAY_KEYS = {VisitOverlay.FILLED: "F", VisitOverlay.OUTLINED: "L", VisitOverlay.CHANGE: "M"}
_OVERLAY_TIPS = {
    VisitOverlay.FILLED: "The regions of each study",
    VisitOverlay.OUTLINED: "The outlines of the regions of each study",
    VisitOverlay.CHANGE: "What of one region is new, gone, or in both",
}
_REGION_PX = 230
_NOT_LINKED = (
    "The studies could not be laid on each other: each view is scrolled and zoomed for itself, and "
    "there is no map of change."
)
_OUTDATED = (
    "The open study's labels were corrected after this comparison, which shows them as they were."
)
_COMPARE_FIRST = "The labels were corrected since: compare again first"


class FollowUpDialog(QDialog):
    """Shows a comparison; changes nothing of either study.

    Parameters
    ----------
    windows
        Grey values that the user has for the current study.

    Signals
    -------
    copy_requested(), save_requested(), files_requested()
        The numbers are to go to the clipboard, a report into a file, all there is into a folder.
    again_requested()
        The labels as they are now are to be compared.
    """

    copy_requested = Signal()
    save_requested = Signal()
    files_requested = Signal()
    again_requested = Signal()

    def __init__(
        self,
        shown: ShownFollowUp,
        parent: QWidget | None = None,
        *,
        windows: Mapping[Sequence, Window] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Compare with an earlier study: {shown.who}")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        give_size(self, 1320, 720)
        self._shown = shown
        self.views = VisitViews(self)
        self.views.show_visits(
            shown.visits, are_linked=shown.change_kji is not None, windows=windows or {}
        )
        self.legend = OverlayLegend(
            {which.value.lower(): visit.labels.meanings for which, visit in shown.visits.items()}
        )
        self.legend.place_requested.connect(self._go_to)
        self.numbers = ChangeNumbers(shown)
        self.outdated = styled_label(_OUTDATED, "notice", wrap=True)
        self.outdated.hide()
        self.again = QPushButton("Compare again")
        self.again.setToolTip("Compare the labels as they are now; takes a second or two")
        self.again.clicked.connect(self.again_requested)
        self.again.hide()
        self._tools: list[QToolButton] = []
        self._bar = TwoRowBar()
        self._bar.setObjectName("viewer_bar")  # as narrow as that of the main window
        self.sequences = add_choice(
            self._bar.first, {one: one.value for one in Sequence}, self.views.show_sequence
        )
        self.planes = add_choice(
            self._bar.first, {one: one.title for one in Plane}, self.views.set_plane
        )
        self.overlays = add_choice(
            self._bar.first, {one: one.value for one in VisitOverlay}, self._choose_overlay
        )
        self.region = self._add_region()
        # Where the rows stand one below the other, this one ends there
        self._bar.first.addStretch(1)
        self._bar.second.addStretch(1)
        self._add_tools()
        self.passing_on: tuple[QPushButton, ...] = ()
        self._lay_out()
        self._order_tabs()
        self._add_place_keys()
        self._begin()

    def note_outdated(self) -> None:
        """Say that the labels were corrected since; nothing that says otherwise leaves here."""
        self.outdated.show()
        self.again.show()
        for button in self.passing_on:
            button.setEnabled(False)
            button.setToolTip(_COMPARE_FIRST)

    def begin_as(self, other: "FollowUpDialog") -> None:
        """Take the place of another window, and show what it shows as it shows it."""
        self.setGeometry(other.geometry())
        self.setWindowState(other.windowState())
        self.region.setCurrentText(other.region.currentText())
        self._choose_region()
        _click_same(self.sequences, other.sequences)
        _click_same(self.planes, other.planes)
        _click_same(self.overlays, other.overlays)
        self.overlay_tool.setChecked(other.overlay_tool.isChecked())
        self.crosshair_tool.setChecked(other.crosshair_tool.isChecked())
        self.views.begin_as(other.views)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape shows both views again where one is alone, else it closes."""
        alone = self.views.alone
        if event.key() == Qt.Key.Key_Escape and alone is not None:
            self.views.toggle_alone(alone)
        else:
            super().keyPressEvent(event)

    def _begin(self) -> None:
        """Show what a reader looks at first, and offer only what there is."""
        there = self.views.sequences
        for number, (sequence, button) in enumerate(self.sequences.items(), start=1):
            button.setEnabled(sequence in there)
            with_key(button, f"Show {sequence} of both", str(number))
        for overlay, button in self.overlays.items():
            with_key(button, _OVERLAY_TIPS[overlay], _OVERLAY_KEYS[overlay])
        for plane, button in self.planes.items():
            button.setToolTip(f"Both in {plane.title.lower()} slices (V)")
        self.planes[Plane.AXIAL].setChecked(True)
        self.overlays[VisitOverlay.FILLED].setChecked(True)
        images = [visit.images for visit in self._shown.visits.values()]
        both = [one for one in READING_ORDER if all(one in of_visit for of_visit in images)]
        first = next(iter((*both, *there)), None)
        if first is not None:
            self.sequences[first].setChecked(True)
            self.views.show_sequence(first)
        is_linked = self._shown.change_kji is not None
        if is_linked:
            self._choose_region()
        else:
            self.overlays[VisitOverlay.CHANGE].setEnabled(False)
            self.overlays[VisitOverlay.CHANGE].setToolTip(_NOT_LINKED)
        self.region.setEnabled(is_linked)
        self._choose_overlay(VisitOverlay.FILLED)
        self.views.views[Visit.NOW].setFocus()

    def _add_region(self) -> ChoiceBox:
        box = ChoiceBox()
        box.setAccessibleName("Region of the map of change")
        box.setToolTip("Region of the map of change")
        for region in self._shown.regions:
            text = f"{region}: {REGION_TITLES[region].lower()}"
            box.add_choice(text, region, shorter=(region.value,))
        box.setMinimumContentsLength(10)
        box.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.activated.connect(self._choose_region_and_map)
        box.setMaximumWidth(_REGION_PX)
        self._bar.second.addWidget(box, 10)
        return box

    def _add_tools(self) -> None:
        self.overlay_tool = self._add_tool("Overlay", "Show or hide what lies over the images", "O")
        self.crosshair_tool = self._add_tool("Crosshair", "Show or hide the crosshair", "X")
        for tool, toggled in (
            (self.overlay_tool, self.views.set_overlay_visible),
            (self.crosshair_tool, self.views.set_crosshair_visible),
        ):
            tool.setProperty("kind", "toggle")
            tool.setCheckable(True)
            tool.setChecked(True)
            tool.toggled.connect(toggled)
        contrast = self._add_tool("Contrast", "Choose window and level of both anew", "C")
        contrast.clicked.connect(self.views.reset_windows)
        reset = self._add_tool("Reset", "Show both whole again", "Ctrl+0")
        reset.clicked.connect(self.views.reset_views)
        QShortcut(QKeySequence("V"), self, self._turn_plane)

    def _add_tool(self, text: str, effect: str, key: str) -> QToolButton:
        tool = QToolButton()
        tool.setText(text)
        with_key(tool, effect, key)
        self._bar.second.addWidget(tool)
        self._tools.append(tool)
        return tool

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.addWidget(self.views, 1)
        if self._shown.change_kji is None:
            left.addWidget(styled_label(_NOT_LINKED, "notice", wrap=True))
        left.addWidget(self.legend)
        right = QVBoxLayout()
        right.addWidget(self.outdated)
        right.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)
        right.addWidget(self.numbers, 1)
        middle = QHBoxLayout()
        middle.addLayout(left, 1)
        middle.addLayout(right)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.setToolTip("Copy the numbers (Ctrl + C)")
        copy.setShortcut(QKeySequence.StandardKey.Copy)
        copy.clicked.connect(self.copy_requested)
        save = buttons.addButton("Save report …", QDialogButtonBox.ButtonRole.ActionRole)
        save.setToolTip("Save a page with pictures and numbers as PDF (Ctrl + S)")
        save.setShortcut(QKeySequence.StandardKey.Save)
        save.clicked.connect(self.save_requested)
        files = buttons.addButton("Save files …", QDialogButtonBox.ButtonRole.ActionRole)
        files.setToolTip("Save report, numbers (JSON) and maps of change (NIfTI) in a folder")
        files.clicked.connect(self.files_requested)
        buttons.rejected.connect(self.reject)
        self.passing_on = (copy, save, files)
        # Enter shows a study alone; anywhere else it is to do nothing that was not asked for
        for button in (self.again, *self.passing_on, *buttons.findChildren(QPushButton)):
            button.setAutoDefault(False)
        keys = styled_label(" · ".join(FOLLOW_UP_HELP.splitlines()), "muted", wrap=True)
        below = QHBoxLayout()
        below.addWidget(keys, 1)
        below.addWidget(buttons, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(self)
        layout.addWidget(self._bar)
        layout.addLayout(middle, 1)
        layout.addLayout(below)

    def _order_tabs(self) -> None:
        """Have the keyboard go through the window as the eye does."""
        chosen = (*self.sequences.values(), *self.planes.values(), *self.overlays.values())
        shown = (*self.views.views.values(), *self.legend.places.values(), self.numbers.table)
        for one, following in pairwise((*chosen, self.region, *self._tools, *shown)):
            self.setTabOrder(one, following)

    def _choose_overlay(self, overlay: VisitOverlay) -> None:
        self.views.set_overlay(overlay)
        self.legend.show_change(overlay is VisitOverlay.CHANGE)
        for button in self.legend.places.values():
            button.setEnabled(self._shown.change_kji is not None)

    def _choose_region(self) -> None:
        if self._shown.change_kji is not None:
            self.views.set_change(self._shown.change_kji(Region(self.region.currentData())))

    def _choose_region_and_map(self) -> None:
        self._choose_region()
        self.overlays[VisitOverlay.CHANGE].click()

    def _go_to(self, difference: Difference) -> None:
        self.overlays[VisitOverlay.CHANGE].click()
        self.views.go_to_change((difference,))

    def _add_place_keys(self) -> None:
        """Let keys lead to new and gone, also while the legend hides their buttons."""
        for difference, key in PLACE_KEYS.items():
            shortcut = QShortcut(QKeySequence(key), self, partial(self._go_to, difference))
            shortcut.setEnabled(self._shown.change_kji is not None)

    def _turn_plane(self) -> None:
        planes = tuple(Plane)
        following = planes[(planes.index(self.views.plane) + 1) % len(planes)]
        self.planes[following].click()


def _click_same(mine: Mapping[_Choice, QToolButton], theirs: Mapping[_Choice, QToolButton]) -> None:
    for one, button in theirs.items():
        if button.isChecked():
            mine[one].click()
