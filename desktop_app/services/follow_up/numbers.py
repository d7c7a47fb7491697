"""Volumes and diameters of two studies beside each other, and what of the map is new and gone."""

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.follow_up import Difference, FollowUp, RegionChange, VoxelChange
from desktop_app.domain.segmentation import Region
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.diameters import measure_diameters
from desktop_app.services.measure import volume_intervals, volumes_mm3

# Half a voxel around the outermost centres, and what rounding adds.
_EDGE = 0.5 + 1e-4


def region_changes(found: FollowUp, token: CancelToken) -> dict[Region, RegionChange]:
    """Return the numbers of every region, in the order of `Region`.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    now, earlier = found.now, found.earlier
    volumes, before = volumes_mm3(now.measurements), volumes_mm3(earlier.measurements)
    ranges, ranges_before = (volume_intervals(one.measurements) for one in (now, earlier))
    lines = measure_diameters(now.segmentation, token)
    lines_before = measure_diameters(earlier.segmentation, token)
    changes = {}
    for region in Region:
        token.raise_if_cancelled()
        changes[region] = RegionChange(
            region,
            before[region],
            volumes[region],
            voxel_change(found, region) if found.is_registered else None,
            ranges_before.get(region),
            ranges.get(region),
            lines_before.get(region),
            lines.get(region),
        )
    return changes


def voxel_change(found: FollowUp, region: Region) -> VoxelChange:
    """Measure the map of change of a region.

    Raises
    ------
    ValueError
        If the studies could not be laid on each other.
    """
    if found.earlier_on_now is None:
        raise ValueError("without registration there is no map of change")
    geometry = found.now.segmentation.geometry
    counts = np.bincount(found.difference_kji(region).ravel(), minlength=len(Difference))
    same, new, gone, unseen = (
        float(counts[one]) * geometry.voxel_volume_mm3
        for one in (Difference.SAME, Difference.NEW, Difference.GONE, Difference.UNSEEN)
    )
    per_mm_mm3 = max(
        _border_per_mm_mm3(labels.mask_kji(region), geometry.spacing_mm)
        for labels in (found.earlier_on_now, found.now.segmentation)
    )
    return VoxelChange(same, new, gone, unseen, per_mm_mm3)


def outside_mm3(found: FollowUp) -> float:
    """Return how much of the earlier tumour lies where the current labels' grid does not reach."""
    if not found.is_registered:
        return 0.0
    labels = found.earlier_labels
    marked = np.argwhere(labels.labels_kji).astype(np.float64)
    grid = found.now.segmentation.geometry
    at = grid.to_index_kji(labels.geometry.to_patient_mm(marked))
    last = np.array(grid.shape_kji) - 1
    beyond = ((at < -_EDGE) | (at > last + _EDGE)).any(axis=1)
    return float(np.count_nonzero(beyond)) * labels.geometry.voxel_volume_mm3


def _border_per_mm_mm3(mask_kji: NDArray[np.bool_], spacing_mm: tuple[float, ...]) -> float:
    """Return what a shift of 1 mm uncovers: faces that look one way, mean of the three axes."""
    swept_mm3 = []
    for axis, across_mm in enumerate(spacing_mm):
        along = np.moveaxis(mask_kji, axis, 0)
        faces = np.count_nonzero(along[0]) + np.count_nonzero(along[1:] & ~along[:-1])
        swept_mm3.append(faces * float(np.prod(spacing_mm)) / across_mm)
    return float(np.mean(swept_mm3))
