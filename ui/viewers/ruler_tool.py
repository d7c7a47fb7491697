"""The ruler in the user's hands: draws lines over a slice, chooses them and moves their ends."""

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QObject, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QShortcut
from PySide6.QtWidgets import QWidget

from desktop_app.domain.measurement import Point
from ui.viewers.gestures import Gesture, gesture_for, pointer_for
from ui.viewers.rulers import Ruler, RulerBoard
from ui.viewers.slice_view import SliceView

_NEAR_PIXELS = 9.0
_DRAG_PIXELS = 4.0
_WHILE_DRAGGING = frozenset({QEvent.Type.Wheel, QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride})


class _Grip(NamedTuple):
    ruler: int
    end: int


class RulerKeys(QObject):
    """Keys that work wherever the focus is while the tool is in hand: Delete and Escape."""

    def __init__(self, views: QWidget, board: RulerBoard) -> None:
        super().__init__(views)
        for keys, act in (
            (("Del", "Backspace"), board.remove_chosen),
            (("Esc",), lambda: board.set_active(False)),
        ):
            shortcut = QShortcut(views)
            shortcut.setKeys([QKeySequence(key) for key in keys])
            shortcut.setEnabled(False)
            shortcut.activated.connect(act)
            board.activated.connect(shortcut.setEnabled)


class RulerTool(QObject):
    """Takes the left button of a view while the tool is in hand; all else is left to the view."""

    def __init__(self, view: SliceView, board: RulerBoard) -> None:
        super().__init__(view)
        self._view = view
        self._board = board
        self._pressed: QPointF | None = None
        self._grip: _Grip | None = None
        view.set_rulers(board)
        view.installEventFilter(self)
        board.changed.connect(view.update)
        board.activated.connect(self.let_go)
        board.removed.connect(self.let_go)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Measure with what the view would move the crosshair with."""
        kind = event.type()
        if not isinstance(event, QMouseEvent) or not self._board.is_active:
            return self._pressed is not None and kind in _WHILE_DRAGGING and self._keep_out(event)
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            return self._press(event)
        if kind == QEvent.Type.MouseMove:
            return self._move(event)
        return kind == QEvent.Type.MouseButtonRelease and self._release(event)

    def _keep_out(self, event: QEvent) -> bool:
        """Let nothing but Escape through: another slice under the line would tear it apart."""
        if not (isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape):
            event.accept()  # else the key goes on as a shortcut of the window
        return True

    def _press(self, event: QMouseEvent) -> bool:
        gesture = gesture_for(
            event.button(),
            event.modifiers(),
            space_held=self._view.holds_space,
            has_tool=True,
        )
        if self._pressed is not None:
            return True
        if gesture is not Gesture.DRAW or self._view.frame is None:
            return False
        self._view.setFocus(Qt.FocusReason.MouseFocusReason)
        self._pressed = event.position()
        self._grip = self._grip_at(event.position())
        if self._grip is not None:
            self._board.choose(self._grip.ruler)
        return True

    def _move(self, event: QMouseEvent) -> bool:
        at = event.position()
        if self._pressed is None:
            is_near = self._grip_at(at) is not None
            shape = Qt.CursorShape.PointingHandCursor if is_near else pointer_for(Gesture.NONE)
            if self._view.cursor().shape() != shape:
                self._view.setCursor(shape)
            return False
        if event.buttons() == Qt.MouseButton.NoButton:
            self.let_go()  # the button was released where this view could not see it
            return False
        point = self._point(at)
        if self._grip is not None:
            self._board.move_end(self._grip.ruler, self._grip.end, point)
        elif QLineF(self._pressed, at).length() >= _DRAG_PIXELS:
            ruler = Ruler(self._view.plane, (self._point(self._pressed), point))
            self._grip = _Grip(self._board.add(ruler), 1)
        return True

    def _release(self, event: QMouseEvent) -> bool:
        if self._pressed is None:
            return False
        if event.button() != Qt.MouseButton.LeftButton:
            return True
        if self._grip is None:
            self._board.choose(self._line_at(event.position()))
        self.let_go()
        return True

    def let_go(self) -> None:
        """End a drag where it is; the line drawn so far stays."""
        self._pressed = self._grip = None
        self._view.setCursor(pointer_for(Gesture.NONE))

    def _point(self, at: QPointF) -> Point:
        """Return what is shown there, or the nearest place inside the image."""
        point, frame = self._view.point_at(at), self._view.frame
        if point is None or frame is None:
            raise ValueError("there is no slice to measure")
        left, posterior, superior = frame.nearest_inside(point).tolist()
        return left, posterior, superior

    def _lines(self) -> dict[int, QLineF]:
        """Return the rulers shown, in logical pixels."""
        frame, view = self._view.frame, self._view
        if frame is None:
            return {}
        lines = {}
        for index in self._board.shown_in(frame, view.step):
            first, second = (
                view.position_of(np.array(end)) for end in self._board.rulers[index].ends
            )
            if first is not None and second is not None:
                lines[index] = QLineF(first, second)
        return lines

    def _grip_at(self, at: QPointF) -> _Grip | None:
        """Return the nearest end within reach."""
        ends = [
            (QLineF(at, end).length(), _Grip(index, number))
            for index, line in self._lines().items()
            for number, end in enumerate((line.p1(), line.p2()))
        ]
        distance, grip = min(ends, default=(_NEAR_PIXELS, None))
        return grip if distance < _NEAR_PIXELS else None

    def _line_at(self, at: QPointF) -> int | None:
        """Return the nearest ruler within reach."""
        distances = [(_distance(at, line), index) for index, line in self._lines().items()]
        distance, index = min(distances, default=(_NEAR_PIXELS, None))
        return index if distance < _NEAR_PIXELS else None


def _distance(at: QPointF, line: QLineF) -> float:
    along, offset = line.p2() - line.p1(), at - line.p1()
    square = QPointF.dotProduct(along, along)
    share = QPointF.dotProduct(offset, along) / square if square else 0.0
    return QLineF(at, line.pointAt(min(max(share, 0.0), 1.0))).length()
