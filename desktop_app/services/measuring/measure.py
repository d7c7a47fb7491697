"""Volumes of the sub-regions."""

import numpy as np

from desktop_app.domain.measurement import Interval, Measurement, MeasurementKind
from desktop_app.domain.segmentation import REGION_LABELS, Region, Segmentation
from model.calibration import VolumeDoubt

MM3_PER_CM3 = 1000.0


def measure(
    segmentation: Segmentation, doubt: VolumeDoubt | None = None
) -> tuple[Measurement, ...]:
    """Measure every region: voxels marked, and their volume (DICOM 126030, PS3.16 CID 7474).

    Those that are `unknown` are left out.

    Parameters
    ----------
    doubt
        What the network said of its error; ``None`` where it said nothing, or where its labels
        were changed, of which it knows nothing.

    Returns
    -------
    tuple of Measurement
        Per region, in the order of `Region`: volume in mm3 = voxels × volume of one voxel, then
        the number of voxels.
    """
    labels = segmentation.labels_kji
    counts = {value: int(np.count_nonzero(labels == value)) for value in REGION_LABELS[Region.WT]}
    voxel_mm3 = segmentation.geometry.voxel_volume_mm3
    measurements: list[Measurement] = []
    unknown = segmentation.unknown
    for region, values in REGION_LABELS.items():
        if region in unknown:
            continue
        voxels = sum(counts[value] for value in values)
        volume_mm3 = voxels * voxel_mm3
        interval = None
        if doubt is not None and (found := doubt.range_mm3(region.value, volume_mm3)):
            interval = Interval(*found, doubt.coverage, doubt.patients)
        measurements += [
            Measurement(MeasurementKind.VOLUME, volume_mm3, "mm3", region, interval),
            Measurement(MeasurementKind.VOXELS, voxels, "{voxels}", region),
        ]
    return tuple(measurements)


def volumes_mm3(measurements: tuple[Measurement, ...]) -> dict[Region, float]:
    """Return the volume of each region in mm³."""
    return {m.region: m.value for m in measurements if m.kind is MeasurementKind.VOLUME}


def volume_intervals(measurements: tuple[Measurement, ...]) -> dict[Region, Interval]:
    """Return between which volumes in mm³ each region likely lies, where that is known."""
    return {
        m.region: m.interval
        for m in measurements
        if m.kind is MeasurementKind.VOLUME and m.interval is not None
    }


def voxel_counts(measurements: tuple[Measurement, ...]) -> dict[Region, int]:
    """Return the number of voxels of each region."""
    return {m.region: int(m.value) for m in measurements if m.kind is MeasurementKind.VOXELS}
