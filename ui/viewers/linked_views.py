"""Views beside each other, linked by one crosshair; what they show is said by others."""

from collections.abc import Mapping
from collections.abc import Sequence as Many

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from desktop_app.domain.study import Sequence
from ui.viewers import style
from ui.viewers.linked_zoom import LinkedZoom
from ui.viewers.planes import Plane
from ui.viewers.ruler_tool import RulerKeys, RulerTool
from ui.viewers.rulers import RulerBoard
from ui.viewers.sequence_views import SequenceView, SequenceViews
from ui.viewers.shown_images import ShownImages
from ui.viewers.slice_view import SliceView
from ui.viewers.view_pages import View, ViewLayout, ViewPages
from ui.viewers.volume_view import VolumeView


class LinkedViews(QWidget):
    """Four views, two by two; double-click shows one of them alone.

    They are three planes with the surfaces, or one plane of every sequence; crosshair, rulers and
    gestures are the same in both.

    Parameters
    ----------
    images
        Makes the sequences' images ready to be shown.

    Signals
    -------
    cursor_moved(ndarray)
        (3,) patient coordinates, millimetres, of the crosshair.
    stroke_began(ndarray, ndarray, bool), stroke_moved(ndarray), stroke_ended(), stroke_cancelled()
        A tool is drawn with: (3,) patient coordinates, direction through the slice, whether it
        erases. In the end it stays, or is given up.
    brush_resized(int)
        The brush is to grow by so many steps, or shrink.
    """

    cursor_moved = Signal(object)
    stroke_began = Signal(object, object, bool)
    stroke_moved = Signal(object)
    stroke_ended = Signal()
    stroke_cancelled = Signal()
    brush_resized = Signal(int)

    def __init__(self, images: ShownImages, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn_on: Sequence | None = None
        self._cursor_lps = np.zeros(3)
        self._has_crosshair = True
        self.slice_views = {plane: SliceView(plane, self) for plane in Plane}
        self.volume_view = VolumeView(self)
        self._sequences = SequenceViews(images, self)
        planes, sequences = tuple(self.slice_views.values()), tuple(self._sequences.views.values())
        self._slices = (*planes, *sequences)
        self.zoom = LinkedZoom(planes, sequences, self)
        self.rulers = RulerBoard(self)
        RulerKeys(self, self.rulers)
        self._ruler_tools: list[RulerTool] = []
        self._lay_out()
        for view in self._slices:
            self._connect_slice(view)
        self.volume_view.cursor_picked.connect(self._move_cursor)
        self.volume_view.maximise_requested.connect(lambda: self.toggle_maximised(self.volume_view))

    def _lay_out(self) -> None:
        self.setObjectName("quad_view")
        self.setAccessibleName("Views of the study")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(f"#quad_view {{ background: {style.GAP.name()}; }}")
        pages: dict[ViewLayout, tuple[View, ...]] = {
            ViewLayout.PLANES: (*self.slice_views.values(), self.volume_view),
            ViewLayout.SEQUENCES: tuple(self._sequences.views.values()),
        }
        self._pages = ViewPages(pages, self)

    def _connect_slice(self, view: SliceView) -> None:
        self._ruler_tools.append(RulerTool(view, self.rulers))
        view.cursor_picked.connect(self._move_cursor)
        view.crosshair_toggled.connect(self._toggle_crosshair)
        view.maximise_requested.connect(lambda: self.toggle_maximised(view))
        view.stroke_began.connect(lambda point, erases: self._begin_stroke(view, point, erases))
        view.stroke_moved.connect(self.stroke_moved)
        view.stroke_ended.connect(self.stroke_ended)
        view.stroke_cancelled.connect(self.stroke_cancelled)
        view.brush_resized.connect(self.brush_resized)

    @property
    def views(self) -> tuple[View, ...]:
        """Axial, coronal, sagittal and surface view; or those of the four sequences."""
        return self._pages.views

    @property
    def first_view(self) -> View:
        """The first view in sight, for the keyboard."""
        return self._pages.first

    @property
    def sequence_views(self) -> Mapping[Sequence, SequenceView]:
        """The view of each sequence."""
        return self._sequences.views

    @property
    def view_layout(self) -> ViewLayout:
        """What stands beside each other."""
        return self._pages.page

    @property
    def drawn_on(self) -> Sequence | None:
        """The sequence that the last stroke was drawn on; ``None``: that of the three planes."""
        return self._drawn_on

    @property
    def cursor_lps_mm(self) -> NDArray[np.float64]:
        """(3,) patient coordinates of the crosshair."""
        return self._cursor_lps

    def set_view_layout(self, layout: ViewLayout) -> None:
        """Show three planes and the surfaces, or every sequence in one plane."""
        self._end_gestures()
        self._pages.turn_to(layout)

    def set_sequence_plane(self, plane: Plane) -> None:
        """Choose the plane in which the sequences stand beside each other."""
        self._end_gestures()
        self._sequences.set_plane(plane)

    def set_cursor(self, point_lps_mm: NDArray[np.float64]) -> None:
        """Show the slices through a point."""
        self._cursor_lps = np.asarray(point_lps_mm, dtype=np.float64)
        for view in self._slices:
            view.set_cursor(self._cursor_lps)
        self._sequences.align()
        self.volume_view.set_cursor(self._cursor_lps)

    def go_to(self, point_lps_mm: Many[float]) -> None:
        """Move the crosshair to a point."""
        self._move_cursor(np.asarray(point_lps_mm, np.float64))

    def set_crosshair_visible(self, visible: bool) -> None:
        """Show or hide the crosshair in all views."""
        self._has_crosshair = visible
        for view in self._slices:
            view.set_crosshair_visible(visible)
        self.volume_view.set_crosshair_visible(visible)

    def set_diameters(self, pairs_lps_mm: Many[Many[Many[Many[float]]]]) -> None:
        """Draw pairs of lines over the slices that they lie in.

        Parameters
        ----------
        pairs_lps_mm
            (n, 2, 2, 3) patient coordinates: of each pair both lines, of each line both ends.
        """
        pairs = np.asarray(pairs_lps_mm, np.float64).reshape(-1, 2, 2, 3)
        for view in self._slices:
            view.set_diameters(pairs)

    def reset_views(self) -> None:
        """Show all views, every slice whole, the surfaces from the front."""
        self.show_all()
        for view in self._slices:
            view.reset_view()
        self.volume_view.reset_view()

    def toggle_maximised(self, view: View) -> None:
        """Show one view alone, or all again if it was alone."""
        self._end_gestures()
        self._pages.toggle_alone(view)

    def show_all(self) -> None:
        """Show the four views."""
        self._end_gestures()
        self._pages.show_all()

    @property
    def maximised(self) -> View | None:
        """The view that is shown alone."""
        return self._pages.alone

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape shows all views again."""
        if event.key() == Qt.Key.Key_Escape and self.maximised is not None:
            self.show_all()
        else:
            super().keyPressEvent(event)

    def _end_gestures(self) -> None:
        """Let go of the mouse: a view that is hidden or moved away never sees the release."""
        for view in self._slices:
            view.end_gesture()
        for tool in self._ruler_tools:
            tool.let_go()

    def _move_cursor(self, point_lps_mm: NDArray[np.float64]) -> None:
        self.set_cursor(point_lps_mm)
        self.cursor_moved.emit(self._cursor_lps)

    def _begin_stroke(
        self, view: SliceView, point_lps_mm: NDArray[np.float64], erases: bool
    ) -> None:
        if view.frame is not None:
            self._drawn_on = view.sequence if isinstance(view, SequenceView) else None
            self.stroke_began.emit(point_lps_mm, view.frame.axes_lps[:, 2], erases)

    def _toggle_crosshair(self) -> None:
        self.set_crosshair_visible(not self._has_crosshair)
