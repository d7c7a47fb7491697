"""What is on the screen while the window still loads: name, version, and what it is not."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPainter, QPen, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QSplashScreen

import desktop_app
from ui.theme import Theme, ThemeName, resolve

NOTICE = desktop_app.DISCLAIMER
_NAME = "Gliascope"
_WIDTH, _HEIGHT = 460, 220
_EDGE = 28
_LOGO = 92


class Splash(QSplashScreen):
    """Drawn at once: it needs neither the style sheet nor any library but Qt.

    Parameters
    ----------
    icons
        Folder with the product's picture.
    theme
        As the window will have it.
    """

    def __init__(self, icons: Path, theme: ThemeName) -> None:
        super().__init__(_picture(icons / "gliascope.svg", resolve(theme)))

    def show_now(self) -> None:
        """Show it and see to it that it is painted before the caller goes on."""
        self.show()
        QApplication.processEvents()


def _picture(logo: Path, theme: Theme) -> QPixmap:
    ratio = QGuiApplication.primaryScreen().devicePixelRatio()
    pixmap = QPixmap(round(_WIDTH * ratio), round(_HEIGHT * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(theme.panel))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.border), 1))
    painter.drawRect(QRectF(0.5, 0.5, _WIDTH - 1, _HEIGHT - 1))
    top = (_HEIGHT - _LOGO) / 2 - 18
    svg = QSvgRenderer(QByteArray(logo.read_bytes()))
    svg.render(painter, QRectF(_EDGE, top, _LOGO, _LOGO))
    left = _EDGE + _LOGO + 24
    width = _WIDTH - left - _EDGE
    texts = (
        (_NAME, 34, theme.text, QRectF(left, top - 4, width, 44)),
        ("Brain tumour volumes from MR studies", 14, theme.text, QRectF(left, top + 44, width, 24)),
        (f"Version {desktop_app.__version__}", 13, theme.muted, QRectF(left, top + 69, width, 24)),
        (NOTICE, 13, theme.fair, QRectF(_EDGE, _HEIGHT - 48, _WIDTH - 2 * _EDGE, 24)),
    )
    for text, height_px, colour, box in texts:
        font = QFont(QGuiApplication.font())
        font.setPixelSize(height_px)
        font.setBold(text in (_NAME, NOTICE))
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, text)
    painter.end()
    return pixmap
