"""Icons in the theme's own colour."""

from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from ui.theme import current_theme

_SIZES_PX = (16, 24, 32, 48, 96)


class Icons:
    """Draws the icons of one folder; `currentColor` becomes the theme's text colour."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(
        self, name: str, *, on_accent: bool = False, accent_when_checked: bool = False
    ) -> QIcon:
        """Return an icon.

        Parameters
        ----------
        name
            File name without suffix.
        on_accent
            Whether it stands on the accent colour.
        accent_when_checked
            Whether it does while its button is checked.
        """
        theme = current_theme()
        colour = theme.on_accent if on_accent else theme.text
        svg = (self._folder / f"{name}.svg").read_text(encoding="utf-8")
        icon = QIcon()
        inks = [
            (QIcon.Mode.Normal, QIcon.State.Off, colour),
            (QIcon.Mode.Disabled, QIcon.State.Off, theme.muted),
        ]
        if accent_when_checked:
            inks.append((QIcon.Mode.Normal, QIcon.State.On, theme.on_accent))
        for mode, state, ink in inks:
            renderer = QSvgRenderer(QByteArray(svg.replace("currentColor", ink).encode()))
            for size in _SIZES_PX:
                pixmap = QPixmap(size, size)
                pixmap.fill(Qt.GlobalColor.transparent)
                painter = QPainter(pixmap)
                renderer.render(painter)
                painter.end()
                icon.addPixmap(pixmap, mode, state)
        return icon


def beside_icon(text: str) -> str:
    """Return what a button says beside its icon, to which Qt leaves no air."""
    return f" {text}"
