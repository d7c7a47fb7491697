"""One study of a patient compared with an earlier one: what changed, where, how sure it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.dates import DateOrder, date_order, days_between
from desktop_app.domain.measurement import Diameters, Interval, change_percent
from desktop_app.domain.place import Place
from desktop_app.domain.registration import Registration
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume


class Difference(IntEnum):
    """What a voxel of the map of change says of one region."""

    NONE = 0
    """In neither study."""
    SAME = 1
    """In both."""
    NEW = 2
    """Now only."""
    GONE = 3
    """In the earlier study only."""
    UNSEEN = 4
    """Now, where the earlier study has no image: nobody knows whether it is new."""


@dataclass(frozen=True, slots=True)
class VoxelChange:
    """How much of a region is what on the map of change, on the grid of the current labels.

    Parameters
    ----------
    same_mm3, new_mm3, gone_mm3, unseen_mm3
        Volumes of the values of `Difference`.
    per_mm_mm3
        How much an offset of 1 mm between the studies, as registration may leave, would show as new
        and as much again as gone, though nothing changed: 1 mm × the area of the region's border
        as seen along an axis of the grid, mean of the three axes, of the larger of both.
    """

    same_mm3: float
    new_mm3: float
    gone_mm3: float
    unseen_mm3: float
    per_mm_mm3: float


@dataclass(frozen=True, slots=True)
class RegionChange:
    """The numbers of one region, then and now.

    Parameters
    ----------
    earlier_mm3, now_mm3
        Volumes of each study on its own grid, as exported; ``None`` where it is not known.
    voxels
        What is new and gone; ``None`` where the studies could not be laid on each other, or
        the region is not comparable.
    earlier_interval, now_interval
        Between which volumes the true one likely lies, in mm³, where that is known.
    earlier_diameters, now_diameters
        The two-dimensional measure, each in the coordinates of its own study; ``None`` where the
        region has none, or none is measured of it.
    is_comparable
        Whether both studies tell how large it is; otherwise there is no change.
    """

    region: Region
    earlier_mm3: float | None
    now_mm3: float | None
    voxels: VoxelChange | None = None
    earlier_interval: Interval | None = None
    now_interval: Interval | None = None
    earlier_diameters: Diameters | None = None
    now_diameters: Diameters | None = None
    is_comparable: bool = True

    @property
    def change_mm3(self) -> float | None:
        """How much larger the region is now; negative where it shrank."""
        if not self.is_comparable or self.earlier_mm3 is None or self.now_mm3 is None:
            return None
        return self.now_mm3 - self.earlier_mm3

    @property
    def change_percent(self) -> float | None:
        """The change in percent of what it was; ``None`` where it was nothing, or is not known."""
        if not self.is_comparable or self.earlier_mm3 is None or self.now_mm3 is None:
            return None
        return change_percent(self.earlier_mm3, self.now_mm3)

    @property
    def is_within_uncertainty(self) -> bool | None:
        """Whether one volume is possible in both studies: their ranges meet.

        ``None`` where a range is not known. The ranges are of single studies. Errors that both have
        in common cancel in the change, so that even a change within them may be real.
        """
        earlier, now = self.earlier_interval, self.now_interval
        if earlier is None or now is None:
            return None
        return earlier.low <= now.high and now.low <= earlier.high

    @property
    def product_change_percent(self) -> float | None:
        """Change of the bidimensional product; ``None`` where either study has no diameters."""
        earlier, now = self.earlier_diameters, self.now_diameters
        if earlier is None or now is None:
            return None
        return change_percent(earlier.product_mm2, now.product_mm2)


@dataclass(frozen=True, slots=True)
class NewPart:
    """A part of the current tumour apart from all earlier tumour.

    Parameters
    ----------
    volume_mm3, enhancing_mm3
        Of the whole part, and of what enhances in it.
    place
        Where it lies, in the current patient coordinates.
    away_mm
        From its nearest voxel to the nearest one of the earlier tumour.
    """

    volume_mm3: float
    enhancing_mm3: float
    place: Place
    away_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """A study laid beside an earlier one of the same patient; changes neither.

    Parameters
    ----------
    now, earlier
        Both as they stood, each in its own patient coordinates.
    registration
        How the earlier study was laid on the current one, by which sequences (`registered_by`: of
        the earlier study, of the current one). Where it is not `ok`, nothing was moved, and there
        is no map of change.
    motion_lps_mm
        4 × 4, from the earlier study's patient coordinates to the current one's.
    earlier_images
        The earlier study's voxels, not resampled, on grids moved into the current coordinates.
    earlier_labels
        Its labels, likewise.
    earlier_on_now
        Its labels resampled onto the grid of the current labels; ``None`` without registration.
    seen_kji
        (k, j, i) on that grid: what the earlier labels' image shows; ``None`` likewise.
    regions
        Every `Region`, in its order.
    new_parts
        Parts of the current tumour apart from all earlier tumour, the largest first.
    outside_mm3
        How much of the earlier tumour lies where the current labels' grid does not reach.
    warnings
        What makes comparing doubtful, one plain sentence each.
    result_folder
        Where the earlier result was read from; ``None`` where the study was segmented for this.
    """

    now: StudyResult
    earlier: StudyResult
    registration: Registration
    registered_by: tuple[Sequence, Sequence]
    motion_lps_mm: NDArray[np.float64]
    earlier_images: Mapping[Sequence, Volume]
    earlier_labels: Segmentation
    earlier_on_now: Segmentation | None
    seen_kji: NDArray[np.bool_] | None
    regions: Mapping[Region, RegionChange]
    new_parts: tuple[NewPart, ...] = ()
    outside_mm3: float = 0.0
    warnings: tuple[str, ...] = ()
    result_folder: Path | None = None

    @property
    def now_date(self) -> str:
        """Date of the current study as DICOM writes it; may be empty."""
        return self.now.study.date

    @property
    def earlier_date(self) -> str:
        """Date of the earlier study as DICOM writes it; may be empty."""
        return self.earlier.study.date

    @property
    def order(self) -> DateOrder:
        """Whether the earlier study is the earlier one."""
        return date_order(self.earlier_date, self.now_date)

    @property
    def days_between(self) -> int | None:
        """Days from the earlier study to the current one; ``None`` where a date is missing."""
        return days_between(self.earlier_date, self.now_date)

    @property
    def is_registered(self) -> bool:
        """Whether the images lie on each other, and there is a map of change."""
        return self.earlier_on_now is not None

    @property
    def incomparable(self) -> frozenset[Region]:
        """Regions of which one of the studies knows nothing, or a rough guess."""
        now, earlier = self.now.segmentation, self.earlier.segmentation
        return now.unknown | now.rough | earlier.unknown | earlier.rough

    def difference_kji(self, region: Region) -> NDArray[np.uint8]:
        """Return the map of change of a region, on the grid of the current labels.

        Returns
        -------
        ndarray
            (k, j, i) uint8, values of `Difference`; of an `incomparable` region none but 0.

        Raises
        ------
        ValueError
            If the studies could not be laid on each other.
        """
        if self.earlier_on_now is None or self.seen_kji is None:
            raise ValueError("without registration there is no map of change")
        if region in self.incomparable:
            return np.zeros(self.earlier_on_now.labels_kji.shape, np.uint8)
        return difference(
            self.earlier_on_now.mask_kji(region),
            self.now.segmentation.mask_kji(region),
            self.seen_kji,
        )


def difference(
    earlier_kji: NDArray[np.bool_], now_kji: NDArray[np.bool_], seen_kji: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return per voxel which `Difference` two masks on one grid make.

    Parameters
    ----------
    seen_kji
        What the earlier study has an image of.
    """
    found = np.zeros(now_kji.shape, np.uint8)
    found[now_kji] = Difference.NEW
    found[now_kji & ~seen_kji] = Difference.UNSEEN
    found[earlier_kji] = Difference.GONE
    found[earlier_kji & now_kji] = Difference.SAME
    return found
