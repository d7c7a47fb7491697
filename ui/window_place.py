"""Where the window stood, kept as text; back on a screen that is there now."""

from dataclasses import dataclass
from typing import Self

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

_SMALLEST = (800, 500)
# Above a window's contents; without it on the screen the window could not be moved.
_TITLE_BAR = 32
# Beyond any desktop; numbers much larger do not fit into a rectangle of Qt.
_FARTHEST = 100_000


@dataclass(frozen=True, slots=True)
class WindowPlace:
    """Position and size in logical pixels, and whether the window filled its screen."""

    rect: QRect
    is_maximised: bool = False

    @classmethod
    def of(cls, window: QMainWindow) -> Self:
        """Return the place of a window; of one that fills its screen, where it stood before."""
        return cls(window.normalGeometry(), window.isMaximized())

    @classmethod
    def first(cls, window: QMainWindow) -> Self:
        """Return the place of a window that nobody has moved: the middle of the main screen."""
        rect = QRect(QPoint(), window.size())
        rect.moveCenter(QGuiApplication.primaryScreen().availableGeometry().center())
        return cls(rect)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` wrote; ``None`` where it is nothing of the kind."""
        numbers = text.split(",")
        try:
            left, top, width, height, maximised = (int(one) for one in numbers)
        except ValueError:
            return None
        if max(abs(one) for one in (left, top, width, height)) > _FARTHEST:
            return None
        return cls(QRect(left, top, width, height), bool(maximised))

    def __str__(self) -> str:
        """Return five numbers with commas between them."""
        place = self.rect
        parts = (place.x(), place.y(), place.width(), place.height(), int(self.is_maximised))
        return ",".join(str(part) for part in parts)

    def restore(self, window: QMainWindow) -> None:
        """Put a window there, as far as it lies on a screen."""
        screens = [
            screen.availableGeometry().adjusted(0, _TITLE_BAR, 0, 0)
            for screen in QGuiApplication.screens()
        ]
        window.setGeometry(clamped(self.rect, screens))
        if self.is_maximised:
            window.showMaximized()


def clamped(rect: QRect, screens: list[QRect]) -> QRect:
    """Return the rectangle moved and shrunk into the screen that shows most of it.

    Parameters
    ----------
    screens
        What of each is free for windows; the first one is taken where none shows anything.
    """

    def shown(screen: QRect) -> int:
        both = screen.intersected(rect)
        return both.width() * both.height() if both.isValid() else 0

    screen = max(screens, key=shown)
    width = min(max(rect.width(), _SMALLEST[0]), screen.width())
    height = min(max(rect.height(), _SMALLEST[1]), screen.height())
    left = min(max(rect.left(), screen.left()), screen.left() + screen.width() - width)
    top = min(max(rect.top(), screen.top()), screen.top() + screen.height() - height)
    return QRect(left, top, width, height)
