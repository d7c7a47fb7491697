"""Buttons beside each other of which one is chosen at a time."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QToolButton

_Choice = TypeVar("_Choice")
_SPACE = 14


def add_choice(
    row: QHBoxLayout, titles: Mapping[_Choice, str], choose: Callable[[_Choice], None]
) -> dict[_Choice, QToolButton]:
    """Add a button for each choice to a row, and some space behind them."""
    # Owned by one of its buttons, it lasts as long as they do
    group: QButtonGroup | None = None
    buttons = {}
    for one, title in titles.items():
        button = QToolButton()
        group = group or QButtonGroup(button)
        button.setText(title)
        button.setCheckable(True)
        button.clicked.connect(lambda _, chosen=one: choose(chosen))
        group.addButton(button)
        row.addWidget(button)
        buttons[one] = button
    row.addSpacing(_SPACE)
    return buttons


def with_key(button: QToolButton, effect: str, key: str) -> None:
    """Give a button a key, and say what it does and which key does it."""
    button.setToolTip(f"{effect} ({key.replace('+', ' + ')})")
    button.setAccessibleName(effect)
    press_by(button, key)


def press_by(button: QAbstractButton, key: str) -> None:
    """Have a key press a button at once, while it is seen and can be pressed.

    A shortcut of the button's own would press it for a tenth of a second first, and whoever draws
    meanwhile would draw with the tool or region before.
    """
    shortcut = QShortcut(QKeySequence(key), button, button.click)
    shortcut.setAutoRepeat(False)
