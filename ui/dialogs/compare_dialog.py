"""Two images of a study over each other, to see whether they lie where they should."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from desktop_app.domain.study import Sequence
from ui.viewers.compare_view import COMPARE_HELP, CompareMode, CompareStyle, CompareView
from ui.viewers.planes import Plane
from ui.viewers.reslice import ResliceSource
from ui.viewers.window_level import Window, auto_window
from ui.views.study_view import Comparison
from ui.widgets.card import styled_label
from ui.widgets.choice_box import ChoiceBox
from ui.widgets.dialog_size import give_size

# The pairs whose misalignment is seen best, the next in line where one is missing.
_SECOND_FIRST = (Sequence.FLAIR, Sequence.T2, Sequence.T1, Sequence.T1C)
# A change to the other image and back is one flash; three a second are the most that WCAG 2.2
# (2.3.1) holds safe, and a slower blink shows as well what moves.
_BLINKS_PER_SECOND = (0.5, 3.0)
_TICKS = 100
_RANGES = {
    CompareMode.CHECKERBOARD: (5.0, 80.0, "Squares of {:.0f} mm"),
    CompareMode.BLEND: (0.0, 100.0, "Second image {:.0f} %"),
    CompareMode.BLINK: (*_BLINKS_PER_SECOND, "{:.1f} changes a second"),
}
_STARTS = {CompareMode.CHECKERBOARD: 25.0, CompareMode.BLEND: 50.0, CompareMode.BLINK: 1.5}
_KEYS = {CompareMode.CHECKERBOARD: "C", CompareMode.BLEND: "B", CompareMode.BLINK: "L"}


class CompareDialog(QDialog):
    """Shows two images in three linked planes; blinking never starts by itself.

    Parameters
    ----------
    cursor_lps_mm
        (3,) patient coordinates to begin at; the middle if not given.
    windows
        Grey values to begin with; by the intensities where not given.
    """

    def __init__(
        self,
        comparison: Comparison,
        parent: QWidget | None = None,
        *,
        cursor_lps_mm: NDArray[np.float64] | None = None,
        windows: Mapping[Sequence, Window] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare images")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        give_size(self, 1100, 780)
        self._comparison = comparison
        self._windows = dict(windows or {})
        shape = np.array(comparison.reference.shape_kji)
        middle_lps_mm = comparison.reference.to_patient_mm((shape - 1) / 2)
        self._cursor_lps = middle_lps_mm if cursor_lps_mm is None else cursor_lps_mm
        self._style = CompareStyle()
        self._amounts = dict(_STARTS)
        self._sources: dict[Sequence, tuple[ResliceSource, Window]] = {}
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._turn)
        self.views = {plane: CompareView(plane, self) for plane in Plane}
        self._first, self._second = self._make_choices()
        self.modes = self._make_modes()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _TICKS)
        self.slider.setFixedWidth(170)
        self.slider.valueChanged.connect(self._slide)
        self._amount = styled_label("", "muted")
        self._amount.setMinimumWidth(150)
        self.play = QPushButton("Start blinking")
        self.play.setCheckable(True)
        self.play.setToolTip("Turn to and fro between the images (P)")
        self.play.toggled.connect(self._run)
        self._message = styled_label("", wrap=True)
        self._lay_out()
        self._connect()
        self._choose()
        self.set_mode(CompareMode.CHECKERBOARD)
        self.views[Plane.AXIAL].setFocus()

    @property
    def style_now(self) -> CompareStyle:
        """How the images share the slices now."""
        return self._style

    @property
    def cursor_lps_mm(self) -> NDArray[np.float64]:
        """(3,) patient coordinates of the crosshair."""
        return self._cursor_lps

    def set_mode(self, mode: CompareMode) -> None:
        """Show the images as checkerboard, blended or in turn."""
        self.modes[mode].setChecked(True)
        self.play.setChecked(False)
        self.play.setVisible(mode is CompareMode.BLINK)
        self._set_style(replace(self._style, mode=mode, shows_second=False))
        low, high, _ = _RANGES[mode]
        self.slider.blockSignals(True)
        self.slider.setValue(round((self._amounts[mode] - low) / (high - low) * _TICKS))
        self.slider.blockSignals(False)
        self._slide(self.slider.value())

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop blinking where nobody looks."""
        self.play.setChecked(False)
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape shows all views again where one is alone, else it closes."""
        alone = [view for view in self.views.values() if not view.isHidden()]
        if event.key() == Qt.Key.Key_Escape and len(alone) == 1:
            self._toggle_alone(alone[0])
        else:
            super().keyPressEvent(event)

    def _make_choices(self) -> tuple[ChoiceBox, ChoiceBox]:
        available = [one for one in Sequence if one in self._comparison.volumes]
        boxes = ChoiceBox(), ChoiceBox()
        for box, name in zip(boxes, ("First image", "Second image"), strict=True):
            box.setAccessibleName(name)
            box.setMinimumContentsLength(6)
            for sequence in available:
                box.addItem(sequence.value, sequence)
            box.activated.connect(self._choose)
        first = Sequence.T1C if Sequence.T1C in available else available[0]
        second = next(one for one in _SECOND_FIRST if one in available and one is not first)
        for box, sequence in zip(boxes, (first, second), strict=True):
            box.setCurrentIndex(available.index(sequence))
        return boxes

    def _make_modes(self) -> dict[CompareMode, QPushButton]:
        group = QButtonGroup(self)
        buttons = {}
        for mode in CompareMode:
            button = QPushButton(mode.value)
            button.setCheckable(True)
            button.setToolTip(f"{mode.value} ({_KEYS[mode]})")
            button.clicked.connect(lambda _, one=mode: self.set_mode(one))
            group.addButton(button)
            buttons[mode] = button
        return buttons

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        for widget in (self._first, styled_label("and"), self._second):
            bar.addWidget(widget)
        bar.addSpacing(16)
        for button in self.modes.values():
            bar.addWidget(button)
        bar.addSpacing(16)
        bar.addWidget(self.slider)
        bar.addWidget(self._amount)
        bar.addWidget(self.play)
        bar.addStretch(1)
        grid = QGridLayout()
        grid.setSpacing(2)
        grid.addWidget(self.views[Plane.AXIAL], 0, 0, 2, 1)
        grid.addWidget(self.views[Plane.CORONAL], 0, 1)
        grid.addWidget(self.views[Plane.SAGITTAL], 1, 1)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        layout = QVBoxLayout(self)
        layout.addLayout(bar)
        layout.addLayout(grid, 1)
        layout.addWidget(self._message)
        keys = styled_label(" · ".join(COMPARE_HELP.splitlines()), "muted", wrap=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        # Return is no answer to anything here
        for button in (*self.modes.values(), self.play, *buttons.findChildren(QPushButton)):
            button.setAutoDefault(False)
        below = QHBoxLayout()
        below.addWidget(keys, 1)
        below.addWidget(buttons, 0, Qt.AlignmentFlag.AlignBottom)
        layout.addLayout(below)

    def _connect(self) -> None:
        for view in self.views.values():
            view.set_reference(self._comparison.reference)
            view.cursor_picked.connect(self._move_cursor)
            view.window_dragged.connect(lambda *_, one=view: self._share_windows(one))
            view.maximise_requested.connect(lambda one=view: self._toggle_alone(one))
            view.overlay_hidden.connect(self._peek)
            view.crosshair_toggled.connect(self._toggle_crosshair)
        self._has_crosshair = True
        self._move_cursor(self._cursor_lps)
        for mode, key in _KEYS.items():
            QShortcut(QKeySequence(key), self, lambda one=mode: self.set_mode(one))
        QShortcut(QKeySequence("P"), self, self._toggle_play)
        QShortcut(QKeySequence("T"), self, self._turn)
        for key, ticks in (("[", -5), ("]", 5)):
            QShortcut(
                QKeySequence(key),
                self,
                lambda by=ticks: self.slider.setValue(self.slider.value() + by),
            )

    def _choose(self) -> None:
        pair = Sequence(self._first.currentData()), Sequence(self._second.currentData())
        (first, first_window), (second, second_window) = (self._source(one) for one in pair)
        names = pair[0].value, pair[1].value
        for view in self.views.values():
            view.set_pair(first, second, names)
            view.set_windows(first_window, second_window)
        told = [
            f"{one}: {self._comparison.messages[one]}"
            for one in dict.fromkeys(pair)
            if one in self._comparison.messages
        ]
        self._message.setText(" ".join((self._comparison.note, *told)))

    def _source(self, sequence: Sequence) -> tuple[ResliceSource, Window]:
        if sequence not in self._sources:
            volume = self._comparison.volumes[sequence]
            source = ResliceSource(volume.array_kji, volume.geometry, is_labels=False)
            window = self._windows.get(sequence) or Window(*auto_window(volume.array_kji))
            self._sources[sequence] = source, window
        return self._sources[sequence]

    def _slide(self, tick: int) -> None:
        mode = self._style.mode
        low, high, text = _RANGES[mode]
        amount = self._amounts[mode] = low + (high - low) * tick / _TICKS
        self._amount.setText(text.format(amount))
        self.slider.setAccessibleName(self._amount.text())
        self._timer.setInterval(round(1000 / max(self._amounts[CompareMode.BLINK], 0.1)))
        if mode is CompareMode.CHECKERBOARD:
            self._set_style(replace(self._style, square_mm=amount))
        elif mode is CompareMode.BLEND:
            self._set_style(replace(self._style, share=amount / 100))

    def _set_style(self, compare: CompareStyle) -> None:
        self._style = compare
        for view in self.views.values():
            view.set_compare_style(compare)

    def _turn(self) -> None:
        if self._style.mode is CompareMode.BLINK:
            self._set_style(replace(self._style, shows_second=not self._style.shows_second))

    def _toggle_play(self) -> None:
        if self._style.mode is CompareMode.BLINK:
            self.play.toggle()

    def _run(self, running: bool) -> None:
        self.play.setText("Pause" if running else "Start blinking")
        if running:
            self._timer.start()
        else:
            self._timer.stop()

    def _move_cursor(self, point_lps_mm: NDArray[np.float64]) -> None:
        self._cursor_lps = point_lps_mm
        for view in self.views.values():
            view.set_cursor(point_lps_mm)

    def _share_windows(self, dragged: CompareView) -> None:
        for box, window in zip((self._first, self._second), dragged.windows, strict=True):
            sequence = Sequence(box.currentData())
            self._sources[sequence] = self._sources[sequence][0], window
        for view in self.views.values():
            view.set_windows(*dragged.windows)

    def _toggle_alone(self, chosen: CompareView) -> None:
        alone = any(view.isHidden() for view in self.views.values())
        for view in self.views.values():
            view.setVisible(alone or view is chosen)
            view.set_maximised(not alone and view is chosen)
        chosen.setFocus()

    def _toggle_crosshair(self) -> None:
        self._has_crosshair = not self._has_crosshair
        for view in self.views.values():
            view.set_crosshair_visible(self._has_crosshair)

    def _peek(self, peeking: bool) -> None:
        for view in self.views.values():
            view.set_overlay_peeking(peeking)
