"""What a press of the mouse over a slice means."""

from enum import Enum

from PySide6.QtCore import Qt


class Gesture(Enum):
    """What a drag does until the button is released."""

    NONE = "none"
    CURSOR = "cursor"
    WINDOW = "window"
    PAN = "pan"
    DRAW = "draw"


class WheelSteps:
    """Adds up what a wheel turns: touchpads send fractions of a notch."""

    def __init__(self) -> None:
        self._notches = 0.0

    def whole(self, notches: float) -> int:
        """Turn on; return how many whole notches that makes now."""
        self._notches += notches
        steps = int(self._notches)
        self._notches -= steps
        return steps


_CURSORS = {
    Gesture.NONE: Qt.CursorShape.CrossCursor,
    Gesture.CURSOR: Qt.CursorShape.CrossCursor,
    Gesture.WINDOW: Qt.CursorShape.SizeAllCursor,
    Gesture.PAN: Qt.CursorShape.ClosedHandCursor,
    Gesture.DRAW: Qt.CursorShape.CrossCursor,
}

_OTHER_BUTTONS = {
    Qt.MouseButton.MiddleButton: Gesture.PAN,
    Qt.MouseButton.RightButton: Gesture.WINDOW,
}

# One line per operation, "keys: effect", also shown as a table by the help dialog.
SLICE_HELP = (
    "Left drag: move the crosshair\n"
    "Right drag, Shift + left drag: window (sideways contrast, up and down brightness)\n"
    "W, double-click on W and L: type window and level\n"
    "Middle drag, Space + left drag: pan\n"
    "Ctrl + wheel, + and −: zoom\n"
    "Wheel, arrow keys: next and previous slice\n"
    "Page Up, Page Down: five slices on or back\n"
    "Home, End: first and last slice\n"
    "Shift + arrow keys: move the crosshair within the slice\n"
    "G: crosshair under the pointer\n"
    "Double-click, Enter: this view alone, or all\n"
    "R: reset zoom and pan\n"
    "X: crosshair on or off\n"
    "Hold H: hide the overlay"
)
CORRECTION_HELP = (
    "E: correct the labels, or look only\n"
    "B, L, P, M: brush, outline, part, move the crosshair\n"
    "5, 6, 7, 8: enhancing tumour, NCR, oedema, erase\n"
    "Left drag: draw\n"
    "Ctrl + left drag: erase\n"
    "Escape: give up what is being drawn\n"
    "Alt + left drag, Ctrl + Shift + left drag: move the crosshair\n"
    "Shift + wheel, [ and ]: size of the brush\n"
    "T: brush as a ball, or flat\n"
    "N: the next choice of what may change\n"
    "More: fill, grow, margin, smooth, the network's certainty\n"
    "Ctrl + Z, Ctrl + Shift + Z: undo, redo"
)
RULER_HELP = (
    "D: take the ruler, or put it away\n"
    "Left drag: draw a line, or move an end of one\n"
    "Alt + left drag: move the crosshair\n"
    "Click a line: choose it\n"
    "Delete: remove the chosen one\n"
    "Escape: put the ruler away"
)
VOLUME_HELP = (
    "Left drag, arrow keys: turn\n"
    "Middle drag, Shift + left drag: pan\n"
    "Right drag, wheel, + and −: zoom\n"
    "Ctrl + click on a surface: move the crosshair there\n"
    "Click a letter, Shift + A P L R S I: look from that side\n"
    "Double-click, Enter: this view alone, or all\n"
    "R: reset"
)


def gesture_for(
    button: Qt.MouseButton,
    modifiers: Qt.KeyboardModifier,
    *,
    space_held: bool,
    has_tool: bool = False,
) -> Gesture:
    """Return what dragging with this button does over a slice.

    Parameters
    ----------
    has_tool
        Whether labels are being corrected.
    """
    if button != Qt.MouseButton.LeftButton:
        return _OTHER_BUTTONS.get(button, Gesture.NONE)
    if space_held:
        return Gesture.PAN
    is_shifted = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
    # Some desktops take Alt + drag to move the window
    is_with_ctrl = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
    if modifiers & Qt.KeyboardModifier.AltModifier or (is_shifted and is_with_ctrl):
        return Gesture.CURSOR
    if is_shifted:
        return Gesture.WINDOW
    return Gesture.DRAW if has_tool else Gesture.CURSOR


def pointer_for(gesture: Gesture) -> Qt.CursorShape:
    """Return the shape of the pointer during a gesture."""
    return _CURSORS[gesture]
