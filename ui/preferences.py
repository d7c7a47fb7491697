"""What the user prefers: appearance, network, device; kept with the studies opened last."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from desktop_app.composition import App
from desktop_app.errors import OutputError, UserFacingError
from desktop_app.paths import assets_dir
from desktop_app.services.models import ModelEntry, require_tumour_model
from desktop_app.services.segmenting.segment import SegmentOptions
from desktop_app.services.settings import Settings
from ui.main_window import MainWindow
from ui.theme import ThemeName, apply_theme, resolve
from ui.window_memory import as_left

if TYPE_CHECKING:
    from collections.abc import Callable


class Preferences:
    """Holds the settings; the menus change them.

    Parameters
    ----------
    settings
        As they were kept.
    """

    def __init__(
        self,
        application: QApplication,
        window: MainWindow,
        services: App,
        settings: Settings,
    ) -> None:
        self._application = application
        self._window = window
        self._services = services
        self._model: ModelEntry | None = None
        self.settings = settings
        self.on_model: Callable[[], None] = lambda: None
        self._connect(window)

    def _connect(self, window: MainWindow) -> None:
        menus = window.menus
        window.recent_cleared.connect(self.clear_recent)
        menus.models.aboutToShow.connect(self._show_models)
        menus.models.triggered.connect(lambda action: self.use_model(action.data()))
        for name, theme in menus.themes.items():
            theme.triggered.connect(lambda _, one=name: self.set_theme(one))
        for where, device in menus.devices.items():
            device.triggered.connect(lambda _, one=where: self._use_device(one))
        # By a signal of the window, with which the connection ends.
        self._application.styleHints().colorSchemeChanged.connect(window.desktop_turned)
        window.desktop_turned.connect(self._follow_desktop)

    def segment_options(self) -> SegmentOptions:
        """Return the device and network to segment with now."""
        device, precision = self.settings.device, self.settings.precision
        if self._model is None:
            return SegmentOptions(device, precision)
        return SegmentOptions(device, precision, self._model.name, self._model.folder)

    def set_theme(self, name: ThemeName) -> None:
        """Change the appearance and remember it."""
        show_theme(self._application, name)
        self.settings = replace(self.settings, theme=name.value)

    def _follow_desktop(self) -> None:
        """Turn dark or light with the desktop, unless the user chose one of them."""
        if self.settings.theme == ThemeName.SYSTEM.value:
            show_theme(self._application, ThemeName.SYSTEM)

    def use_model(self, name: str) -> None:
        """Segment with this network from now on; with the program's own where it is gone."""
        try:
            self._model = self._services.models.find(name)
            require_tumour_model(self._model)
        except UserFacingError as error:
            self._model = None
            self._window.show_error(error)
        self.settings = replace(self.settings, model=self._model.name if self._model else "")
        self.on_model()

    def keep(self, settings: Settings) -> None:
        """Take changed settings."""
        self.settings = settings

    def note_opened(self, path: Path) -> None:
        """Have a study among those opened last."""
        self._keep_recent(self.settings.with_recent(str(path.absolute())))

    def clear_recent(self) -> None:
        """Empty the list of studies opened last."""
        self._keep_recent(replace(self.settings, recent_studies=()))

    def forget_studies(self) -> None:
        """Forget every path of a study."""
        self._keep_recent(self.settings.without_studies())

    def save(self) -> None:
        """Keep the settings, and the window as it is left."""
        self.settings = as_left(self._window, self.settings)
        # The window is closing: there is nobody to tell, and only what was ticked last is lost.
        with suppress(OutputError, OSError):
            self._services.save_settings(self.settings)

    def _keep_recent(self, settings: Settings) -> None:
        """Keep it on disk at once: what is to be forgotten must not come back after a crash."""
        self.settings = settings
        self._window.menus.show_recent(settings.recent_studies)
        with suppress(OutputError, OSError):
            self._services.save_settings(settings)

    def _show_models(self) -> None:
        entries = self._services.models.for_tumours()
        choices = [(entry.name, entry.architecture) for entry in entries]
        self._window.menus.show_models(choices, self.segment_options().model_name)

    def _use_device(self, name: str) -> None:
        """Segment there from now on; the network is loaded there at once."""
        self.settings = replace(self.settings, device=name)
        self._services.worker.warm(name, self.settings.precision)


def show_theme(application: QApplication, name: ThemeName) -> None:
    """Give the whole program this appearance."""
    apply_theme(application, resolve(name), assets_dir() / "styles" / "gliascope.qss")
