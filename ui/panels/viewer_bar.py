"""The bar above the slices: which sequence, window and layout."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from desktop_app.domain.study import Sequence
from ui.icons import Icons
from ui.views.correction_view import CorrectionState


class ViewerBar(QWidget):
    """Buttons for the sequences and for the views.

    Signals
    -------
    sequence_chosen(Sequence)
    window_reset_requested(), views_reset_requested()
    overlay_toggled(bool), crosshair_toggled(bool)
        Whether it is to be seen.
    correction_toggled(bool)
        The tools that correct labels are to be taken out, or put away.
    """

    sequence_chosen = Signal(object)
    window_reset_requested = Signal()
    views_reset_requested = Signal()
    overlay_toggled = Signal(bool)
    crosshair_toggled = Signal(bool)
    correction_toggled = Signal(bool)

    def __init__(self, icons: Icons, parent: QWidget | None = None) -> None:
        super().__init__(parent)
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
            button.setShortcut(str(index + 1))
            button.clicked.connect(lambda _, one=sequence: self.sequence_chosen.emit(one))
            self._group.addButton(button)
            self._buttons[sequence] = button
            layout.addWidget(button)
        layout.addStretch(1)
        self._tools: list[tuple[QToolButton, str]] = []
        self._correct = self._add_tool("brush", "Correct", "Correct the labels by hand", "E")
        self._correct.setCheckable(True)
        self._correct.clicked.connect(self.correction_toggled)
        self.ruler = self._add_tool("ruler", "Ruler", "Measure in millimetres", "D")
        self.ruler.setCheckable(True)
        self.overlay = self._add_tool("outline", "Overlay", "Show or hide the regions", "O")
        crosshair = self._add_tool("crosshair", "Crosshair", "Show or hide the crosshair", "X")
        contrast = self._add_tool("contrast", "Contrast", "Choose window and level anew", "C")
        reset = self._add_tool("reset", "Reset", "Show all views whole again", "Ctrl+0")
        for tool, toggled in (
            (self.overlay, self.overlay_toggled),
            (crosshair, self.crosshair_toggled),
        ):
            tool.setProperty("kind", "toggle")
            tool.setCheckable(True)
            tool.setChecked(True)
            tool.toggled.connect(toggled)
        contrast.clicked.connect(self.window_reset_requested)
        reset.clicked.connect(self.views_reset_requested)
        self.refresh_icons()
        self.show_sequences((), None)

    def _add_tool(self, icon: str, text: str, effect: str, key: str) -> QToolButton:
        tool = QToolButton()
        tool.setText(text)
        tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        tool.setToolTip(f"{effect} ({key.replace('+', ' + ')})")
        tool.setAccessibleName(effect)
        tool.setShortcut(key)
        self._tools.append((tool, icon))
        self._row.addWidget(tool)
        return tool

    def show_correction(self, state: CorrectionState) -> None:
        """Say whether labels can be corrected, and whether they are."""
        self._correct.setEnabled(state.is_possible)
        self._correct.setChecked(state.is_active)

    def refresh_icons(self) -> None:
        """Draw the icons anew after a change of theme."""
        for tool, name in self._tools:
            on_accent = tool in (self._correct, self.ruler)
            tool.setIcon(self._icons.get(name, accent_when_checked=on_accent))

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
