"""Which region each value or segment of another program's labels is."""

from collections.abc import Callable, Mapping
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

from desktop_app.domain.label_part import LabelPart
from desktop_app.domain.segmentation import REGION_TITLES, Region
from ui.widgets.card import breakable, styled_label
from ui.widgets.choice_box import ChoiceBox

_REGIONS = (Region.ET, Region.NCR, Region.ED)
_LEFT_OUT = "Leave out"
_MEANING = (
    "The labels become the result of the open study, to be measured, corrected and exported. "
    "Where they overlap, enhancing tumour counts before core, and core before oedema."
)
_UNTOLD = "The file does not tell what some of its labels are: please choose."
_BY_NAMES = "Proposed by the codes and names in the file: please check."
_AS_BRATS = (
    "The file holds numbers only. Proposed as BraTS numbers gliomas of adults, with oedema 2: "
    "please check. nnU-Net and the Decathlon give oedema 1 and core 2."
)
_AS_DECATHLON = (
    "The file holds numbers only. Proposed as nnU-Net and the Decathlon number them, oedema 1 and "
    "core 2, since 1 lies around 2: please check."
)
# Rows that are seen without scrolling, as far as the screen has room for them.
_ROWS_SEEN_PX = 320


class LabelsDialog(QDialog):
    """Proposes a region for every part of a file, which can be changed or left out.

    Parameters
    ----------
    file_name
        Of the file, for people.
    answer
        Told the region by the number of its part, without those left out.
    """

    def __init__(
        self,
        file_name: str,
        parts: Many[LabelPart],
        answer: Callable[[Mapping[int, Region]], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Open labels")
        self.setMinimumWidth(520)
        self._answer = answer
        self.choices: dict[int, ChoiceBox] = {}
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.take = buttons.addButton("Open labels", QDialogButtonBox.ButtonRole.AcceptRole)
        self.take.setProperty("kind", "primary")
        buttons.accepted.connect(self._take)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(styled_label(breakable(f"Labels of {file_name}"), "title", wrap=True))
        assumed = _assumed(parts)
        if assumed:
            layout.addWidget(styled_label(assumed, wrap=True))
        if any(one.proposed is None for one in parts):
            layout.addWidget(styled_label(_UNTOLD, "notice", wrap=True))
        layout.addWidget(self._make_rows(parts), 1)
        layout.addWidget(styled_label(_MEANING, "muted", wrap=True))
        layout.addWidget(buttons)
        self.take.setDefault(True)  # outside the dialog it would not be what Return presses
        self._check()

    @property
    def regions(self) -> Mapping[int, Region]:
        """What is chosen now, by the number of the part."""
        chosen = ((number, box.currentData()) for number, box in self.choices.items())
        return {number: Region(region) for number, region in chosen if region}

    def _make_rows(self, parts: Many[LabelPart]) -> QWidget:
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setColumnStretch(0, 1)
        grid.setHorizontalSpacing(18)
        for column, heading in enumerate(("In the file", "cm³", "Region")):
            grid.addWidget(styled_label(heading, "muted"), 0, column)
        for row, part in enumerate(parts, start=1):
            size = styled_label(f"{part.volume_mm3 / 1000:.1f}")
            size.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(styled_label(breakable(part.title), wrap=True), row, 0)
            grid.addWidget(size, row, 1)
            grid.addWidget(self._make_choice(part), row, 2)
        grid.setRowStretch(len(parts) + 1, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        # Labels that wrap are taller than their hint, which is for any width.
        height = inside.heightForWidth(self.minimumWidth() - 2 * grid.contentsMargins().left())
        area.setMinimumHeight(min(height + 2 * area.frameWidth(), _ROWS_SEEN_PX))
        return area

    def _make_choice(self, part: LabelPart) -> ChoiceBox:
        box = self.choices[part.number] = ChoiceBox()
        box.setAccessibleName(f"Region of {part.title}")
        for region in _REGIONS:
            box.addItem(REGION_TITLES[region], region.value)
        box.addItem(_LEFT_OUT, "")
        box.setCurrentIndex(box.findData(part.proposed.value if part.proposed else ""))
        box.currentIndexChanged.connect(self._check)
        return box

    def _check(self) -> None:
        self.take.setEnabled(bool(self.regions))

    def _take(self) -> None:
        self.accept()
        self._answer(self.regions)


def _assumed(parts: Many[LabelPart]) -> str:
    """Return what a proposal rests on; empty where nothing is proposed."""
    proposed = {one.number: one.proposed for one in parts if one.proposed}
    if not proposed:
        return ""
    if any(one.name for one in parts):
        return _BY_NAMES
    return _AS_DECATHLON if proposed.get(1) is Region.ED else _AS_BRATS
