"""The sequences of a study beside each other: one plane, one place, one zoom; a window each."""

from collections.abc import Mapping

from PySide6.QtWidgets import QWidget

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from ui.viewers.planes import Plane
from ui.viewers.shown_images import Key, ShownImage
from ui.viewers.slice_view import SliceView
from ui.viewers.window_level import Window

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
    """One view a sequence; what is zoomed or moved in one of them is so in all."""

    def __init__(self, parent: QWidget) -> None:
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

    def show(
        self,
        images: Mapping[Sequence, ShownImage],
        notes: Mapping[Sequence, str],
        windows: Mapping[Sequence, Window],
        reference: Geometry | None,
    ) -> None:
        """Show these images; zoom and place stay as they are.

        Parameters
        ----------
        notes
            What is to be said of an image, or why a sequence has none.
        windows
            Grey values of each image.
        reference
            The grid whose planes are shown.
        """
        for sequence, view in self.views.items():
            image = images.get(sequence)
            # While other images are read, the views stay where they are
            is_cut = image is not None or (not images and view.reference is not None)
            cut = reference if is_cut else None
            if view.reference is not cut:
                view.set_reference(cut)
            view.show_image(image, notes.get(sequence, ""), windows.get(sequence))
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
