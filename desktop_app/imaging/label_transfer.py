"""Labels drawn on one grid, brought onto another one that lies anyhow to it."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import REGION_LABELS, Region, Segmentation
from desktop_app.domain.volume import Volume
from desktop_app.imaging.resample import resample
from model.cropping import Box, occupied_box

# Of background around the tumour, along k, j and i.
_MARGIN_VOXELS = (2, 2, 2)
# Of linear interpolation between voxels that are all 1.
_ROUNDING = 1e-4
_HALF = 0.5


def labels_on(labels: Segmentation, grid: Geometry) -> NDArray[np.uint8]:
    """Resample labels onto another grid.

    Each label's share of a new voxel is interpolated, and averaged where new voxels are larger. A
    voxel is tumour where tumour has half of it or more, core where the core has half of that, and
    so on inwards: the border of every nested region lies where it lay, so that its volume is kept.
    Between grids that share their voxels, labels are copied.

    Returns
    -------
    ndarray
        (k, j, i) uint8 on `grid`; background outside the labels' own grid.
    """
    found = np.zeros(grid.shape_kji, np.uint8)
    source = occupied_box(labels.labels_kji != 0, _MARGIN_VOXELS)
    target = None if source is None else _box_on(labels.geometry, source, grid)
    if source is None or target is None:
        return found
    part, part_grid = labels.labels_kji[source], labels.geometry.cropped(source)
    ncr, ed, et = (
        _share(part == REGION_LABELS[one][0], part_grid, grid.cropped(target))
        for one in (Region.NCR, Region.ED, Region.ET)
    )
    core = ncr + et
    near = found[target]
    near[core + ed >= _HALF] = REGION_LABELS[Region.ED][0]
    is_core = (core + ed >= _HALF) & (core >= ed)
    near[is_core] = REGION_LABELS[Region.NCR][0]
    near[is_core & (et >= ncr)] = REGION_LABELS[Region.ET][0]
    return found


def seen_on(source: Geometry, grid: Geometry) -> NDArray[np.bool_]:
    """Return which voxels of a grid have their centre within another one, edges included."""
    mapping = np.linalg.inv(source.affine_lps_mm) @ grid.affine_lps_mm
    seen = np.ones(grid.shape_kji, bool)
    k, j, i = (np.arange(count, dtype=np.float64) for count in grid.shape_kji)
    for axis, count in enumerate(reversed(source.shape_kji)):
        along_k, along_j, along_i = mapping[axis, [2, 1, 0]]
        within = along_j * j[:, None] + (along_i * i + mapping[axis, 3])[None, :]
        for plane, start in zip(seen, along_k * k, strict=True):
            at = within + start
            plane &= (at >= -_HALF - _ROUNDING) & (at <= count - _HALF + _ROUNDING)
    return seen


def _share(mask_kji: NDArray[np.bool_], source: Geometry, grid: Geometry) -> NDArray[np.float32]:
    if not mask_kji.any():
        return np.zeros(grid.shape_kji, np.float32)
    share: NDArray[np.float32] = resample(
        Volume(mask_kji.astype(np.float32), source), grid, antialias=True
    ).array_kji
    return share


def _box_on(source: Geometry, box: Box, grid: Geometry) -> Box | None:
    """Return the voxels of a grid that a box of another one reaches, if any."""
    ends = [(one.start - 1, one.stop) for one in box]
    corners = np.array(list(product(*ends)), np.float64)
    at = grid.to_index_kji(source.to_patient_mm(corners))
    shape = np.array(grid.shape_kji)
    low = np.clip(np.floor(at.min(axis=0)) - 1, 0, shape).astype(int)
    high = np.clip(np.ceil(at.max(axis=0)) + 2, 0, shape).astype(int)
    if (low >= high).any():
        return None
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return k, j, i
