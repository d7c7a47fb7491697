"""Lines that a person lays over slices to measure them, in millimetres of the patient."""

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, Signal

from desktop_app.domain.measurement import Point
from ui.viewers.planes import Plane, PlaneFrame


@dataclass(frozen=True, slots=True)
class Ruler:
    """A straight line within one slice.

    Parameters
    ----------
    plane
        The plane of sight it was drawn in.
    ends
        Patient coordinates of its ends.
    """

    plane: Plane
    ends: tuple[Point, Point]

    @property
    def length_mm(self) -> float:
        """Distance of its ends in the patient, whatever the grid's spacing and direction."""
        return float(np.linalg.norm(np.subtract(*self.ends)))

    @property
    def text(self) -> str:
        """The length as it is written beside the line."""
        return f"{self.length_mm:.1f} mm"

    def lies_in(self, frame: PlaneFrame, step: int) -> bool:
        """Tell whether it was drawn on this slice, the `step`-th of the frame's."""
        through_mm = frame.spacing_mm[2]
        steps = {round(float(frame.to_uvw_mm(np.array(end))[2] / through_mm)) for end in self.ends}
        return frame.plane is self.plane and steps == {step}


class RulerBoard(QObject):
    """The rulers of the study that is open, the chosen one, and whether the tool is in hand.

    Signals
    -------
    changed()
        The rulers, or which one is chosen.
    removed()
        Indices held before are void.
    activated(bool)
        The tool was taken in hand, or put away.
    """

    changed = Signal()
    removed = Signal()
    activated = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rulers: list[Ruler] = []
        self._chosen: int | None = None
        self._is_active = False

    @property
    def rulers(self) -> tuple[Ruler, ...]:
        """All of them, the latest last."""
        return tuple(self._rulers)

    @property
    def chosen(self) -> int | None:
        """Index of the ruler that *Delete* removes."""
        return self._chosen

    @property
    def is_active(self) -> bool:
        """Whether the left button measures."""
        return self._is_active

    def set_active(self, active: bool) -> None:
        """Take the tool in hand, or put it away; the rulers stay."""
        if active == self._is_active:
            return
        self._is_active = active
        if not active:
            self.choose(None)
        self.activated.emit(active)

    def add(self, ruler: Ruler) -> int:
        """Add one, choose it and return its index."""
        self._rulers.append(ruler)
        self._chosen = len(self._rulers) - 1
        self.changed.emit()
        return self._chosen

    def move_end(self, index: int, end: int, point: Point) -> None:
        """Move the first (0) or second (1) end of a ruler."""
        first, second = self._rulers[index].ends
        ends = (first, point) if end else (point, second)
        self._rulers[index] = replace(self._rulers[index], ends=ends)
        self.changed.emit()

    def choose(self, index: int | None) -> None:
        """Choose one, or none."""
        if index != self._chosen:
            self._chosen = index
            self.changed.emit()

    def remove_chosen(self) -> None:
        """Remove the chosen one; without one, nothing."""
        if self._chosen is not None:
            del self._rulers[self._chosen]
            self._chosen = None
            self.removed.emit()
            self.changed.emit()

    def clear(self) -> None:
        """Remove all of them; a line that is being begun is given up too."""
        self.removed.emit()
        if self._rulers:
            self._rulers.clear()
            self._chosen = None
            self.changed.emit()

    def shown_in(self, frame: PlaneFrame, step: int) -> tuple[int, ...]:
        """Return the indices of those drawn on a slice."""
        return tuple(n for n, one in enumerate(self._rulers) if one.lies_in(frame, step))
