"""The sequences of a study beside each other: one plane, one place, one zoom; a window each."""

from collections.abc import Mapping

from PySide6.QtWidgets import QWidget

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from ui.viewers.planes import Plane
from ui.viewers.shown_images import Key, ShownImage, ShownImages
from ui.viewers.slice_view import SliceView
from ui.viewers.window_level import Window
from ui.views.sequences_view import SequenceImage

_NO_IMAGE = "no image"


class SequenceView(SliceView):
    """A slice of one sequence, in whichever plane; without an image, a sentence why."""

    def __init__(self, sequence: Sequence, parent: QWidget | None = None) -> None:
        super().__init__(Plane.AXIAL, parent, title=sequence.value)
        self._sequence = sequence
        self._note = _NO_IMAGE
        self._image: ShownImage | None = None

    @property
    def sequence(self) -> Sequence:
        """The sequence shown here."""
        return self._sequence

    @property
    def image(self) -> ShownImage | None:
        """The image shown; ``None`` where the sequence is missing."""
        return self._image

    @property
    def note(self) -> str:
        """What is said of the image, or why there is none."""
        return self._note

    def show_image(self, image: ShownImage | None, note: str, window: Window | None) -> None:
        """Show another image, with what is to be said of it, or only say why there is none."""
        self._image, self._note = image, note
        if window is not None:
            self.set_window(window)
        self.set_image(image.source if image else None, image.volume.source if image else "")

    def _titles(self, caption: str) -> list[str]:
        parts = (self._sequence.value, self._plane.title, caption, self._note)
        return [part for part in parts if part]

    def _empty_text(self) -> str:
        return f"{self._sequence.value}\n{self._note or _NO_IMAGE}"


class SequenceViews:
    """One view a sequence; what is zoomed or moved in one of them is so in all.

    Parameters
    ----------
    images
        Makes images ready to be shown and remembers their windows.
    """

    def __init__(self, images: ShownImages, parent: QWidget) -> None:
        self._images = images
        self._offered: Mapping[Sequence, SequenceImage] = {}
        self._are_shown = False
        self.views = {sequence: SequenceView(sequence, parent) for sequence in Sequence}
        self._plane = Plane.AXIAL
        self._leading = self.views[Sequence.T1]
        for view in self.views.values():
            view.viewport_changed.connect(lambda one=view: self._lead(one))
            view.cursor_picked.connect(lambda _, one=view: self._lead(one))

    @property
    def plane(self) -> Plane:
        """The plane that all of them show."""
        return self._plane

    @property
    def with_image(self) -> tuple[SequenceView, ...]:
        """The views whose sequence is there."""
        return tuple(view for view in self.views.values() if view.image is not None)

    def set_plane(self, plane: Plane) -> None:
        """Show another plane, whole."""
        self._plane = plane
        for view in self.views.values():
            view.set_plane(plane)

    @property
    def offered(self) -> tuple[Volume, ...]:
        """The images that are shown, or will be once they are to be seen."""
        return tuple(one.volume for one in self._offered.values() if one.volume is not None)

    def offer(self, images: Mapping[Sequence, SequenceImage]) -> None:
        """Have other images to show; that costs nothing yet."""
        self._offered = images
        self._are_shown = False

    def windows(self) -> dict[Sequence, Window]:
        """Return the window of each image offered that the user has one for."""
        return {
            sequence: window
            for sequence, one in self._offered.items()
            if one.volume is not None
            and (window := self._images.known_window(one.series_uid or one.volume)) is not None
        }

    def show(self, reference: Geometry | None) -> None:
        """Show what is offered in planes of this grid; zoom and place stay as they are."""
        if self._are_shown:
            return
        self._are_shown = True
        images = {
            sequence: self._images.ready(one.volume, one.series_uid)
            for sequence, one in self._offered.items()
            if one.volume is not None
        }
        for sequence, view in self.views.items():
            image = images.get(sequence)
            # While other images are read, the views stay where they are
            is_cut = image is not None or (not images and view.reference is not None)
            cut = reference if is_cut else None
            if view.reference is not cut:
                view.set_reference(cut)
            note = self._offered[sequence].note if sequence in self._offered else ""
            view.show_image(image, note, self._images.window(image) if image else None)
        self.align()

    def set_window(self, key: Key, window: Window) -> None:
        """Change the grey values where this series is shown."""
        for view in self.with_image:
            if view.image is not None and view.image.key == key:
                view.set_window(window)

    def align(self) -> None:
        """Give all the zoom and place of the one that was used last."""
        shown = self.with_image
        # One that another hides has not the size to say what is in sight
        in_sight = [view for view in shown if view.isVisible()] or list(shown)
        if in_sight and self._leading not in in_sight:
            self._leading = in_sight[0]
        for view in shown:
            if view is not self._leading:
                view.follow(self._leading)

    def _lead(self, view: SequenceView) -> None:
        self._leading = view
        self.align()
