"""Slices and surfaces of a study, linked by one crosshair."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from desktop_app.domain.correction import ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import DEFAULT_LABELS, LabelDefinition
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from ui.viewers.images_in_view import ImagesInView
from ui.viewers.linked_views import LinkedViews
from ui.viewers.overlay import OverlayStyle, label_names
from ui.viewers.probe import probe_text
from ui.viewers.shared_labels import SharedLabels
from ui.viewers.shown_images import ShownImages
from ui.viewers.view_pages import ViewLayout
from ui.viewers.window_level import Window
from ui.views.sequences_view import SequenceImage


class QuadView(LinkedViews):
    """Slices and surfaces of one study: an image, labels and their look in all views.

    The setters change what is shown and do not emit `cursor_moved` or `window_changed`, except
    where they choose a cursor or window themselves (`set_reference`, `set_image`,
    `go_to_labels`).

    Signals
    -------
    window_changed(float, float)
        Window centre and width.
    value_probed(str)
        One line about the place under the pointer, else about the crosshair.
    """

    window_changed = Signal(float, float)
    value_probed = Signal(str)

    def __init__(self) -> None:
        images = ShownImages()
        super().__init__(images)
        self._reference: Geometry | None = None
        self._images = ImagesInView(tuple(self.slice_views.values()), self._sequences, images)
        self._labels = SharedLabels(self._slices)
        self._images.window_changed.connect(self.window_changed)
        for view in self._slices:
            view.hovered.connect(lambda _: self._probe())
            view.overlay_hidden.connect(self._labels.peek)

    @property
    def window_level(self) -> tuple[float, float]:
        """Window centre and width."""
        return self._images.window.center, self._images.window.width

    @property
    def overlay_style(self) -> OverlayStyle:
        """How labels are painted over the slices."""
        return self._labels.style

    def set_reference(self, geometry: Geometry | None) -> None:
        """Cut planes of this grid, and put the crosshair into its middle.

        ``None`` empties all views. Labels of the former reference are taken away.
        """
        same = geometry is not None and self._reference is not None
        if same and geometry is not None and geometry.matches(self._reference or geometry):
            return
        self._reference = geometry
        self.rulers.clear()
        self.set_labels(None, None)
        self.set_brain(None, None)
        if geometry is None:
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
        if volume is not None and self._reference is None:
            self.set_reference(volume.geometry)
        self._images.show(volume, series_uid, sequence)
        self._probe()

    def set_sequence_images(self, images: Mapping[Sequence, SequenceImage]) -> None:
        """Have these images ready to stand beside each other, in planes of the reference."""
        self._images.offer_sequences(images)
        self._show_sequences()

    def set_view_layout(self, layout: ViewLayout) -> None:
        """Show three planes and the surfaces, or every sequence in one plane."""
        super().set_view_layout(layout)
        self._show_sequences()
        self._probe()

    def set_cursor(self, point_lps_mm: NDArray[np.float64]) -> None:
        """Show the slices through a point, and what is there."""
        super().set_cursor(point_lps_mm)
        self._probe()

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
        self.set_labels_before(None, None)
        self._labels.show(labels_kji, geometry, definitions)
        self.volume_view.set_labels(
            labels_kji if geometry is not None else None, geometry, tuple(definitions)
        )

    def set_live_labels(self, labels_kji: NDArray[np.uint8], geometry: Geometry) -> None:
        """Show labels over the slices that change in place; the surfaces stay as they are."""
        self._labels.show(labels_kji, geometry, self.overlay_style.definitions)

    def set_labels_before(
        self, labels_kji: NDArray[np.uint8] | None, geometry: Geometry | None
    ) -> None:
        """Have the labels as they were before correcting ready to be outlined."""
        self._labels.offer_before(labels_kji, geometry)

    def set_before_visible(self, visible: bool) -> None:
        """Outline the labels as they were before correcting, or do not."""
        self._labels.set_before_visible(visible)

    def refresh_labels(self) -> None:
        """Draw the slices' labels anew: they have changed in place."""
        self._labels.refresh()
        self._probe()

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
        colour = self._labels.colour_of(tool.value if tool is not None else 0)
        for view in self._slices:
            view.set_tool(tool, colour)

    def set_brain(self, brain_kji: NDArray[np.bool_] | None, geometry: Geometry | None) -> None:
        """Show the brain's outline around the surfaces; ``None`` takes it away."""
        self.volume_view.set_brain(brain_kji, geometry)

    def set_window(self, center: float, width: float) -> None:
        """Change the grey values of the image in the three planes, wherever it is shown."""
        self._images.set_window(Window(center, width))

    def set_opacity(self, opacity: float) -> None:
        """Change how strong labels cover the image, 0 to 1."""
        self._labels.restyle(replace(self.overlay_style, opacity=opacity))

    def set_region_visible(self, value: int, visible: bool) -> None:
        """Show or hide one label value in all views."""
        self._labels.restyle(self.overlay_style.showing(value, visible))
        self.volume_view.set_region_visible(value, visible)

    def set_outline(self, outline: bool) -> None:
        """Paint borders instead of areas."""
        self._labels.restyle(replace(self.overlay_style, outline=outline))

    def set_overlay_visible(self, visible: bool) -> None:
        """Show or hide the labels on all slices."""
        self._labels.set_visible(visible)

    def go_to_labels(self, values: Collection[int]) -> bool:
        """Move the crosshair to where these labels are largest.

        Returns
        -------
        bool
            Whether there are any.
        """
        point = self._labels.place_of(values)
        if point is None:
            return False
        self._move_cursor(point)
        return True

    def reset_window(self) -> None:
        """Choose the grey values of the images in sight anew from their intensities."""
        self._images.reset_windows(self.view_layout)

    def _show_sequences(self) -> None:
        """Make the sequences' images ready only when they are to be seen."""
        if self.view_layout is ViewLayout.SEQUENCES:
            self._images.show_sequences(self._reference)

    def _probe(self) -> None:
        """Tell what is under the pointer, as long as it rests on a slice; else at the crosshair."""
        if self._reference is None:
            self.value_probed.emit("")
            return
        pointed = (view.pointed_lps_mm for view in self._slices if view.isVisible())
        point = next((one for one in pointed if one is not None), None)
        names = label_names(self.overlay_style.definitions)
        probed = tuple(self._images.probed(self.view_layout))
        at = self._cursor_lps if point is None else point
        told = probe_text(at, probed, self._labels.source, names)
        self.value_probed.emit(told if point is not None else f"Crosshair {told}")
