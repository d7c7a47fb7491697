"""Numbers taken from a segmentation."""

from dataclasses import dataclass
from enum import StrEnum

from desktop_app.domain.segmentation import Region


class MeasurementKind(StrEnum):
    """What is measured."""

    VOLUME = "volume"
    VOXELS = "voxels"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number with its unit (UCUM) and the region it is of."""

    kind: MeasurementKind
    value: float
    unit: str
    region: Region
