"""One zoom for the three planes, and all slices brought to the crosshair."""

from collections.abc import Sequence

from PySide6.QtCore import QObject

from ui.viewers.slice_view import SliceView


class LinkedZoom(QObject):
    """Gives all planes the scale of the one that the user zooms.

    Parameters
    ----------
    planes
        Views of one image.
    others
        Slices that have a zoom of their own; they too are brought to the crosshair.
    """

    def __init__(
        self, planes: Sequence[SliceView], others: Sequence[SliceView], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._planes = tuple(planes)
        self._all = (*planes, *others)
        self._is_on = True
        for view in self._planes:
            view.zoomed.connect(lambda one=view: self._lead(one))

    def set_active(self, active: bool) -> None:
        """Zoom the planes together from now on, or one by one."""
        self._is_on = active

    def centre(self) -> None:
        """Show the crosshair in the middle of every slice in sight."""
        for view in self._all:
            if view.isVisible():
                view.centre_on_cursor()

    def _lead(self, leading: SliceView) -> None:
        if self._is_on:
            for view in self._planes:
                if view is not leading:
                    view.zoom_as(leading)
