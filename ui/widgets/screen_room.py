"""How large a dialog may be on the screen that it opens on."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog

# The rest is for the frame around it, which has no size yet.
_PART_OF_SCREEN = 0.9


def resize_within_screen(dialog: QDialog, width: int, height: int) -> None:
    """Give a dialog this size, or less where its foot would lie below the edge of the screen."""
    room = (dialog.parentWidget() or dialog).screen().availableSize() * _PART_OF_SCREEN
    dialog.resize(QSize(width, height).boundedTo(room))
