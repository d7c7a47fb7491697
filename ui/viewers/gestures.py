"""What a press of the mouse over a slice means."""

from enum import Enum

from PySide6.QtCore import Qt


class Gesture(Enum):
    """What a drag does until the button is released."""

    NONE = "none"
    CURSOR = "cursor"
    WINDOW = "window"
    PAN = "pan"


_CURSORS = {
    Gesture.NONE: Qt.CursorShape.CrossCursor,
    Gesture.CURSOR: Qt.CursorShape.CrossCursor,
    Gesture.WINDOW: Qt.CursorShape.SizeAllCursor,
    Gesture.PAN: Qt.CursorShape.ClosedHandCursor,
}

SLICE_HELP = (
    "Left drag: move the crosshair\n"
    "Right drag (or Shift + left): window – sideways contrast, up and down brightness\n"
    "Middle drag (or Space + left): pan\n"
    "Wheel, arrows up and down: next slice; Page Up and Down: five slices; Home, End\n"
    "Ctrl + wheel, + and −: zoom\n"
    "Shift + arrows: move the crosshair within the slice\n"
    "Double-click, Enter: one view or all; R: reset; X: crosshair; hold H: hide the overlay"
)
VOLUME_HELP = (
    "Left drag, arrows: turn\n"
    "Middle drag (or Shift + left): pan\n"
    "Wheel, right drag, + and −: zoom\n"
    "Ctrl + click on a surface: move the crosshair there\n"
    "A, P, L, R, S, I: look from that side; Home: reset\n"
    "Double-click, Enter: one view or all"
)


def gesture_for(
    button: Qt.MouseButton, modifiers: Qt.KeyboardModifier, *, space_held: bool
) -> Gesture:
    """Return what dragging with this button does over a slice."""
    if button == Qt.MouseButton.MiddleButton:
        return Gesture.PAN
    if button == Qt.MouseButton.RightButton:
        return Gesture.WINDOW
    if button != Qt.MouseButton.LeftButton:
        return Gesture.NONE
    if space_held:
        return Gesture.PAN
    return Gesture.WINDOW if modifiers & Qt.KeyboardModifier.ShiftModifier else Gesture.CURSOR


def pointer_for(gesture: Gesture) -> Qt.CursorShape:
    """Return the shape of the pointer during a gesture."""
    return _CURSORS[gesture]
