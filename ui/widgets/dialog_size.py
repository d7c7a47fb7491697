"""How large dialogs are: as they were left, and never larger than the screen they open on."""

import re
from collections.abc import Iterable

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog

# The rest is for the frame around it, which has no size yet.
_PART_OF_SCREEN = 0.9
_KEPT = re.compile(r"(\w+) ([1-9]\d{1,4}) ([1-9]\d{1,4})", re.ASCII)
# By kind of dialog; only of those that somebody drew larger or smaller.
_sizes: dict[str, QSize] = {}


def give_size(dialog: QDialog, width: int, height: int) -> None:
    """Give a dialog the size it was left in, else this one; less where the screen ends before."""
    kind = type(dialog).__name__
    room = (dialog.parentWidget() or dialog).screen().availableSize() * _PART_OF_SCREEN
    first = _sizes.get(kind, QSize(width, height)).boundedTo(room)
    dialog.resize(first)

    def note() -> None:
        last = dialog.normalGeometry().size()
        if last != first.expandedTo(dialog.minimumSizeHint()):
            _sizes[kind] = last

    dialog.finished.connect(note)


def restore_sizes(kept: Iterable[str]) -> None:
    """Take what `kept_sizes` told; a text that it did not tell changes nothing."""
    found = (_KEPT.fullmatch(one) for one in kept)
    _sizes.clear()
    _sizes.update({one[1]: QSize(int(one[2]), int(one[3])) for one in found if one})


def kept_sizes() -> tuple[str, ...]:
    """Return kind, width and height in logical pixels of each dialog that somebody resized."""
    return tuple(f"{kind} {size.width()} {size.height()}" for kind, size in _sizes.items())
