"""Slices and surfaces of a study, linked by one crosshair."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Sequence as Many
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QWidget

from desktop_app.domain.correction import ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import DEFAULT_LABELS, LabelDefinition
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from ui.viewers import style
from ui.viewers.landmarks import point_of_interest
from ui.viewers.linked_zoom import LinkedZoom
from ui.viewers.overlay import OverlayStyle, label_names
from ui.viewers.planes import Plane
from ui.viewers.probe import Probed, probe_text
from ui.viewers.reslice import ResliceSource
from ui.viewers.ruler_tool import RulerKeys, RulerTool
from ui.viewers.rulers import RulerBoard
from ui.viewers.sequence_views import SequenceView, SequenceViews
from ui.viewers.shown_images import ShownImage, ShownImages
from ui.viewers.slice_view import SliceView
from ui.viewers.view_pages import View, ViewLayout, ViewPages
from ui.viewers.volume_view import VolumeView
from ui.viewers.window_level import Window
from ui.views.sequences_view import SequenceImage


class QuadView(QWidget):
    """Four views of a study, two by two; double-click shows one of them alone.

    They are three planes of one image with the surfaces, or one plane of every sequence; crosshair,
    labels and tools are the same in both.

    The setters change what is shown and do not emit `cursor_moved` or `window_changed`, except
    where they choose a cursor or window themselves (`set_reference`, `set_image`,
    `go_to_labels`).

    Signals
    -------
    cursor_moved(ndarray)
        (3,) patient coordinates, millimetres, of the crosshair.
    window_changed(float, float)
        Window centre and width.
    value_probed(str)
        One line about the place under the pointer, else about the crosshair.
    stroke_began(ndarray, ndarray, bool), stroke_moved(ndarray), stroke_ended(), stroke_cancelled()
        A tool is drawn with: (3,) patient coordinates, direction through the slice, whether it
        erases. In the end it stays, or is given up.
    brush_resized(int)
        The brush is to grow by so many steps, or shrink.
    """

    cursor_moved = Signal(object)
    window_changed = Signal(float, float)
    value_probed = Signal(str)
    stroke_began = Signal(object, object, bool)
    stroke_moved = Signal(object)
    stroke_ended = Signal()
    stroke_cancelled = Signal()
    brush_resized = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reference: Geometry | None = None
        self._images = ShownImages()
        self._image: ShownImage | None = None
        self._caption = ""
        self._drawn_on: Sequence | None = None
        self._labels: ResliceSource | None = None
        self._before: ResliceSource | None = None
        self._has_before = False
        self._cursor_lps = np.zeros(3)
        self._window = Window(0.5, 1.0)
        self._style = OverlayStyle(DEFAULT_LABELS)
        self._has_crosshair = True
        self._has_overlay = True
        self.slice_views = {plane: SliceView(plane, self) for plane in Plane}
        self.volume_view = VolumeView(self)
        self._sequences = SequenceViews(self._images, self)
        sequences = tuple(self._sequences.views.values())
        self.zoom = LinkedZoom(tuple(self.slice_views.values()), sequences, self)
        self.rulers = RulerBoard(self)
        RulerKeys(self, self.rulers)
        self._ruler_tools: list[RulerTool] = []
        self._lay_out()
        self._connect()

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

    def _connect(self) -> None:
        for plane_view in self.slice_views.values():
            plane_view.window_dragged.connect(self._drag_window)
        for sequence_view in self._sequences.views.values():
            sequence_view.window_dragged.connect(
                lambda center, width, one=sequence_view: self._drag_sequence(one, center, width)
            )
        for view in self._slices:
            self._ruler_tools.append(RulerTool(view, self.rulers))
            view.cursor_picked.connect(self._move_cursor)
            view.hovered.connect(self._probe)
            view.crosshair_toggled.connect(self._toggle_crosshair)
            view.overlay_hidden.connect(self._peek)
            view.maximise_requested.connect(lambda one=view: self.toggle_maximised(one))
            view.stroke_began.connect(
                lambda point, erases, one=view: self._begin_stroke(one, point, erases)
            )
            view.stroke_moved.connect(self.stroke_moved)
            view.stroke_ended.connect(self.stroke_ended)
            view.stroke_cancelled.connect(self.stroke_cancelled)
            view.brush_resized.connect(self.brush_resized)
        self.volume_view.cursor_picked.connect(self._move_cursor)
        self.volume_view.maximise_requested.connect(lambda: self.toggle_maximised(self.volume_view))

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
    def _slices(self) -> tuple[SliceView, ...]:
        return *self.slice_views.values(), *self._sequences.views.values()

    @property
    def cursor_lps_mm(self) -> NDArray[np.float64]:
        """(3,) patient coordinates of the crosshair."""
        return self._cursor_lps

    @property
    def window_level(self) -> tuple[float, float]:
        """Window centre and width."""
        return self._window.center, self._window.width

    def set_reference(self, geometry: Geometry | None) -> None:
        """Cut planes of this grid, and put the crosshair into its middle.

        ``None`` empties all views. Labels of the former reference are taken away.
        """
        same = geometry is not None and self._reference is not None
        if same and geometry is not None and geometry.matches(self._reference or geometry):
            return
        self._reference = geometry
        self.rulers.clear()
        self.set_labels(None, None, ())
        self.set_brain(None, None)
        if geometry is None:
            self.set_image(None)
            self._images.clear()
        # Shown in planes of the former grid, or of another study
        self.set_sequence_images({})
        for view in self.slice_views.values():
            view.set_reference(geometry)
        if geometry is not None:
            self.volume_view.warm()
            middle = (np.array(geometry.shape_kji) - 1) // 2
            self._move_cursor(geometry.to_patient_mm(middle.astype(np.float64)))

    def set_image(
        self, volume: Volume | None, series_uid: str = "", sequence: Sequence | None = None
    ) -> None:
        """Show an image in three planes, on whatever grid it lies, windowed as it last was.

        Without a reference, the image's own grid becomes it.

        Parameters
        ----------
        series_uid
            The series it is of: images of one series have one window.
        sequence
            What it serves as, written before its name.
        """
        named = (sequence.value if sequence else "", volume.source if volume else "")
        caption = " · ".join(part for part in named if part)
        if volume is (self._image.volume if self._image else None) and caption == self._caption:
            return
        self._caption = caption
        self._image = self._images.ready(volume, series_uid) if volume is not None else None
        self._forget_images()
        if volume is not None and self._reference is None:
            self.set_reference(volume.geometry)
        source = self._image.source if self._image else None
        for view in self.slice_views.values():
            view.set_image(source, caption)
        if self._image is not None:
            window = self._images.window(self._image)
            self._drag_window(window.center, window.width)
        self._probe(None)

    def set_sequence_images(self, images: Mapping[Sequence, SequenceImage]) -> None:
        """Have these images ready to stand beside each other, in planes of the reference."""
        self._sequences.offer(images)
        self._show_sequences()

    def set_view_layout(self, layout: ViewLayout) -> None:
        """Show three planes and the surfaces, or every sequence in one plane."""
        self._end_gestures()
        self._pages.turn_to(layout)
        self._show_sequences()
        self._probe(None)

    def set_sequence_plane(self, plane: Plane) -> None:
        """Choose the plane in which the sequences stand beside each other."""
        self._end_gestures()
        self._sequences.set_plane(plane)

    def sequence_windows(self) -> dict[Sequence, Window]:
        """Return the windows that the user has for the sequences, where he has one."""
        return self._sequences.windows()

    def set_labels(
        self,
        labels_kji: NDArray[np.uint8] | None,
        geometry: Geometry | None,
        definitions: Collection[LabelDefinition] = DEFAULT_LABELS,
    ) -> None:
        """Show labels over the slices and as surfaces; ``None`` takes them away.

        Parameters
        ----------
        labels_kji
            (k, j, i) uint8; shared, not copied.
        geometry
            Their grid.
        definitions
            Values, names and colours.

        Raises
        ------
        ValueError
            If the labels' shape is not the grid's.
        """
        self._labels = None
        self.set_labels_before(None, None)
        if labels_kji is not None and geometry is not None:
            self._labels = ResliceSource(labels_kji, geometry, is_labels=True)
        for view in self._slices:
            view.set_labels(self._labels)
        self._restyle(replace(self._style, definitions=tuple(definitions)))
        self.volume_view.set_labels(
            None if self._labels is None else labels_kji, geometry, tuple(definitions)
        )

    def set_live_labels(
        self,
        labels_kji: NDArray[np.uint8],
        geometry: Geometry,
        definitions: Collection[LabelDefinition] = DEFAULT_LABELS,
    ) -> None:
        """Show labels over the slices that change in place; the surfaces stay as they are."""
        self._labels = ResliceSource(labels_kji, geometry, is_labels=True)
        for view in self._slices:
            view.set_labels(self._labels)
        self._restyle(replace(self._style, definitions=tuple(definitions)))

    def set_labels_before(
        self, labels_kji: NDArray[np.uint8] | None, geometry: Geometry | None
    ) -> None:
        """Have the labels as they were before correcting ready to be outlined."""
        self._before = None
        if labels_kji is not None and geometry is not None:
            self._before = ResliceSource(labels_kji, geometry, is_labels=True)
        self.set_before_visible(self._has_before)

    def set_before_visible(self, visible: bool) -> None:
        """Outline the labels as they were before correcting, or do not."""
        self._has_before = visible
        for view in self._slices:
            view.set_labels_before(self._before if visible else None)

    def refresh_labels(self) -> None:
        """Draw the slices' labels anew: they have changed in place."""
        if self._labels is not None:
            self._labels.changed()
            for view in self._slices:
                view.refresh_labels()

    def set_surfaces(
        self,
        labels_kji: NDArray[np.uint8],
        geometry: Geometry,
        definitions: Collection[LabelDefinition] = DEFAULT_LABELS,
    ) -> None:
        """Show labels as surfaces alone."""
        self.volume_view.set_labels(labels_kji, geometry, tuple(definitions))

    def set_tool(self, tool: ToolSettings | None) -> None:
        """Let the left button draw over the slices; ``None``: move the crosshair."""
        rgb = {one.value: one.rgb for one in self._style.definitions}
        value = tool.value if tool is not None else 0
        colour = QColor(*rgb[value]) if value in rgb else style.TEXT
        for view in self._slices:
            view.set_tool(tool, colour)

    def set_brain(self, brain_kji: NDArray[np.bool_] | None, geometry: Geometry | None) -> None:
        """Show the brain's outline around the surfaces; ``None`` takes it away."""
        self.volume_view.set_brain(brain_kji, geometry)

    def set_cursor(self, point_lps_mm: NDArray[np.float64]) -> None:
        """Show the slices through a point."""
        self._cursor_lps = np.asarray(point_lps_mm, dtype=np.float64)
        for view in self._slices:
            view.set_cursor(self._cursor_lps)
        self._sequences.align()
        self.volume_view.set_cursor(self._cursor_lps)
        self._probe(None)

    def set_window(self, center: float, width: float) -> None:
        """Change the grey values of the image in the three planes, wherever it is shown."""
        self._window = Window(center, width)
        for view in self.slice_views.values():
            view.set_window(self._window)
        if self._image is not None:
            self._images.remember(self._image, self._window)
            self._sequences.set_window(self._image.key, self._window)

    def set_opacity(self, opacity: float) -> None:
        """Change how strong labels cover the image, 0 to 1."""
        self._restyle(replace(self._style, opacity=opacity))

    def set_region_visible(self, value: int, visible: bool) -> None:
        """Show or hide one label value in all views."""
        self._restyle(self._style.showing(value, visible))
        self.volume_view.set_region_visible(value, visible)

    def set_outline(self, outline: bool) -> None:
        """Paint borders instead of areas."""
        self._restyle(replace(self._style, outline=outline))

    def set_overlay_visible(self, visible: bool) -> None:
        """Show or hide the labels on all slices."""
        self._has_overlay = visible
        self._peek(False)

    def set_crosshair_visible(self, visible: bool) -> None:
        """Show or hide the crosshair in all views."""
        self._has_crosshair = visible
        for view in self._slices:
            view.set_crosshair_visible(visible)
        self.volume_view.set_crosshair_visible(visible)

    def go_to_labels(self, values: Collection[int]) -> bool:
        """Move the crosshair to where these labels are largest.

        Returns
        -------
        bool
            Whether there are any.
        """
        if self._labels is None:
            return False
        point = point_of_interest(self._labels.array_kji, self._labels.geometry, values)
        if point is None:
            return False
        self._move_cursor(point)
        return True

    def go_to(self, point_lps_mm: Many[float]) -> None:
        """Move the crosshair to a point."""
        self._move_cursor(np.asarray(point_lps_mm, np.float64))

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

    def reset_window(self) -> None:
        """Choose the grey values of the images in sight anew from their intensities."""
        if self.view_layout is ViewLayout.SEQUENCES:
            for view in self._sequences.with_image:
                if view.image is not None:
                    window = view.image.auto_window
                    self._drag_sequence(view, window.center, window.width)
        elif self._image is not None:
            window = self._image.auto_window
            self._drag_window(window.center, window.width)

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

    def _show_sequences(self) -> None:
        """Make the sequences' images ready only when they are to be seen."""
        if self.view_layout is ViewLayout.SEQUENCES:
            self._forget_images()
            self._sequences.show(self._reference)

    def _forget_images(self) -> None:
        """Let go of images that are neither shown nor soon to be shown."""
        shown = [self._image.volume] if self._image is not None else []
        self._images.keep_only([*shown, *self._sequences.offered])

    def _move_cursor(self, point_lps_mm: NDArray[np.float64]) -> None:
        self.set_cursor(point_lps_mm)
        self.cursor_moved.emit(self._cursor_lps)

    def _begin_stroke(
        self, view: SliceView, point_lps_mm: NDArray[np.float64], erases: bool
    ) -> None:
        if view.frame is not None:
            self._drawn_on = view.sequence if isinstance(view, SequenceView) else None
            self.stroke_began.emit(point_lps_mm, view.frame.axes_lps[:, 2], erases)

    def _drag_window(self, center: float, width: float) -> None:
        self.set_window(center, width)
        self.window_changed.emit(center, width)

    def _drag_sequence(self, view: SequenceView, center: float, width: float) -> None:
        if view.image is None:
            return
        if self._image is not None and view.image.key == self._image.key:
            self._drag_window(center, width)
            return
        window = Window(center, width)
        self._images.remember(view.image, window)
        view.set_window(window)

    def _restyle(self, overlay_style: OverlayStyle) -> None:
        self._style = overlay_style
        for view in self._slices:
            view.set_overlay_style(overlay_style)

    def _toggle_crosshair(self) -> None:
        self.set_crosshair_visible(not self._has_crosshair)

    def _peek(self, peeking: bool) -> None:
        for view in self._slices:
            view.set_overlay_peeking(peeking or not self._has_overlay)

    def _probe(self, point_lps_mm: NDArray[np.float64] | None) -> None:
        if self._reference is None:
            self.value_probed.emit("")
            return
        point = self._cursor_lps if point_lps_mm is None else point_lps_mm
        names = label_names(self._style.definitions)
        self.value_probed.emit(probe_text(point, tuple(self._probed()), self._labels, names))

    def _probed(self) -> Iterable[Probed]:
        """Return the images whose values are told: those in sight."""
        if self.view_layout is ViewLayout.SEQUENCES:
            for view in self._sequences.with_image:
                if view.image is not None:
                    one = view.image
                    yield Probed(one.source, one.volume.unit, view.sequence.value)
        elif self._image is not None:
            yield Probed(self._image.source, self._image.volume.unit)
