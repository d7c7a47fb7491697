"""Where a registration starts when headers do not say how two images lie to each other."""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize
from scipy.spatial.transform import Rotation

from desktop_app.domain.volume import Volume
from desktop_app.imaging.similarity import binned_mutual_information

_POINTS = 3_000
_BINS = 16
_SMOOTHING_MM = 4.0
# Heads lie within this of each other's pose; finer steps are left to the descent.
_TRIED_DEG = (-22.0, 0.0, 22.0)
_DESCENTS = 3
_STEP_MM, _STEP_DEG = 12.0, 10.0
_TOLERANCE = 0.3
_MAX_STEPS = 180
_Matrix = NDArray[np.float64]


class StartSearch:
    """Compares coarse versions of two images under any rigid motion, quickly.

    Parameters
    ----------
    fixed, moving
        Images on cubic voxels.
    points_lps_mm
        (n, 3) points of the fixed head.
    """

    def __init__(self, fixed: Volume, moving: Volume, points_lps_mm: NDArray[np.float64]) -> None:
        step = max(1, len(points_lps_mm) // _POINTS)
        self._points = points_lps_mm[::step]
        self._centre = points_lps_mm.mean(axis=0)
        self._moving = _ranks(moving)
        self._geometry = moving.geometry
        index = np.rint(fixed.geometry.to_index_kji(self._points)).astype(int)
        self._fixed_bins = _ranks(fixed)[tuple(index.T)].astype(np.intp)

    def best(self, moving_centre_mm: NDArray[np.float64]) -> _Matrix:
        """Return the 4 × 4 motion from fixed to moving under which they agree best.

        Parameters
        ----------
        moving_centre_mm
            Middle of the moving head.
        """
        shifts = (np.zeros(3), moving_centre_mm - self._centre)
        poses = [
            np.array([*angles, *shift])
            for shift in shifts
            for angles in itertools.product(_TRIED_DEG, repeat=3)
        ]
        poses.sort(key=self._cost)
        simplex = np.vstack([np.zeros(6), np.diag([_STEP_DEG] * 3 + [_STEP_MM] * 3)])
        found = [
            optimize.minimize(
                self._cost,
                pose,
                method="Nelder-Mead",
                options={
                    "initial_simplex": pose + simplex,
                    "maxfev": _MAX_STEPS,
                    "xatol": _TOLERANCE,
                    "fatol": 1e-5,
                },
            )
            for pose in poses[:_DESCENTS]
        ]
        return self._motion(min(found, key=lambda one: float(one.fun)).x)

    def _cost(self, pose: NDArray[np.float64]) -> float:
        motion = self._motion(pose)
        moved = self._points @ motion[:3, :3].T + motion[:3, 3]
        index = np.rint(self._geometry.to_index_kji(moved)).astype(np.intp)
        inside = ((index >= 0) & (index < self._geometry.shape_kji)).all(axis=1)
        if not inside.any():
            return 0.0
        bins = self._moving[tuple(index[inside].T)]
        # What lies outside counts against a pose: a sliver may agree well by chance.
        return -float(inside.mean()) * binned_mutual_information(
            self._fixed_bins[inside], bins, _BINS
        )

    def _motion(self, pose: NDArray[np.float64]) -> _Matrix:
        motion = np.eye(4)
        motion[:3, :3] = Rotation.from_euler("xyz", pose[:3], degrees=True).as_matrix()
        motion[:3, 3] = self._centre - motion[:3, :3] @ self._centre + pose[3:]
        return motion


def _ranks(volume: Volume) -> NDArray[np.intp]:
    """Return the smoothed image in bins: one for the background, the others equally filled."""
    sigma = _SMOOTHING_MM / volume.geometry.spacing_mm[0]
    smooth = ndimage.gaussian_filter(np.asarray(volume.array_kji, dtype=np.float32), sigma)
    bright = smooth[smooth > 0.1 * np.percentile(smooth, 98)]
    edges = np.quantile(bright, np.linspace(0, 1, _BINS)[:-1]) if bright.size else np.zeros(1)
    ranks: NDArray[np.intp] = np.searchsorted(edges, smooth, side="right")
    return ranks
