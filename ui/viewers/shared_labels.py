"""The labels that all slices show alike: which, in what style, and whether they are seen."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import DEFAULT_LABELS, LabelDefinition
from ui.viewers import style
from ui.viewers.landmarks import point_of_interest
from ui.viewers.overlay import OverlayStyle
from ui.viewers.reslice import ResliceSource
from ui.viewers.slice_view import SliceView


class SharedLabels:
    """Lays the same labels over all slices.

    Parameters
    ----------
    views
        The slices, those out of sight as well.
    """

    def __init__(self, views: tuple[SliceView, ...]) -> None:
        self._views = views
        self._source: ResliceSource | None = None
        self._before: ResliceSource | None = None
        self._has_before = False
        self._is_visible = True
        self._style = OverlayStyle(DEFAULT_LABELS)

    @property
    def source(self) -> ResliceSource | None:
        """The labels shown; ``None`` where there are none."""
        return self._source

    @property
    def style(self) -> OverlayStyle:
        """How they are painted."""
        return self._style

    def colour_of(self, value: int) -> QColor:
        """Return the colour of a label value; that of writing where no label has it."""
        rgb = {one.value: one.rgb for one in self._style.definitions}
        return QColor(*rgb[value]) if value in rgb else style.TEXT

    def show(
        self,
        labels_kji: NDArray[np.uint8] | None,
        geometry: Geometry | None,
        definitions: Collection[LabelDefinition],
    ) -> None:
        """Show labels on their grid; ``None`` takes them away."""
        self._source = _source_of(labels_kji, geometry)
        for view in self._views:
            view.set_labels(self._source)
        self.restyle(replace(self._style, definitions=tuple(definitions)))

    def refresh(self) -> None:
        """Draw them anew: they have changed in place."""
        if self._source is not None:
            self._source.changed()
            for view in self._views:
                view.refresh_labels()

    def offer_before(self, labels_kji: NDArray[np.uint8] | None, geometry: Geometry | None) -> None:
        """Have labels as they were before correcting ready to be outlined."""
        self._before = _source_of(labels_kji, geometry)
        self.set_before_visible(self._has_before)

    def set_before_visible(self, visible: bool) -> None:
        """Outline the labels as they were before correcting, or do not."""
        self._has_before = visible
        for view in self._views:
            view.set_labels_before(self._before if visible else None)

    def restyle(self, overlay_style: OverlayStyle) -> None:
        """Paint them in another style."""
        self._style = overlay_style
        for view in self._views:
            view.set_overlay_style(overlay_style)

    def set_visible(self, visible: bool) -> None:
        """Show or hide them."""
        self._is_visible = visible
        self.peek(False)

    def peek(self, peeking: bool) -> None:
        """Hide them as long as a key is held."""
        for view in self._views:
            view.set_overlay_peeking(peeking or not self._is_visible)

    def place_of(self, values: Collection[int]) -> NDArray[np.float64] | None:
        """Return where these labels are largest, (3,) patient coordinates, if there are any."""
        if self._source is None:
            return None
        return point_of_interest(self._source.array_kji, self._source.geometry, values)


def _source_of(
    labels_kji: NDArray[np.uint8] | None, geometry: Geometry | None
) -> ResliceSource | None:
    if labels_kji is None or geometry is None:
        return None
    return ResliceSource(labels_kji, geometry, is_labels=True)
