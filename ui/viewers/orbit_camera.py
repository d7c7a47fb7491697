"""The eye of the surface view: turning, zooming and projecting without a toolkit."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

VIEW_ANGLE_DEG = 24.0
_TAN_HALF_ANGLE = float(np.tan(np.radians(VIEW_ANGLE_DEG / 2)))
_DEGREES_PER_PIXEL = 0.45
_FIT_MARGIN = 1.08


def _front_axes() -> NDArray[np.float64]:
    """Look from the front, a little from the patient's left and from above."""
    axes = _axes_looking_from(np.array([0.42, -0.84, 0.34]), np.array([0.0, 0.0, 1.0]))
    axes.setflags(write=False)
    return axes


def _axes_looking_from(back: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    back = back / np.linalg.norm(back)
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(back, right), back], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class OrbitCamera:
    """A perspective camera that turns about a point.

    Parameters
    ----------
    focus_lps_mm
        (3,) what it looks at.
    distance_mm
        From there to the eye.
    axes_lps
        3 × 3; columns point to the right and the top of the screen, and to the viewer.
    """

    focus_lps_mm: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    distance_mm: float = 500.0
    axes_lps: NDArray[np.float64] = field(default_factory=_front_axes)

    @property
    def eye_lps_mm(self) -> NDArray[np.float64]:
        """(3,) where the eye is."""
        eye: NDArray[np.float64] = self.focus_lps_mm + self.distance_mm * self.axes_lps[:, 2]
        return eye

    @property
    def up_lps(self) -> NDArray[np.float64]:
        """(3,) direction of the top of the screen."""
        return self.axes_lps[:, 1]

    def fitted(self, centre_lps_mm: NDArray[np.float64], radius_mm: float) -> "OrbitCamera":
        """Keep the direction, show a sphere whole."""
        sine = float(np.sin(np.radians(VIEW_ANGLE_DEG / 2)))
        return replace(
            self,
            focus_lps_mm=np.asarray(centre_lps_mm, dtype=np.float64),
            distance_mm=max(radius_mm, 1.0) / sine * _FIT_MARGIN,
        )

    def looking_from(
        self, direction_lps: tuple[float, float, float], up_lps: tuple[float, float, float]
    ) -> "OrbitCamera":
        """Keep focus and distance, look from a side of the patient."""
        return replace(self, axes_lps=_axes_looking_from(np.array(direction_lps), np.array(up_lps)))

    def reset(self) -> "OrbitCamera":
        """Keep focus and distance, look as at the beginning."""
        return replace(self, axes_lps=_front_axes())

    def turned(self, dx: float, dy: float) -> "OrbitCamera":
        """Turn as if the object were dragged by so many pixels (down is positive)."""
        about_up = _rotation(self.axes_lps[:, 1], -dx * _DEGREES_PER_PIXEL)
        about_right = _rotation(self.axes_lps[:, 0], -dy * _DEGREES_PER_PIXEL)
        axes = about_up @ about_right @ self.axes_lps
        # Rounding would slowly shear the axes
        return replace(self, axes_lps=_axes_looking_from(axes[:, 2], axes[:, 1]))

    def zoomed(self, factor: float) -> "OrbitCamera":
        """Come nearer by a factor."""
        return replace(self, distance_mm=min(max(self.distance_mm / factor, 5.0), 1e5))

    def panned(self, dx: float, dy: float, height: float) -> "OrbitCamera":
        """Move the picture by so many pixels in a view of this height."""
        shift = self.axes_lps[:, 0] * -dx + self.axes_lps[:, 1] * dy
        mm_per_pixel = 2 * self.distance_mm * _TAN_HALF_ANGLE / height
        return replace(self, focus_lps_mm=self.focus_lps_mm + shift * mm_per_pixel)

    def project(
        self, point_lps_mm: NDArray[np.float64], width: float, height: float
    ) -> tuple[float, float] | None:
        """Return the pixel of a point, from the top left; ``None`` behind the eye."""
        right, up, back = self.axes_lps.T @ (
            np.asarray(point_lps_mm, dtype=np.float64) - self.eye_lps_mm
        )
        if back >= -1e-6:
            return None
        pixels = height / 2 / (-back * _TAN_HALF_ANGLE)
        return float(width / 2 + right * pixels), float(height / 2 - up * pixels)


def _rotation(axis: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    """Return the rotation matrix about a unit axis (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    matrix: NDArray[np.float64] = (
        np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    )
    return matrix
