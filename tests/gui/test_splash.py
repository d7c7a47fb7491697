"""What is on the screen before the window, and what the desktop hands over."""

from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QFileOpenEvent, QImage

from desktop_app.paths import assets_dir
from ui.application import Application
from ui.splash import Splash
from ui.theme import DARK, LIGHT, Theme, ThemeName


def colours(image: QImage) -> set[str]:
    points = ((x, y) for x in range(image.width()) for y in range(image.height()))
    return {image.pixelColor(x, y).name() for x, y in points}


@pytest.mark.parametrize(("name", "theme"), [(ThemeName.LIGHT, LIGHT), (ThemeName.DARK, DARK)])
def test_it_says_what_it_is_in_the_colours_of_the_theme(
    qtbot: object, name: ThemeName, theme: Theme
) -> None:
    splash = Splash(assets_dir() / "icons", name)
    found = colours(splash.pixmap().toImage())
    logo = "#0b7285"
    assert {theme.panel, theme.border, theme.text, theme.muted, theme.fair, logo} <= found


def test_a_study_handed_over_by_the_desktop_is_reported(qapp: Application, tmp_path: Path) -> None:
    opened: list[Path] = []
    qapp.file_opened.connect(opened.append)
    qapp.event(QFileOpenEvent(QUrl.fromLocalFile(str(tmp_path))))
    qapp.file_opened.disconnect(opened.append)
    assert opened == [tmp_path]
