"""The door to the window: the only module of the application that imports `ui`."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.errors import DeviceError
from desktop_app.paths import assets_dir, user_data_dir
from desktop_app.services.settings import SETTINGS_FILE, load_settings

if TYPE_CHECKING:
    from desktop_app.services.export.writers import PageRenderer


def main(paths: Sequence[str]) -> int:
    """Show the window, on a study if one is given; returns the exit code.

    Raises
    ------
    DeviceError
        If there is no display to show it on.
    """
    _need_display()
    from desktop_app.services.rehearsal import Moment, Rehearsal
    from ui.application import make_application
    from ui.splash import Splash
    from ui.theme import ThemeName

    application = make_application(["gliascope"])
    theme = load_settings(user_data_dir() / SETTINGS_FILE).theme
    splash = Splash(assets_dir() / "icons", ThemeName(theme))
    splash.show_now()
    rehearsal = Rehearsal.asked_for()
    if rehearsal is not None:
        rehearsal.note(Moment.SPLASH)
    # Only now what takes a second or more to load.
    from desktop_app import composition
    from ui.app import run

    with composition.build() as app:
        return run(application, app, [Path(path) for path in paths], splash, rehearsal)


def page_renderer() -> "PageRenderer":
    """Return the maker of PDF pages, for commands that show no window."""
    _have_utf8()
    from ui.pdf_report import PdfReport

    return PdfReport()


def _have_utf8() -> None:
    """Give Qt a locale of UTF-8, as it takes one anyway and tells each night's log of it."""
    if not sys.platform.startswith("linux"):
        return
    import locale

    with suppress(locale.Error):  # one that is not installed
        locale.setlocale(locale.LC_CTYPE, "")
    if locale.nl_langinfo(locale.CODESET) != "UTF-8":
        os.environ["LC_ALL"] = "C.UTF-8"


def _need_display() -> None:
    """Ask before Qt does, which ends the process where there is none."""
    ways = ("DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(way) for way in ways):
        raise DeviceError(
            "The window cannot be opened on this computer.",
            "There is no display.",
            "Log in where there is one, or use the commands that need no window: gliascope --help",
        )
