"""Images ready to be shown, and the grey values that the user gave each."""

from collections.abc import Collection
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from desktop_app.domain.volume import Volume
from ui.viewers.reslice import ResliceSource
from ui.viewers.window_level import Window, auto_window

Key = str | Volume
"""What a window is kept under: a series, or an image that is of none."""


@dataclass(frozen=True, slots=True, eq=False)
class ShownImage:
    """An image in the views.

    Parameters
    ----------
    source
        Its voxels, ready to be cut; bright where they are shown bright.
    key
        What its grey values are kept under: those of a series outlive its registration.
    """

    volume: Volume
    source: ResliceSource
    key: Key

    @property
    def auto_window(self) -> Window:
        """Grey values by its intensities."""
        return Window(*auto_window(self.source.array_kji))


class ShownImages:
    """Makes each image ready once, and remembers its window."""

    def __init__(self) -> None:
        self._sources: dict[Volume, ResliceSource] = {}
        self._by_series: dict[str, Window] = {}
        # Weak: a window is no reason to keep the voxels of an image
        self._by_image: WeakKeyDictionary[Volume, Window] = WeakKeyDictionary()

    def ready(self, volume: Volume, series_uid: str = "") -> ShownImage:
        """Return an image as it can be shown.

        Parameters
        ----------
        series_uid
            Its series; without one the window is kept for this very image.
        """
        if volume not in self._sources:
            source = ResliceSource(volume.array_kji, volume.geometry, is_labels=False)
            self._sources[volume] = source
        return ShownImage(volume, self._sources[volume], series_uid or volume)

    def window(self, image: ShownImage) -> Window:
        """Return the window the user last had for its series, else one by its intensities."""
        return self.known_window(image.key) or image.auto_window

    def remember(self, image: ShownImage, window: Window) -> None:
        """Keep a window for the image's series."""
        if isinstance(image.key, str):
            self._by_series[image.key] = window
        else:
            self._by_image[image.key] = window

    def known_window(self, key: Key) -> Window | None:
        """Return the window kept for a series, if there is one."""
        return self._by_series.get(key) if isinstance(key, str) else self._by_image.get(key)

    def keep_only(self, volumes: Collection[Volume]) -> None:
        """Let go of the voxels of other images; their windows stay."""
        self._sources = {one: source for one, source in self._sources.items() if one in volumes}

    def clear(self) -> None:
        """Forget everything: another study follows."""
        self._sources.clear()
        self._by_series.clear()
        self._by_image.clear()
