"""The tools that correct labels: what draws, which region, how large, what it may change."""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
)

from desktop_app.domain.correction import PaintOver, Tool, ToolSettings
from desktop_app.domain.segmentation import DEFAULT_LABELS, Region
from ui.icons import Icons, beside_icon
from ui.views.correction_view import CorrectionState
from ui.widgets.card import styled_label
from ui.widgets.choice_box import ChoiceBox
from ui.widgets.choice_buttons import press_by
from ui.widgets.colour_chip import colour_chip
from ui.widgets.fitting_bar import TwoRowBar

_SMALLEST_MM, _LARGEST_MM, _FIRST_MM = 1, 60, 8
_ERASER = 0


class _ToolButton(NamedTuple):
    tool: Tool | None
    icon: str
    text: str
    key: str
    tip: str


_TOOLS = (
    _ToolButton(None, "move", "Move the crosshair", "M", "Left drag moves the crosshair"),
    _ToolButton(
        Tool.BRUSH, "brush", "Brush", "B", "Left drag paints; with Ctrl it erases, at any setting"
    ),
    _ToolButton(
        Tool.OUTLINE, "outline", "Outline", "L", "Draw around an area; it is filled when you let go"
    ),
    _ToolButton(
        Tool.PART,
        "part",
        "Part",
        "P",
        "Click a connected part to give it the chosen region; erasing removes the whole island, "
        "with all its regions. Over similar only, a click on unmarked tissue marks all of it that "
        "is as bright and connected",
    ),
)
# In the order of the table of volumes.
_REGIONS = (Region.ET, Region.NCR, Region.ED)
_ENHANCING_TIP = "Draw enhancing tumour (key 5)"
# Without T1c the core is one label until a person says what of it enhances.
_DIVIDING_TIP = f"{_ENHANCING_TIP}; the rest of the core then counts as not enhancing"
_OVER = (
    (PaintOver.EVERYTHING, "Over everything", "May change any voxel"),
    (PaintOver.TUMOUR, "Over tumour only", "Changes only voxels that are marked already"),
    (PaintOver.BACKGROUND, "Over unmarked only", "Changes only voxels that are not marked yet"),
    (
        PaintOver.SIMILAR,
        "Over similar only",
        "Changes only voxels about as bright, on the image shown, as where the stroke began; "
        "an outline, as most of what it encloses",
    ),
)


class CorrectionBar(TwoRowBar):
    """One row of tools above the slices, or two where they are narrow.

    Signals
    -------
    tool_changed(ToolSettings or None)
        Another tool, region, size or limit; ``None`` where the crosshair is to be moved.
    undo_requested(), redo_requested()
    smooth_requested(frozenset), specks_requested(frozenset)
        The labels out of sight, which stay as they are.
    fill_requested(ToolSettings)
        The label to fill between the slices it was drawn in, and what it may be filled over.
    grow_requested(ToolSettings)
        What may be grown over from strokes.
    margin_requested(ToolSettings)
        The label whose border is to be moved, and what it may grow over.
    limits_toggled(bool)
        The sliders of the network's certainty are to be taken out, or put away.
    before_toggled(bool)
        The labels as they were before correcting are to be outlined, or not.
    """

    tool_changed = Signal(object)
    undo_requested = Signal()
    redo_requested = Signal()
    smooth_requested = Signal(object)
    specks_requested = Signal(object)
    fill_requested = Signal(object)
    grow_requested = Signal(object)
    margin_requested = Signal(object)
    limits_toggled = Signal(bool)
    before_toggled = Signal(bool)

    def __init__(self, icons: Icons, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("correction_bar")
        self._icons = icons
        self._with_icon: list[tuple[QToolButton, str]] = []
        self._tools = QButtonGroup(self)
        self._values = QButtonGroup(self)
        self._size = QSlider(Qt.Orientation.Horizontal)
        self._size_text = styled_label("", "muted")
        self._ball = QCheckBox("3D")
        self._over = ChoiceBox()
        self._hidden: frozenset[int] = frozenset()
        self._is_core_whole = False
        self._undo = self._button("undo", "Undo")
        self._redo = self._button("redo", "Redo")
        self._more = QToolButton()
        self.set_spacing(4)
        self._add_tools(self.first)
        self.first.addSpacing(6)
        self._add_values(self.first)
        # Parts both where they stand beside each other
        self.first.addSpacing(6)
        self.first.addStretch(1)
        self._add_settings(self.second)
        self.second.addStretch(1)
        self._add_actions(self.second)
        self.refresh_icons()

    def settings(self, *, erases: bool = False) -> ToolSettings | None:
        """Return the tool in hand, ``None`` for the crosshair.

        Parameters
        ----------
        erases
            As with Ctrl held: whatever region is chosen, it is erased; anywhere, unless drawing is
            held to one region.
        """
        tool = _TOOLS[self._tools.checkedId()].tool
        value = _ERASER if erases else self._values.checkedId()
        return None if tool is None else self._settings(value, tool)

    def _settings(self, value: int, tool: Tool = Tool.BRUSH) -> ToolSettings:
        chosen = self._over.currentData()
        only_over = chosen if isinstance(chosen, int) else None
        is_free = value == _ERASER or only_over is not None
        return ToolSettings(
            tool,
            value,
            self._size.value() / 2,
            self._ball.isChecked(),
            PaintOver.EVERYTHING if is_free else PaintOver(chosen),
            only_over,
            self._hidden,
        )

    @property
    def tools(self) -> list[QAbstractButton]:
        """The buttons that put a tool into the hand."""
        return self._tools.buttons()

    @property
    def hidden(self) -> frozenset[int]:
        """The labels out of sight, which stay as they are."""
        return self._hidden

    def set_region_visible(self, value: int, visible: bool) -> None:
        """Leave a label alone while it is out of sight."""
        self._hidden = self._hidden - {value} if visible else self._hidden | {value}

    def show_state(self, state: CorrectionState) -> None:
        """Say what can be undone and redone, and along which slices regions are filled."""
        plane = f"{state.drawn_plane} " if state.drawn_plane else ""
        self._fill.setText(f"&Fill between {plane}slices")
        for button, verb, title in (
            (self._undo, "Undo", state.undo_title),
            (self._redo, "Redo", state.redo_title),
        ):
            button.setEnabled(bool(title))
            button.setToolTip(f"{verb} “{title}”" if title else f"Nothing to {verb.lower()}")
        if state.is_core_whole is not self._is_core_whole:
            self._take_core(is_whole=state.is_core_whole)

    def _take_core(self, *, is_whole: bool) -> None:
        """Begin with enhancing tumour, or with the core where nothing tells its parts apart."""
        self._is_core_whole = is_whole
        by_region = {one.region: self._values.button(one.value) for one in DEFAULT_LABELS}
        by_region[Region.ET].setToolTip(_DIVIDING_TIP if is_whole else _ENHANCING_TIP)
        by_region[Region.NCR if is_whole else Region.ET].setChecked(True)

    @property
    def brush(self) -> tuple[int, bool]:
        """Diameter of the brush in millimetres, and whether it is a ball."""
        return self._size.value(), self._ball.isChecked()

    def set_brush(self, diameter_mm: int, *, is_ball: bool) -> None:
        """Take a brush of this size, as far as there is one."""
        self._size.setValue(diameter_mm)
        self._ball.setChecked(is_ball)

    def resize_brush(self, steps: int) -> None:
        """Make the brush larger or smaller: a millimetre a step, more where it is large."""
        step_mm = max(1, self._size.value() // 8)
        self._size.setValue(self._size.value() + steps * step_mm)

    def refresh_icons(self) -> None:
        """Draw the icons anew after a change of theme."""
        for button, name in self._with_icon:
            button.setIcon(self._icons.get(name, accent_when_checked=True))

    def _button(self, icon: str, text: str, key: str = "") -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setAccessibleName(text)
        if key:
            press_by(button, key)
        self._with_icon.append((button, icon))
        return button

    def _add_tools(self, layout: QHBoxLayout) -> None:
        for number, one in enumerate(_TOOLS):
            button = self._button(one.icon, one.text, one.key)
            button.setToolTip(f"{one.text} ({one.key})\n{one.tip}")
            button.setCheckable(True)
            self._tools.addButton(button, number)
            layout.addWidget(button)
        self._tools.button(1).setChecked(True)
        self._tools.idToggled.connect(lambda _, on: self._tell() if on else None)

    def _add_values(self, layout: QHBoxLayout) -> None:
        by_region = {one.region: one for one in DEFAULT_LABELS}
        for key, region in enumerate(_REGIONS, start=5):
            label = by_region[region]
            button = QToolButton()
            button.setProperty("kind", "region")
            button.setText(beside_icon(region.value))
            button.setIcon(colour_chip(label.rgb))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            self._add_value(layout, button, label.value, f"Draw {label.name.lower()}", key)
        eraser = self._button("erase", "Erase")
        self._add_value(layout, eraser, _ERASER, "Erase", 5 + len(_REGIONS))
        self._values.button(by_region[_REGIONS[0]].value).setChecked(True)
        self._values.idToggled.connect(lambda _, on: self._tell() if on else None)

    def _add_value(
        self, layout: QHBoxLayout, button: QToolButton, value: int, text: str, key: int
    ) -> None:
        button.setCheckable(True)
        press_by(button, str(key))
        button.setToolTip(f"{text} (key {key})")
        button.setAccessibleName(text)
        self._values.addButton(button, value)
        layout.addWidget(button)

    def _add_settings(self, layout: QHBoxLayout) -> None:
        self._size.setRange(_SMALLEST_MM, _LARGEST_MM)
        self._size.setFixedWidth(70)
        self._size.setAccessibleName("Diameter of the brush in millimetres")
        self._size.setToolTip("Diameter of the brush ([ and ], Shift + wheel)")
        for key, steps in (("[", -1), ("]", 1)):
            QShortcut(QKeySequence(key), self, partial(self.resize_brush, steps))
        self._size_text.setMinimumWidth(self._size_text.fontMetrics().horizontalAdvance("60 mm"))
        press_by(self._ball, "T")
        self._ball.setToolTip("The brush is a ball: it paints neighbouring slices too (T)")
        self._ball.toggled.connect(self._tell)
        for over, text, tip in _OVER:
            self._over.addItem(text, over.value)
            self._over.setItemData(self._over.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        for region in _REGIONS:
            value, name = next(
                (one.value, one.name.lower()) for one in DEFAULT_LABELS if one.region is region
            )
            self._over.addItem(f"Over {region} only", value)
            tip = f"Changes only {name}; erasing too"
            self._over.setItemData(self._over.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        # The row has to fit beside the left column on a screen 1280 wide
        policy = ChoiceBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self._over.setSizeAdjustPolicy(policy)
        self._over.setMinimumContentsLength(10)
        self._over.setToolTip(
            "Which voxels drawing may change (N: the next choice); erasing any, or those of the "
            "one region chosen. Regions that are hidden never change"
        )
        self._over.setAccessibleName("Voxels that may change")
        self._over.currentIndexChanged.connect(self._tell)
        self._size.valueChanged.connect(self._show_size)
        self._size.setValue(_FIRST_MM)
        QShortcut(QKeySequence("N"), self, self._choose_next_over)
        for setting in (self._size, self._ball, self._over):
            # A click on them leaves the keys to the slice
            setting.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for widget in (self._size, self._size_text, self._ball, self._over):
            layout.addWidget(widget)

    def _choose_next_over(self) -> None:
        self._over.setCurrentIndex((self._over.currentIndex() + 1) % self._over.count())

    def _add_actions(self, layout: QHBoxLayout) -> None:
        self._undo.clicked.connect(self.undo_requested)
        self._redo.clicked.connect(self.redo_requested)
        menu = QMenu(self._more)
        menu.setToolTipsVisible(True)
        for text, tip, call in (
            (
                "&Fill between slices",
                "The chosen region between the slices it was drawn in, along the plane drawn in "
                "last, over what the box beside says",
                lambda: self.fill_requested.emit(self._settings(self._values.checkedId())),
            ),
            (
                "&Grow from strokes",
                "A lesion is completed from a few strokes in each of its regions, over what the "
                "box beside says; what is erased stays out",
                # Erasing or not, the box says what may be grown over
                lambda: self.grow_requested.emit(self._settings(DEFAULT_LABELS[0].value)),
            ),
            (
                "&Margin …",
                "The chosen region, or its part at the crosshair, wider or narrower by millimetres",
                lambda: self.margin_requested.emit(self._settings(self._values.checkedId())),
            ),
            (
                "&Smooth borders",
                "Ragged borders of all regions in sight; strands thinner than 2 mm inside one "
                "other region may go",
                lambda: self.smooth_requested.emit(self._hidden),
            ),
            (
                "&Remove small parts below 0.1 cm³",
                "Connected parts of the tumour, but for the largest; parts with a hidden region "
                "stay",
                lambda: self.specks_requested.emit(self._hidden),
            ),
        ):
            action = menu.addAction(text)
            action.setToolTip(tip)
            action.triggered.connect(call)
        self._fill, _, self._margin, *_ = menu.actions()
        menu.addSeparator()
        self.limits = menu.addAction("&Draw by the network's certainty")
        self.limits.setToolTip("Sliders draw a region wider or tighter by what the network gave")
        self.limits.setCheckable(True)
        self.limits.toggled.connect(self.limits_toggled)
        before = menu.addAction("&Outline as before correcting")
        before.setToolTip("A dashed line around each region as the network, or the file, had it")
        before.setCheckable(True)
        before.toggled.connect(self.before_toggled)
        menu.aboutToShow.connect(self._offer_commands)
        self._more.setText("More …")
        self._more.setMenu(menu)
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        for widget in (self._undo, self._redo, self._more):
            layout.addWidget(widget)

    def _offer_commands(self) -> None:
        has_region = self._values.checkedId() != _ERASER
        self._fill.setEnabled(has_region)
        self._margin.setEnabled(has_region)

    def _show_size(self, diameter_mm: int) -> None:
        self._size_text.setText(f"{diameter_mm} mm")
        self._tell()

    def _tell(self) -> None:
        self.tool_changed.emit(self.settings())
