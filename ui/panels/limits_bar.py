"""One slider a region: how sure the network has to be of what is drawn."""

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from desktop_app.domain.segmentation import REGION_TITLES, Region
from ui.widgets.card import styled_label
from ui.widgets.fitting_bar import FittingBar
from ui.widgets.short_label import ShortLabel

_REGIONS = (Region.WT, Region.TC, Region.ET)  # from the outermost inwards
_LEAST_PERCENT, _MOST_PERCENT = 2, 98
_FRAME_MS = 30
# After a key or a click beside the handle; further ones until then are the same step back.
_SETTLED_MS = 600
_HOW = (
    "{title}: to the right wider, to the left only what the network is sure of. What was drawn by "
    "hand stays, and so do hidden regions"
)
_NOTHING_KNOWN = "{title}: without T1c the network knows nothing of it. It can be drawn by hand."
_UNKNOWN = "Only labels that the network drew since the study was opened can be drawn anew."


class LimitsBar(FittingBar):
    """Draws regions wider or tighter by what the network gave each voxel.

    Signals
    -------
    limit_moved(Region, float)
        A region is to be drawn where its chance exceeds this, 0 to 1; more of them may follow.
    limit_settled()
        The last of them counts.
    """

    limit_moved = Signal(object, float)
    limit_settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("limits_bar")
        self.sliders: dict[Region, QSlider] = {}
        self._texts = {region: styled_label("", "muted") for region in _REGIONS}
        self._moved: Region | None = None
        self._frame = self._timer(_FRAME_MS, self._tell)
        self._settling = self._timer(_SETTLED_MS, self.settle)
        self._note = styled_label(_UNKNOWN, "muted")
        # What the ends of the sliders but the first say, which says it for all.
        self._ends: list[QLabel] = []
        self._row = QWidget()
        row = self._inner = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        # Gives way on a small screen: the ends of the sliders are needed more
        title = ShortLabel("muted")
        title.setText("Network surer than")
        row.addWidget(title)
        for region in _REGIONS:
            self._add(row, region)
        row.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._row, 1)
        layout.addWidget(self._note, 1)
        self.show_limits(None)

    def show_limits(self, limits: Mapping[Region, float] | None) -> None:
        """Put every slider where its region is drawn from; ``None`` where that is not known.

        A region that is not named cannot be drawn from anything.
        """
        # Never both at once: together they are wider than a small screen.
        first, second = (self._row, self._note) if limits is None else (self._note, self._row)
        first.hide()
        second.show()
        for region, slider in self.sliders.items():
            self._enable(region, is_known=limits is None or region in limits)
            if limits is None or region not in limits:
                continue
            if not slider.isSliderDown() and region is not self._moved:
                with QSignalBlocker(slider):
                    slider.setValue(100 - round(100 * limits[region]))
                self._show_percent(region)
        self.refit()

    @property
    def last_shape(self) -> int:
        """What the ends mean beside every slider, beside the first only."""
        return 1

    def take_shape(self, shape: int) -> None:
        """Leave out what the first slider says for all."""
        for end in self._ends:
            end.setVisible(shape == 0)
        self._inner.activate()

    def _enable(self, region: Region, *, is_known: bool) -> None:
        slider, title = self.sliders[region], REGION_TITLES[region]
        slider.setEnabled(is_known)
        slider.setToolTip((_HOW if is_known else _NOTHING_KNOWN).format(title=title))
        if not is_known:
            self._texts[region].setText("–")

    def settle(self) -> None:
        """Tell what has not been told yet: the last place of the slider counts."""
        if self._moved is not None:
            self._tell()
            self._moved = None
            self._settling.stop()
            self.limit_settled.emit()

    def _add(self, layout: QHBoxLayout, region: Region) -> None:
        slider = self.sliders[region] = QSlider(Qt.Orientation.Horizontal)
        title = REGION_TITLES[region]
        slider.setRange(100 - _MOST_PERCENT, 100 - _LEAST_PERCENT)
        slider.setPageStep(5)
        slider.setMinimumWidth(60)
        # A click on it leaves the keys to the slice
        slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        slider.setAccessibleName(f"{title}: how sure the network has to be; further right is wider")
        slider.setToolTip(_HOW.format(title=title))
        slider.valueChanged.connect(partial(self._move, region))
        slider.sliderReleased.connect(self.settle)
        text = self._texts[region]
        text.setMinimumWidth(text.fontMetrics().horizontalAdvance("98 %"))
        layout.addSpacing(8)
        left, right = (styled_label(end, "muted") for end in ("tighter", "wider"))
        if region is not _REGIONS[0]:
            self._ends += (left, right)
        for widget in (styled_label(region.value), left, slider, right, text):
            layout.addWidget(widget)

    def _timer(self, milliseconds: int, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(call)
        return timer

    def _move(self, region: Region, _value: int) -> None:
        if self._moved is not None and self._moved is not region:
            self.settle()
        self._moved = region
        self._show_percent(region)
        if not self._frame.isActive():
            self._frame.start()
        if self.sliders[region].isSliderDown():
            self._settling.stop()
        else:
            self._settling.start()

    def _tell(self) -> None:
        self._frame.stop()
        if self._moved is not None:
            self.limit_moved.emit(self._moved, self._percent(self._moved) / 100)

    def _show_percent(self, region: Region) -> None:
        self._texts[region].setText(f"{self._percent(region)} %")

    def _percent(self, region: Region) -> int:
        return 100 - self.sliders[region].value()
