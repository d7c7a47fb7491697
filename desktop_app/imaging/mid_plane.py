"""The plane that the brain is most nearly a mirror image of itself about."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from desktop_app.domain.geometry import Geometry

FloatArray = NDArray[np.float64]

# Enough points to find the plane within a degree and a millimetre in a fraction of a second.
_POINTS_MM = 4.0
_SMOOTH_MM = 2.0
_STARTS_DEG = (-20.0, 0.0, 20.0)
# A head lies in the scanner within it; beyond, front and back or top and bottom come near.
_MAX_TILT_DEG = 40.0
# Brains of patients agree with their mirror images by 0.94 to 0.96, also lower and upper halves and
# slabs of them by 0.89 to 0.95; cut obliquely through one side, when another plane is found, by
# 0.885 or less.
_LEAST_AGREEMENT = 0.89
# Of the largest slice; as the top of a head that is cut, see `preflight.pixels`.
_MAX_END_AREA = 0.25


@dataclass(frozen=True, slots=True)
class MidPlane:
    """A plane through the brain: all points with ``normal · point = offset``.

    Parameters
    ----------
    normal_lps
        Unit vector towards the patient's left.
    offset_mm
        Its distance from the origin of the patient's coordinates.
    agreement
        Dice of the brain with its mirror image.
    """

    normal_lps: tuple[float, float, float]
    offset_mm: float
    agreement: float

    def is_right(self, points_lps_mm: FloatArray) -> NDArray[np.bool_]:
        """Return which of (..., 3) points lie on the patient's right of it."""
        right: NDArray[np.bool_] = points_lps_mm @ np.array(self.normal_lps) < self.offset_mm
        return right


def find_mid_plane(brain_kji: NDArray[np.bool_], geometry: Geometry) -> MidPlane | None:
    """Find the plane of mirror symmetry of a brain, whichever way the head was turned.

    Parameters
    ----------
    brain_kji
        (k, j, i) mask on a grid whose axes are near LPS in this order: k → S, j → P, i → L.

    Returns
    -------
    MidPlane or None
        ``None`` where it is doubtful: no brain, one that is cut off on a side, or none that has a
        mirror plane within 40 degrees of the sagittal one.
    """
    if not brain_kji.any() or _is_cut_on_a_side(brain_kji):
        return None
    points = _points(brain_kji, geometry)
    centre = points.mean(axis=0)
    spacing = np.array(geometry.spacing_mm)
    soft = ndimage.gaussian_filter(brain_kji.astype(np.float32), _SMOOTH_MM / spacing)
    across = geometry.direction_lps[:, 0]

    def agreement(parameters: FloatArray) -> float:
        normal = _normal(parameters, geometry.direction_lps)
        distance = (points - centre) @ normal - parameters[2]
        mirrored = points - 2 * distance[:, np.newaxis] * normal
        at = np.moveaxis(geometry.to_index_kji(mirrored), -1, 0)
        return float(ndimage.map_coordinates(soft, at, order=1).mean())

    starts = [np.array([yaw, roll, 0.0]) for yaw in _STARTS_DEG for roll in _STARTS_DEG]
    best = max(starts, key=agreement)
    simplex = best + np.vstack([np.zeros(3), np.diag([8.0, 8.0, 6.0])])
    found = optimize.minimize(
        lambda parameters: -agreement(parameters),
        best,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 0.05, "fatol": 1e-5, "maxiter": 200},
    )
    normal = _normal(found.x, geometry.direction_lps)
    offset_mm = float(centre @ normal + found.x[2])
    tilt = np.rad2deg(np.arccos(np.clip(normal @ across, -1, 1)))
    if -found.fun < _LEAST_AGREEMENT or tilt > _MAX_TILT_DEG:
        return None
    left, posterior, superior = (float(one) for one in normal)
    return MidPlane((left, posterior, superior), offset_mm, -float(found.fun))


def _normal(parameters: FloatArray, direction_lps: FloatArray) -> FloatArray:
    """Turn the axis from side to side by two angles, towards the back and towards the top."""
    yaw, roll = np.deg2rad(parameters[:2])
    own = np.array([np.cos(yaw) * np.cos(roll), np.sin(yaw) * np.cos(roll), np.sin(roll)])
    normal: FloatArray = direction_lps @ own
    return normal


def _points(brain_kji: NDArray[np.bool_], geometry: Geometry) -> FloatArray:
    strides = [max(1, round(_POINTS_MM / mm)) for mm in geometry.spacing_mm]
    k, j, i = strides
    return geometry.to_patient_mm(np.argwhere(brain_kji[::k, ::j, ::i]) * np.array(strides))


def _is_cut_on_a_side(brain_kji: NDArray[np.bool_]) -> bool:
    """Whether the brain ends flat on the left or right, where the images end."""
    areas = brain_kji.sum(axis=(0, 1))
    inside = areas[np.flatnonzero(areas)]
    return bool(max(inside[0], inside[-1]) > _MAX_END_AREA * inside.max())
