"""Buttons beside each other of which one is chosen at a time."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton

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
    button.setShortcut(key)
