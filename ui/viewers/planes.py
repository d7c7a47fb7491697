"""Anatomical planes of a grid, seen in radiological convention.

Pure geometry, no toolkit: which axis of the reference grid runs across the screen, which down it,
which through it, and what letters belong to its sides.
"""

from dataclasses import dataclass
from enum import Enum
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry

_LEFT, _POSTERIOR, _SUPERIOR = np.eye(3)
_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))  # towards +, towards - of each LPS axis
# A side gets a second letter where its axis leans more than 20 degrees towards another one.
_SECOND_LETTER_COMPONENT = float(np.sin(np.radians(20)))


class Plane(Enum):
    """A plane of sight: what lies to the right of the screen, below, and where scrolling leads.

    The patient's right is on the left of the screen (axial, coronal), the face looks to the left
    (sagittal), as radiologists expect.
    """

    AXIAL = ("Axial", (1, 0, 0), (0, 1, 0), (0, 0, 1))
    CORONAL = ("Coronal", (1, 0, 0), (0, 0, -1), (0, -1, 0))
    SAGITTAL = ("Sagittal", (0, 1, 0), (0, 0, -1), (1, 0, 0))

    def __init__(
        self,
        title: str,
        right_lps: tuple[int, int, int],
        down_lps: tuple[int, int, int],
        forward_lps: tuple[int, int, int],
    ) -> None:
        self.title = title
        self.right_lps = right_lps
        self.down_lps = down_lps
        self.forward_lps = forward_lps


def nearest_voxel_axes(geometry: Geometry) -> tuple[int, int, int]:
    """Return which voxel axis (0 = i, 1 = j, 2 = k) runs nearest to L, to P and to S.

    The assignment is one to one and has the greatest total alignment.
    """
    alignment = np.abs(geometry.direction_lps)  # rows L, P, S; columns i, j, k
    # max() keeps the first of equals, so an exact 45 degree oblique is decided the same way always
    best = max(permutations(range(3)), key=lambda axes: round(_total(alignment, axes), 6))
    return best[0], best[1], best[2]


def _total(alignment: NDArray[np.float64], axes: tuple[int, ...]) -> float:
    return float(sum(alignment[row, axis] for row, axis in enumerate(axes)))


def direction_letters(direction_lps: NDArray[np.float64]) -> str:
    """Return the side a direction points to: ``R L A P S I``, two of them on oblique grids.

    Parameters
    ----------
    direction_lps
        (3,) direction of any length.
    """
    unit = np.asarray(direction_lps, dtype=np.float64) / np.linalg.norm(direction_lps)
    order = np.argsort(-np.abs(unit), kind="stable")
    letters = [_LETTERS[axis][0 if unit[axis] > 0 else 1] for axis in order]
    if abs(unit[order[1]]) < _SECOND_LETTER_COMPONENT:
        return letters[0]
    return letters[0] + letters[1]


def position_text(point_lps_mm: NDArray[np.float64]) -> str:
    """Return a position as clinicians read it: ``R 12.3  A 40.1  S 7.0 mm``."""
    parts = []
    for value, (positive, negative) in zip(point_lps_mm, _LETTERS, strict=True):
        rounded = round(float(value), 1)
        parts.append(f"{positive if rounded >= 0 else negative} {abs(rounded):.1f}")
    return "  ".join(parts) + " mm"


@dataclass(frozen=True, slots=True, eq=False)
class PlaneFrame:
    """The slices of a grid along one plane, in millimetres across (u), down (v) and through (w).

    u, v, w are 0 at the centre of the first voxel of the first slice and grow to the right, down
    and in the direction of scrolling.

    Parameters
    ----------
    plane
        The plane of sight.
    origin_lps_mm
        (3,) patient coordinates of u = v = w = 0.
    axes_lps
        3 × 3; columns are the unit vectors of u, v and w.
    counts
        Voxels across, down and through.
    spacing_mm
        Their distances.
    is_reversed
        Whether slices count down where w grows.
    """

    plane: Plane
    origin_lps_mm: NDArray[np.float64]
    axes_lps: NDArray[np.float64]
    counts: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    is_reversed: bool

    @classmethod
    def of(cls, geometry: Geometry, plane: Plane) -> "PlaneFrame":
        """Choose the grid's axes nearest to the plane's."""
        nearest = nearest_voxel_axes(geometry)
        wanted = np.array([plane.right_lps, plane.down_lps, plane.forward_lps], dtype=np.float64)
        directions = geometry.direction_lps
        shape_ijk = geometry.shape_kji[::-1]
        spacing_ijk = geometry.spacing_mm[::-1]
        axes = np.empty((3, 3))
        corner_ijk = np.zeros(3)
        voxel_axes = [nearest[int(np.argmax(np.abs(direction)))] for direction in wanted]
        flipped = []
        for column, (direction, axis) in enumerate(zip(wanted, voxel_axes, strict=True)):
            is_flipped = bool(directions[:, axis] @ direction < 0)
            flipped.append(is_flipped)
            axes[:, column] = -directions[:, axis] if is_flipped else directions[:, axis]
            corner_ijk[axis] = shape_ijk[axis] - 1 if is_flipped else 0
        across, down, through = voxel_axes
        return cls(
            plane,
            geometry.to_patient_mm(corner_ijk[::-1]),
            axes,
            (shape_ijk[across], shape_ijk[down], shape_ijk[through]),
            (spacing_ijk[across], spacing_ijk[down], spacing_ijk[through]),
            flipped[2],
        )

    def to_uvw_mm(self, point_lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map (3,) patient coordinates to u, v, w."""
        offset = np.asarray(point_lps_mm, dtype=np.float64) - self.origin_lps_mm
        return np.asarray(np.linalg.solve(self.axes_lps, offset), dtype=np.float64)

    def to_patient_mm(self, u_mm: float, v_mm: float, w_mm: float) -> NDArray[np.float64]:
        """Map u, v, w to (3,) patient coordinates."""
        point: NDArray[np.float64] = self.origin_lps_mm + self.axes_lps @ (u_mm, v_mm, w_mm)
        return point

    def nearest_inside(self, point_lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the point, or the nearest one in the slice's outermost voxels."""
        u_mm, v_mm, w_mm = self.to_uvw_mm(point_lps_mm)
        (du, dv, _), (left, top, right, bottom) = self.spacing_mm, self.bounds_mm
        # A little off the edge, which would round to a voxel that is not there
        edge_u, edge_v = du * 1e-3, dv * 1e-3
        return self.to_patient_mm(
            min(max(u_mm, left + edge_u), right - edge_u),
            min(max(v_mm, top + edge_v), bottom - edge_v),
            w_mm,
        )

    def step_at(self, point_lps_mm: NDArray[np.float64]) -> int:
        """Return the step (0 = first in scrolling order) of the slice nearest to a point."""
        step = round(float(self.to_uvw_mm(point_lps_mm)[2]) / self.spacing_mm[2])
        return min(max(step, 0), self.counts[2] - 1)

    def slice_number(self, step: int) -> int:
        """Return the 1-based number, in the order of the series, of a step."""
        return self.counts[2] - step if self.is_reversed else step + 1

    @property
    def bounds_mm(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom edge of the outermost voxels in u, v."""
        (across, down, _), (du, dv, _) = self.counts, self.spacing_mm
        return -du / 2, -dv / 2, (across - 0.5) * du, (down - 0.5) * dv

    @property
    def side_letters(self) -> tuple[str, str, str, str]:
        """Letters of the left, top, right and bottom side of the screen."""
        right, down = self.axes_lps[:, 0], self.axes_lps[:, 1]
        return (
            direction_letters(-right),
            direction_letters(-down),
            direction_letters(right),
            direction_letters(down),
        )
