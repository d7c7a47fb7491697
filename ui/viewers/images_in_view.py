"""The images in the views, one in three planes and one a sequence, and their grey values."""

from collections.abc import Collection, Iterable, Mapping

from PySide6.QtCore import QObject, Signal

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from ui.viewers.probe import Probed
from ui.viewers.sequence_views import SequenceView, SequenceViews
from ui.viewers.shown_images import ShownImage, ShownImages
from ui.viewers.slice_view import SliceView
from ui.viewers.view_pages import ViewLayout
from ui.viewers.window_level import Window
from ui.views.sequences_view import SequenceImage


class ImagesInView(QObject):
    """Gives the slices their images; a series has one window wherever it is shown.

    Parameters
    ----------
    planes
        The views that show one image in three planes.
    sequences
        The views that show a sequence each.
    images
        Makes images ready to be shown and remembers their windows.

    Signals
    -------
    window_changed(float, float)
        Window centre and width of the image in the three planes, which the user dragged or which
        were chosen for it.
    """

    window_changed = Signal(float, float)

    def __init__(
        self, planes: Collection[SliceView], sequences: SequenceViews, images: ShownImages
    ) -> None:
        super().__init__()
        self._planes = planes
        self._sequences = sequences
        self._images = images
        self._image: ShownImage | None = None
        self._caption = ""
        self._window = Window(0.5, 1.0)
        for view in planes:
            view.window_dragged.connect(self._drag_window)
        for sequence_view in sequences.views.values():
            sequence_view.window_dragged.connect(
                lambda center, width, one=sequence_view: self._drag_sequence(one, center, width)
            )

    @property
    def window(self) -> Window:
        """The grey values of the image in the three planes."""
        return self._window

    def show(self, volume: Volume | None, series_uid: str, sequence: Sequence | None) -> None:
        """Show an image in the three planes, windowed as it last was; ``None`` empties them."""
        named = (sequence.value if sequence else "", volume.source if volume else "")
        caption = " · ".join(part for part in named if part)
        if volume is (self._image.volume if self._image else None) and caption == self._caption:
            return
        self._caption = caption
        self._image = self._images.ready(volume, series_uid) if volume is not None else None
        self._let_go()
        source = self._image.source if self._image else None
        for view in self._planes:
            view.set_image(source, caption)
        if self._image is not None:
            window = self._images.window(self._image)
            self._drag_window(window.center, window.width)

    def offer_sequences(self, images: Mapping[Sequence, SequenceImage]) -> None:
        """Have these images ready to stand beside each other."""
        self._sequences.offer(images)

    def show_sequences(self, reference: Geometry | None) -> None:
        """Show the images offered, in planes of this grid."""
        self._let_go()
        self._sequences.show(reference)

    def clear(self) -> None:
        """Forget images and windows: another study follows."""
        self.show(None, "", None)
        self._images.clear()

    def set_window(self, window: Window) -> None:
        """Change the grey values of the image in the three planes, wherever it is shown."""
        self._window = window
        for view in self._planes:
            view.set_window(window)
        if self._image is not None:
            self._images.remember(self._image, window)
            self._sequences.set_window(self._image.key, window)

    def reset_windows(self, layout: ViewLayout) -> None:
        """Choose the grey values of the images in sight anew from their intensities."""
        if layout is ViewLayout.SEQUENCES:
            for view in self._sequences.with_image:
                if view.image is not None:
                    window = view.image.auto_window
                    self._drag_sequence(view, window.center, window.width)
        elif self._image is not None:
            window = self._image.auto_window
            self._drag_window(window.center, window.width)

    def probed(self, layout: ViewLayout) -> Iterable[Probed]:
        """Return the images whose values are told: those in sight."""
        if layout is ViewLayout.SEQUENCES:
            for view in self._sequences.with_image:
                if view.image is not None:
                    one = view.image
                    yield Probed(one.source, one.volume.unit, view.sequence.value)
        elif self._image is not None:
            yield Probed(self._image.source, self._image.volume.unit)

    def _let_go(self) -> None:
        """Let go of images that are neither shown nor soon to be shown."""
        shown = [self._image.volume] if self._image is not None else []
        self._images.keep_only([*shown, *self._sequences.offered])

    def _drag_window(self, center: float, width: float) -> None:
        self.set_window(Window(center, width))
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
