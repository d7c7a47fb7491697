"""Where a region lies: its middle, its box, and on which side of the brain."""

import math
from dataclasses import dataclass
from enum import StrEnum

from desktop_app.domain.measurement import Point

SIDE_NOT_TOLD = "side not told"
# A voxel or two across the mid-plane, which is itself known to a few millimetres, is not a second
# side.
_ONE_SIDE_SHARE = 0.95
_ROUNDING = 1e-9
_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))


class Side(StrEnum):
    """The patient's own sides."""

    RIGHT = "right"
    LEFT = "left"
    BOTH = "both sides"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the marked voxels of a region lie.

    Parameters
    ----------
    centre_lps_mm
        The mean of their centres.
    box_lps_mm
        Lowest and highest L, P and S of their centres.
    right_share
        How much of the region lies on the patient's right of the brain's mid-plane, 0 to 1;
        ``None`` where that plane, or the sides themselves, are doubtful.

    Raises
    ------
    ValueError
        If the share is out of range.
    """

    centre_lps_mm: Point
    box_lps_mm: tuple[Point, Point]
    right_share: float | None = None

    def __post_init__(self) -> None:
        if self.right_share is not None and not 0 <= self.right_share <= 1:
            raise ValueError(f"no share: {self.right_share}")

    @property
    def side(self) -> Side | None:
        """The side that at least 95 % lie on, or both; ``None`` where it is not told."""
        if self.right_share is None:
            return None
        if self.right_share >= _ONE_SIDE_SHARE:
            return Side.RIGHT
        return Side.LEFT if self.right_share <= 1 - _ONE_SIDE_SHARE else Side.BOTH

    @property
    def side_in_words(self) -> str:
        """``right``, ``left``, ``both sides: 92 % right`` or that it is not told."""
        if self.right_share is None or self.side is None:
            return SIDE_NOT_TOLD
        if self.side is not Side.BOTH:
            return self.side.value
        larger = Side.RIGHT if self.right_share >= 0.5 else Side.LEFT
        share = max(self.right_share, 1 - self.right_share)
        # Never rounded up to what counts as one side.
        return f"{Side.BOTH}: {math.floor(100 * share + _ROUNDING)} % {larger}"

    @property
    def centre_in_words(self) -> str:
        """The middle as archives write places: ``R 32, P 4, S 38 mm``."""
        rounded = [round(mm) for mm in self.centre_lps_mm]
        told = (f"{_LETTERS[axis][mm >= 0]} {abs(mm)}" for axis, mm in enumerate(rounded))
        return f"{', '.join(told)} mm"
