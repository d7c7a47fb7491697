"""Light and dark appearance: one table of colours, one style sheet."""

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory


class ThemeName(StrEnum):
    """Appearances the user can choose."""

    SYSTEM = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #rrggbb, with the contrasts of WCAG 2.2.

    Text keeps 4.5 : 1 on `panel` and `window`, and so does what cannot be used now; `edge`, which
    shows where a control is, 3 : 1 on these and on `field`. `border` only parts things.
    """

    dark: bool
    window: str
    panel: str
    field: str
    border: str
    edge: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    good: str
    fair: str
    poor: str


LIGHT = Theme(
    dark=False,
    window="#eef1f4",
    panel="#ffffff",
    field="#f6f8fa",
    border="#d3d9e0",
    edge="#7f8a95",
    text="#1b2128",
    muted="#5a6673",
    accent="#0b7285",
    accent_hover="#095c6b",
    on_accent="#ffffff",
    good="#237032",
    fair="#945600",
    poor="#c92a2a",
)
DARK = Theme(
    dark=True,
    window="#14171b",
    panel="#1d2126",
    field="#262b31",
    border="#363d45",
    edge="#6c7783",
    text="#e6e9ec",
    muted="#9aa5b1",
    accent="#3bb2c8",
    accent_hover="#5cc6d9",
    on_accent="#0c1418",
    good="#51cf66",
    fair="#fcc419",
    poor="#ff8787",
)


# Sizes of text. A point is a pixel on macOS, elsewhere a third larger at the usual density.
_TEXT_POINTS = {"small": 9, "normal": 10, "medium": 11, "large": 12, "larger": 14, "largest": 20}
_POINT = 96 / 72 if sys.platform == "darwin" else 1.0


def resolve(name: ThemeName) -> Theme:
    """Return the colours for a choice; SYSTEM follows the desktop's own setting."""
    if name is ThemeName.SYSTEM:
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if name is ThemeName.DARK else LIGHT


def apply_theme(application: QApplication, theme: Theme, style_sheet: Path) -> None:
    """Give the whole application its palette and style sheet.

    Parameters
    ----------
    style_sheet
        A .qss template with ``$name`` for each colour of `Theme` and each size of text.
    """
    # Before the style changes: widgets redraw their icons in its colours when it does.
    application.setProperty("gliascope_theme", theme)
    application.setStyle(QStyleFactory.create("Fusion"))
    application.setPalette(_palette(theme))
    names = {field: getattr(theme, field) for field in Theme.__slots__ if field != "dark"}
    names |= {name: f"{points * _POINT:g}pt" for name, points in _TEXT_POINTS.items()}
    names["icons"] = (style_sheet.parent.parent / "icons").as_posix()
    names["tone"] = "dark" if theme.dark else "light"
    application.setStyleSheet(Template(style_sheet.read_text(encoding="utf-8")).substitute(names))


def current_theme() -> Theme:
    """Return the theme last applied (LIGHT before any was)."""
    application = QApplication.instance()
    theme = application.property("gliascope_theme") if application else None
    return theme if isinstance(theme, Theme) else LIGHT


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for roles, colour in (
        ((role.Window, role.Button), theme.panel),
        ((role.Base,), theme.field),
        ((role.AlternateBase,), theme.panel),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), theme.text),
        ((role.BrightText,), theme.poor),
        ((role.ToolTipBase,), theme.panel),
        ((role.PlaceholderText,), theme.muted),
        ((role.Highlight, role.Link, role.Accent), theme.accent),
        ((role.HighlightedText,), theme.on_accent),
        ((role.Mid, role.Dark), theme.border),
    ):
        for one in roles:
            palette.setColor(one, QColor(colour))
    for one in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, one, QColor(theme.muted))
    return palette
