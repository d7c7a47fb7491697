"""Numbers taken from a segmentation."""

from dataclasses import dataclass
from enum import StrEnum

from desktop_app.domain.segmentation import Region


class MeasurementKind(StrEnum):
    """What is measured."""

    VOLUME = "volume"
    VOXELS = "voxels"


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which values the true one likely lies, in the unit of the measurement.

    Parameters
    ----------
    coverage
        Share of studies in which such an interval holds the truth.
    """

    low: float
    high: float
    coverage: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high or not 0 < self.coverage < 1:
            raise ValueError(f"no interval: {self.low} to {self.high}, coverage {self.coverage}")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number with its unit (UCUM) and the region it is of.

    `interval` is ``None`` where nothing is known of its error.
    """

    kind: MeasurementKind
    value: float
    unit: str
    region: Region
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Unfamiliarity:
    """How unlike the studies that the network was tested on this one is.

    Parameters
    ----------
    score
        Above 1 it looks like none of them.
    reason
        What is unusual most of all.
    """

    score: float
    reason: str
