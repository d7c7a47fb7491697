"""Volumes and diameters of two studies beside each other, and what of the map is new and gone."""

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.follow_up import (
    Difference,
    FollowUp,
    RegionChange,
    VoxelChange,
    difference,
)
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.measuring.diameters import measure_diameters
from desktop_app.services.measuring.measure import volume_intervals, volumes_mm3
from model.cropping import occupied_box

Mask = NDArray[np.bool_]

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
    voxels = voxel_changes(found)
    changes, incomparable = {}, found.incomparable
    for region in Region:
        token.raise_if_cancelled()
        changes[region] = RegionChange(
            region,
            before.get(region),
            volumes.get(region),
            voxels.get(region),
            ranges_before.get(region),
            ranges.get(region),
            lines_before.get(region),
            lines.get(region),
            is_comparable=region not in incomparable,
        )
    return changes


def voxel_changes(found: FollowUp) -> dict[Region, VoxelChange]:
    """Measure the map of change of every comparable region; empty without registration."""
    now, earlier, seen = found.now.segmentation, found.earlier_on_now, found.seen_kji
    if earlier is None or seen is None:
        return {}
    # Most of a head is neither; counting only where something is takes a tenth of the time.
    incomparable = found.incomparable
    compared = [region for region in Region if region not in incomparable]
    box = occupied_box((now.labels_kji != 0) | (earlier.labels_kji != 0))
    if box is None:
        return dict.fromkeys(compared, VoxelChange(0.0, 0.0, 0.0, 0.0, 0.0))
    now, earlier = (
        Segmentation(one.labels_kji[box], one.geometry.cropped(box), one.provenance)
        for one in (now, earlier)
    )
    return {
        region: _voxel_change(
            earlier.mask_kji(region), now.mask_kji(region), seen[box], now.geometry
        )
        for region in compared
    }


def _voxel_change(
    earlier_kji: Mask, now_kji: Mask, seen_kji: Mask, geometry: Geometry
) -> VoxelChange:
    counts = np.bincount(
        difference(earlier_kji, now_kji, seen_kji).ravel(), minlength=len(Difference)
    )
    same, new, gone, unseen = (
        float(counts[one]) * geometry.voxel_volume_mm3
        for one in (Difference.SAME, Difference.NEW, Difference.GONE, Difference.UNSEEN)
    )
    per_mm_mm3 = max(
        _border_per_mm_mm3(mask, geometry.spacing_mm) for mask in (earlier_kji, now_kji)
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


def _border_per_mm_mm3(mask_kji: Mask, spacing_mm: tuple[float, ...]) -> float:
    """Return what a shift of 1 mm uncovers: faces that look one way, mean of the three axes."""
    swept_mm3 = []
    for axis, across_mm in enumerate(spacing_mm):
        along = np.moveaxis(mask_kji, axis, 0)
        faces = np.count_nonzero(along[0]) + np.count_nonzero(along[1:] & ~along[:-1])
        swept_mm3.append(faces * float(np.prod(spacing_mm)) / across_mm)
    return float(np.mean(swept_mm3))
