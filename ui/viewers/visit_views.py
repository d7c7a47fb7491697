"""An earlier study and the current one beside each other: one plane, place, zoom and sequence."""

from collections.abc import Collection, Mapping
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop_app.domain.segmentation import DEFAULT_LABELS
from desktop_app.domain.study import Sequence
from ui.viewers.change_overlay import ChangeOverlay
from ui.viewers.landmarks import point_of_interest
from ui.viewers.overlay import Overlay, OverlayStyle
from ui.viewers.planes import Plane
from ui.viewers.reslice import ResliceSource
from ui.viewers.shown_images import ShownImage, ShownImages
from ui.viewers.visit_view import VisitView
from ui.viewers.window_level import Window
from ui.views.follow_up_view import ShownVisit, Visit

# As in `gestures`: one line per operation, "keys: effect".
FOLLOW_UP_HELP = (
    "1, 2, 3, 4: T1, T1c, T2, FLAIR of both\n"
    "V: the next plane\n"
    "F, L, M: regions filled, outlined, map of change\n"
    "N, B: where most is new, where most is gone\n"
    "O, X: overlay, crosshair on or off\n"
    "C, Ctrl + 0: contrast anew, both whole\n"
    "Ctrl + C, Ctrl + S: copy the numbers, save the report"
)


class VisitOverlay(Enum):
    """What lies over the images."""

    FILLED = "Regions"
    OUTLINED = "Outlines"
    CHANGE = "Change"


class VisitViews(QWidget):
    """Both studies beside each other; what is scrolled, zoomed or windowed in one is so in both.

    Where they could not be laid on each other, each is scrolled and zoomed for itself.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images = ShownImages()
        self._shown: Mapping[Visit, ShownVisit] = {}
        self._are_linked = True
        self._labels: dict[Visit, ResliceSource] = {}
        self._change: ResliceSource | None = None
        self._overlay = VisitOverlay.FILLED
        self._has_overlay = True
        self._has_crosshair = True
        self._sequence: Sequence | None = None
        self.views = {visit: VisitView(visit, self) for visit in Visit}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for visit, view in self.views.items():
            row.addWidget(view, 1)
            view.viewport_changed.connect(lambda one=view: self._share_viewport(one))
            view.cursor_picked.connect(lambda point, one=visit: self._pick(one, point))
            view.window_dragged.connect(
                lambda center, width, one=visit: self._drag(one, Window(center, width))
            )
            view.maximise_requested.connect(lambda one=visit: self.toggle_alone(one))
            view.overlay_hidden.connect(self._peek)
            view.crosshair_toggled.connect(self._toggle_crosshair)

    @property
    def sequence(self) -> Sequence | None:
        """The sequence shown of both."""
        return self._sequence

    @property
    def plane(self) -> Plane:
        """The plane shown of both."""
        return self.views[Visit.NOW].plane

    @property
    def alone(self) -> Visit | None:
        """The study that is seen alone."""
        shown = [visit for visit, view in self.views.items() if not view.isHidden()]
        return shown[0] if len(shown) == 1 else None

    @property
    def sequences(self) -> tuple[Sequence, ...]:
        """The sequences that either study has."""
        return tuple(
            one for one in Sequence if any(one in shown.images for shown in self._shown.values())
        )

    def show_visits(
        self,
        shown: Mapping[Visit, ShownVisit],
        *,
        are_linked: bool,
        windows: Mapping[Sequence, Window],
    ) -> None:
        """Show two studies, at first where the current tumour is largest.

        Parameters
        ----------
        are_linked
            Whether they lie on each other.
        windows
            Grey values that the user has for the current study.
        """
        self._shown, self._are_linked = shown, are_linked
        for visit, view in self.views.items():
            one = shown[visit]
            view.set_heading(one.heading)
            view.set_reference(one.grid)
            labels = one.labels
            self._labels[visit] = ResliceSource(labels.labels_kji, labels.geometry, is_labels=True)
        for sequence, window in windows.items():
            self._begin_with(sequence, window)
        for visit, one in shown.items():
            labels = one.labels
            values = [definition.value for definition in DEFAULT_LABELS]
            middle = one.grid.to_patient_mm((np.array(one.grid.shape_kji) - 1) / 2)
            place = point_of_interest(labels.labels_kji, labels.geometry, values)
            # Of linked ones the current study, which comes last, has the say
            self._pick(visit, middle if place is None else place)
        self._show_overlay()

    def begin_as(self, other: "VisitViews") -> None:
        """Take place, zoom, grey values and the view alone from other views, cut as these are.

        What lies on another grid, as another earlier study may, keeps its own.
        """
        for visit, shown in other._shown.items():
            for sequence, volume in shown.images.items():
                window = other._images.known_window(volume)
                if window is not None and self._shown[visit].images.get(sequence) is volume:
                    self._images.remember(self._images.ready(volume), window)
        if self._sequence is not None:
            self.show_sequence(self._sequence)
        for visit, view in self.views.items():
            if self._shown[visit].grid.matches(other._shown[visit].grid):
                view.show_as(other.views[visit])
        if other.alone is not None and self.alone is None:
            self.toggle_alone(other.alone)

    def show_sequence(self, sequence: Sequence) -> None:
        """Show another sequence of both, each with the window it last had."""
        self._sequence = sequence
        for visit, view in self.views.items():
            image = self._image(visit, sequence)
            view.show_image(sequence, image)
            if image is not None:
                view.set_window(self._images.window(image))

    def set_plane(self, plane: Plane) -> None:
        """Cut both along another plane, shown whole."""
        for view in self.views.values():
            view.set_plane(plane)

    def set_overlay(self, overlay: VisitOverlay) -> None:
        """Lay something else over the images."""
        self._overlay = overlay
        self._show_overlay()

    def set_change(self, change_kji: NDArray[np.uint8]) -> None:
        """Take the map of change of another region, on the grid of the current labels."""
        grid = self._shown[Visit.NOW].labels.geometry
        self._change = ResliceSource(change_kji, grid, is_labels=True)
        self._show_overlay()

    def set_overlay_visible(self, visible: bool) -> None:
        """Show or hide what lies over the images."""
        self._has_overlay = visible
        self._peek(False)

    def set_crosshair_visible(self, visible: bool) -> None:
        """Show or hide the crosshair."""
        self._has_crosshair = visible
        for view in self.views.values():
            view.set_crosshair_visible(visible)

    def go_to_change(self, values: Collection[int]) -> bool:
        """Go to where these values of the map of change are largest; whether there are any."""
        if self._change is None:
            return False
        point = point_of_interest(self._change.array_kji, self._change.geometry, values)
        if point is None:
            return False
        self._pick(Visit.NOW, point)
        return True

    def reset_windows(self) -> None:
        """Choose the grey values of both anew from their intensities."""
        for view in self.views.values():
            if view.image is not None:
                self._images.remember(view.image, view.image.auto_window)
                view.set_window(view.image.auto_window)

    def reset_views(self) -> None:
        """Show both, whole."""
        for view in self.views.values():
            view.setVisible(True)
            view.set_maximised(False)
            view.reset_view()

    def toggle_alone(self, visit: Visit) -> None:
        """Show one study alone, or both again."""
        was_alone = self.alone is not None
        for one, view in self.views.items():
            view.end_gesture()
            view.setVisible(was_alone or one is visit)
            view.set_maximised(not was_alone and one is visit)
        self.views[visit].setFocus()

    def _image(self, visit: Visit, sequence: Sequence) -> ShownImage | None:
        volume = self._shown[visit].images.get(sequence)
        return self._images.ready(volume) if volume is not None else None

    def _begin_with(self, sequence: Sequence, window: Window) -> None:
        """Show the current study as its user had it, and the earlier one alike."""
        now, earlier = (self._image(one, sequence) for one in (Visit.NOW, Visit.EARLIER))
        if now is None:
            return
        self._images.remember(now, window)
        if earlier is not None:
            alike = earlier.auto_window.changed_like(now.auto_window, window)
            self._images.remember(earlier, alike)

    def _pick(self, visit: Visit, point_lps_mm: NDArray[np.float64]) -> None:
        for one, view in self.views.items():
            if self._are_linked or one is visit:
                view.set_cursor(point_lps_mm)
        # Having been zoomed, a view moves to show the place
        self._share_viewport(self.views[visit])

    def _share_viewport(self, leading: VisitView) -> None:
        if not self._are_linked:
            return
        for view in self.views.values():
            if view is not leading:
                view.follow(leading)

    def _drag(self, visit: Visit, window: Window) -> None:
        """Change the grey values of both, of each in its own range."""
        dragged = self.views[visit].image
        if dragged is None:
            return
        before = self._images.window(dragged)
        for view in self.views.values():
            if view.image is None:
                continue
            of_view = self._images.window(view.image)
            changed = window if view.image is dragged else of_view.changed_like(before, window)
            self._images.remember(view.image, changed)
            view.set_window(changed)

    def _show_overlay(self) -> None:
        is_change = self._overlay is VisitOverlay.CHANGE and self._change is not None
        style: Overlay = OverlayStyle(
            DEFAULT_LABELS, outline=self._overlay is VisitOverlay.OUTLINED
        )
        if is_change:
            style = ChangeOverlay()
        for visit, view in self.views.items():
            view.set_labels(self._change if is_change else self._labels.get(visit))
            view.set_overlay_style(style)

    def _peek(self, peeking: bool) -> None:
        for view in self.views.values():
            view.set_overlay_peeking(peeking or not self._has_overlay)

    def _toggle_crosshair(self) -> None:
        self.set_crosshair_visible(not self._has_crosshair)
