"""The bar above the slices: which sequence, window and layout."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton

from desktop_app.domain.study import Sequence
from ui.icons import Icons, beside_icon
from ui.panels.other_series_button import OtherSeriesButton
from ui.panels.sequences_bar import SequencesBar
from ui.views.correction_view import CorrectionState
from ui.views.study_view import SeriesChoice
from ui.widgets.card import set_property
from ui.widgets.choice_buttons import press_by, with_key
from ui.widgets.fitting_bar import FittingBar


class ViewerBar(FittingBar):
    """Buttons for the sequences and for the views.

    Signals
    -------
    sequence_chosen(Sequence)
    series_chosen(str)
        UID of a series that serves as no sequence.
    window_reset_requested(), views_reset_requested()
    overlay_toggled(bool), crosshair_toggled(bool)
        Whether it is to be seen.
    sequences_toggled(bool)
        The sequences are to stand beside each other, or three planes of one of them.
    correction_toggled(bool)
        The tools that correct labels are to be taken out, or put away.
    """

    sequence_chosen = Signal(object)
    series_chosen = Signal(str)
    window_reset_requested = Signal()
    views_reset_requested = Signal()
    overlay_toggled = Signal(bool)
    crosshair_toggled = Signal(bool)
    sequences_toggled = Signal(bool)
    correction_toggled = Signal(bool)

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        self.setObjectName("viewer_bar")
        self._icons = icons
        layout = self._row = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._group = QButtonGroup(self)
        self._buttons: dict[Sequence, QToolButton] = {}
        for index, sequence in enumerate(Sequence):
            button = QToolButton()
            button.setText(sequence.value)
            button.setCheckable(True)
            button.setToolTip(f"Show {sequence.value} (key {index + 1})")
            press_by(button, str(index + 1))
            button.clicked.connect(lambda _, one=sequence: self.sequence_chosen.emit(one))
            self._group.addButton(button)
            self._buttons[sequence] = button
            layout.addWidget(button)
        self.others = OtherSeriesButton()
        self.others.series_chosen.connect(self.series_chosen)
        layout.addWidget(self.others)
        layout.addStretch(1)
        self.sequences_bar = SequencesBar()
        # Takes what room there is, where it is shown.
        layout.addWidget(self.sequences_bar, 100)
        self._tools: list[tuple[QToolButton, str]] = []
        self._correct = self._add_tool("correct", "Correct", "Correct the labels by hand", "E")
        self._correct.setCheckable(True)
        self._correct.clicked.connect(self.correction_toggled)
        self.four = self._add_tool("sequences", "Sequences", "All sequences in one plane", "S")
        self.four.setCheckable(True)
        self.four.toggled.connect(self._show_four)
        self.ruler = self._add_tool("ruler", "Ruler", "Measure in millimetres", "D")
        self.ruler.setCheckable(True)
        self.overlay = self._add_tool("overlay", "Overlay", "Show or hide the regions", "O")
        self.crosshair = self._add_tool("crosshair", "Crosshair", "Show or hide the crosshair", "X")
        contrast = self._add_tool("contrast", "Contrast", "Choose window and level anew", "C")
        reset = self._add_tool("reset", "Reset", "Show all views whole again", "Ctrl+0")
        for tool, toggled in (
            (self.overlay, self.overlay_toggled),
            (self.crosshair, self.crosshair_toggled),
        ):
            tool.setProperty("kind", "toggle")
            tool.setCheckable(True)
            tool.setChecked(True)
            tool.toggled.connect(toggled)
        self._with_obvious_icons = (self.overlay, self.crosshair, contrast, reset)
        contrast.clicked.connect(self.window_reset_requested)
        reset.clicked.connect(self.views_reset_requested)
        self.refresh_icons()
        # With names the window would open too wide for a small screen.
        self.take_shape(self.last_shape)
        self.show_sequences((), None)
        self.show_has_image(False)

    def _add_tool(self, icon: str, text: str, effect: str, key: str) -> QToolButton:
        tool = QToolButton()
        tool.setText(beside_icon(text))
        tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        with_key(tool, effect, key)
        self._tools.append((tool, icon))
        self._row.addWidget(tool)
        return tool

    def show_correction(self, state: CorrectionState) -> None:
        """Say whether labels can be corrected, and whether they are."""
        self._correct.setEnabled(state.is_possible)
        self._correct.setChecked(state.is_active)

    def show_has_image(self, has_image: bool) -> None:
        """Offer what only an image can be asked for, or leave it grey."""
        for tool in (self.four, self.ruler, *self._with_obvious_icons):
            tool.setEnabled(has_image)

    def refresh_icons(self) -> None:
        """Draw the icons anew after a change of theme."""
        for tool, name in self._tools:
            on_accent = tool in (self._correct, self.four, self.ruler)
            tool.setIcon(self._icons.get(name, accent_when_checked=on_accent))

    @property
    def last_shape(self) -> int:
        """All names, those of icons that are not obvious, none."""
        return 2

    def take_shape(self, shape: int) -> None:
        """Leave names out where there is no room for them."""
        self._row.setSpacing(3 if shape == self.last_shape else 6)
        for tool, _ in self._tools:
            has_name = shape == 0 or (shape == 1 and tool not in self._with_obvious_icons)
            set_property(tool, "named", has_name)
            tool.setToolButtonStyle(
                Qt.ToolButtonStyle.ToolButtonTextBesideIcon
                if has_name
                else Qt.ToolButtonStyle.ToolButtonIconOnly
            )

    def _show_choice(self, is_shown: bool) -> None:
        for widget in (*self._buttons.values(), self.others):
            widget.setVisible(is_shown)

    def _show_four(self, is_four: bool) -> None:
        # What goes goes first: both at once would widen the window
        if is_four:
            self._show_choice(False)
        self.sequences_bar.set_in_use(is_four)
        if not is_four:
            self._show_choice(True)
        self.refit()
        self.sequences_toggled.emit(is_four)

    def show_other_series(self, choices: Many[SeriesChoice], current: str) -> None:
        """Offer series that serve as no sequence, one of which may be shown."""
        self.others.show_choices(choices, current)

    @property
    def sequence(self) -> Sequence | None:
        """The sequence that is marked; ``None`` where another image is shown."""
        marked = (one for one, button in self._buttons.items() if button.isChecked())
        return next(marked, None)

    def show_sequences(self, available: Many[Sequence], current: Sequence | None) -> None:
        """Offer the available sequences and mark the current one."""
        self._group.setExclusive(False)
        for sequence, button in self._buttons.items():
            button.setEnabled(sequence in available)
            button.setChecked(sequence is current)
        self._group.setExclusive(True)
