"""The program's icon in the containers that Windows and macOS want, drawn from the one SVG."""

import io
import os
from pathlib import Path

ICON = Path(__file__).resolve().parents[1] / "assets" / "icons" / "gliascope.svg"

# https://learn.microsoft.com/windows/apps/design/style/iconography/app-icon-construction
ICO_SIZES = (16, 20, 24, 32, 40, 48, 64, 128, 256)
# What ICNS has a type for; 1024 is 512 points on a display of double density.
ICNS_SIZES = (16, 32, 64, 128, 256, 512, 1024)


def draw_png(side: int) -> bytes:
    """Return the icon as PNG, `side` pixels wide and high."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice
    from PySide6.QtGui import QImage, QImageWriter, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(side, side, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(ICON)).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())


def write_ico(path: Path) -> None:
    """Write the icon for Windows."""
    _write(path, "ICO", ICO_SIZES)


def write_icns(path: Path) -> None:
    """Write the icon for macOS."""
    _write(path, "ICNS", ICNS_SIZES)


def _write(path: Path, container: str, sides: tuple[int, ...]) -> None:
    from PIL import Image

    drawn = [Image.open(io.BytesIO(draw_png(side))) for side in sides]
    sizes = [(side, side) for side in sides]
    path.parent.mkdir(parents=True, exist_ok=True)
    # Each size is drawn for itself: a small icon shrunk from the large one would be a smear.
    drawn[-1].save(path, container, sizes=sizes, append_images=drawn[:-1])
