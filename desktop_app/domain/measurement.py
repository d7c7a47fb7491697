"""Numbers taken from a segmentation."""

from dataclasses import dataclass
from enum import StrEnum

from desktop_app.domain.segmentation import Region

# Ten voxels of 1 mm are 10 mm, whatever a grid's affine makes of them.
_DECIMALS = 3


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
    patients
        Of how many the errors were that it is drawn from.
    """

    low: float
    high: float
    coverage: float
    patients: int

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


class AnatomicalPlane(StrEnum):
    """The planes that slices are named after."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


# Places of L, P and S in coordinates.
_ACROSS = {AnatomicalPlane.SAGITTAL: 0, AnatomicalPlane.CORONAL: 1, AnatomicalPlane.AXIAL: 2}


def reaches(length_mm: float, least_mm: float) -> bool:
    """Tell whether a length is at least another, to a thousandth of a millimetre."""
    return round(length_mm, _DECIMALS) >= round(least_mm, _DECIMALS)


def change_percent(before: float, now: float) -> float | None:
    """Return how much a number changed, in percent of what it was; ``None`` where it was nothing.

    100 (now − before) / before.
    """
    return None if before == 0 else 100 * (now - before) / before


Point = tuple[float, float, float]
"""Patient coordinates L, P, S in millimetres."""


@dataclass(frozen=True, slots=True)
class Diameters:
    """The longest diameter of a region in one slice, and the longest perpendicular to it there.

    Of measurable lesions, where there is one.

    Parameters
    ----------
    long_mm, short_mm
        Their lengths.
    long_ends, short_ends
        Where they begin and end.
    plane
        The plane that the slices are nearest to.
    slice_axis
        The axis of the array k, j, i that leads from slice to slice.
    slice_index
        The slice's place along that axis, from 0: neither the scanner's number nor an archive's.
    least_mm
        What both have to reach to be measurable.
    in_several_slices
        Whether the lesion goes on in a neighbouring slice.

    Raises
    ------
    ValueError
        If the lengths are not positive, or the short one is the longer.
    """

    region: Region
    long_mm: float
    short_mm: float
    long_ends: tuple[Point, Point]
    short_ends: tuple[Point, Point]
    plane: AnatomicalPlane
    slice_axis: int
    slice_index: int
    least_mm: float
    in_several_slices: bool

    def __post_init__(self) -> None:
        if not 0 < self.short_mm <= self.long_mm:
            raise ValueError(f"no diameters: {self.long_mm} and {self.short_mm} mm")

    @property
    def grid_plane(self) -> int:
        """The slice's number on the grid of the labels, from 1: not that of an image."""
        return self.slice_index + 1

    @property
    def position_mm(self) -> float:
        """Where the middle of the longest diameter lies across the slices: along L, P or S."""
        return self.middle[_ACROSS[self.plane]]

    @property
    def product_mm2(self) -> float:
        """The bidimensional product."""
        return self.long_mm * self.short_mm

    @property
    def is_measurable(self) -> bool:
        """Whether the lesion is large enough to be followed by its diameters.

        RANO 2.0 (Wen et al. 2023, doi 10.1200/JCO.23.01059): both reach `least_mm`, in two slices
        or more. It also asks for clearly defined margins, which a reader has to judge.
        """
        return reaches(self.short_mm, self.least_mm) and self.in_several_slices

    @property
    def middle(self) -> Point:
        """The middle of the longest diameter."""
        (l1, p1, s1), (l2, p2, s2) = self.long_ends
        return (l1 + l2) / 2, (p1 + p2) / 2, (s1 + s2) / 2


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
