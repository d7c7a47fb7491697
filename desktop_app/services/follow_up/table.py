"""The numbers of a comparison as people read them: a column for every region."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from desktop_app.domain.follow_up import FollowUp, RegionChange, VoxelChange
from desktop_app.domain.measurement import Diameters, Interval
from desktop_app.domain.missing import volume_if_known
from desktop_app.domain.readable import (
    readable_change,
    readable_diameters,
    readable_percent,
    readable_range,
    readable_share,
    readable_volume,
)
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region

NOTHING = "–"
REGIONS = (Region.WT, Region.TC, Region.ET, Region.NCR, Region.ED)
"""The columns, unions first: they are what is followed most."""

_RANGES_MEET = (
    "whether the ranges of both volumes do; then one and the same volume is possible in both "
    "studies."
)
_PER_MM = (
    "how much would show as new, and as much again as gone, if nothing had changed and the studies "
    "lay 1 mm beside each other."
)
_LINES = "the longest diameter in one slice, and the longest perpendicular to it."
_PRODUCT = "change of the product of both diameters."
_UNSEEN = "tumour now where the earlier study has no image: nobody knows whether it is new."


@dataclass(frozen=True, slots=True)
class TableRow:
    """One number of every region.

    Parameters
    ----------
    cells
        In the order of `REGIONS`.
    hint
        What it means, where its title does not tell.
    is_main
        Whether it is what most people look for.
    """

    title: str
    cells: tuple[str, ...]
    hint: str = ""
    is_main: bool = False


def change_table(found: FollowUp) -> tuple[TableRow, ...]:
    """Return the table of a comparison; numbers that no region has are left out."""
    return tuple(row for row in _rows(found) if row.is_main or set(row.cells) != {NOTHING})


def _rows(found: FollowUp) -> Iterator[TableRow]:
    changes = [found.regions[one] for one in REGIONS]

    def row(
        title: str, text: Callable[[RegionChange], str], hint: str = "", *, is_main: bool = False
    ) -> TableRow:
        return TableRow(title, tuple(text(one) for one in changes), hint, is_main)

    coverage = _coverage(changes)
    yield row(
        "Earlier, cm³", lambda one: _volume(one.earlier_mm3, one, found.earlier), is_main=True
    )
    yield row(coverage, lambda one: _range(one.earlier_interval))
    yield row("Now, cm³", lambda one: _volume(one.now_mm3, one, found.now), is_main=True)
    yield row(coverage, lambda one: _range(one.now_interval))
    yield row("Change, cm³", change_in_cm3, is_main=True)
    yield row("Change, %", _percent, is_main=True)
    yield row("Ranges meet", _within, _RANGES_MEET)
    yield row("New, cm³", lambda one: _voxels(one, lambda of: of.new_mm3))
    yield row("Gone, cm³", lambda one: _voxels(one, lambda of: of.gone_mm3))
    if any(one.voxels is not None and one.voxels.unseen_mm3 > 0 for one in changes):
        yield row(
            "No earlier image, cm³", lambda one: _voxels(one, lambda of: of.unseen_mm3), _UNSEEN
        )
    yield row("1 mm off, cm³", lambda one: _voxels(one, lambda of: of.per_mm_mm3), _PER_MM)
    yield row("ø earlier, mm", lambda one: _diameters(one.earlier_diameters), _LINES)
    yield row("ø now, mm", lambda one: _diameters(one.now_diameters), _LINES)
    yield row("ø product, %", _product, _PRODUCT)


def _volume(volume_mm3: float | None, change: RegionChange, of: StudyResult) -> str:
    return volume_if_known(volume_mm3, is_rough=change.region in of.segmentation.rough)


def _coverage(changes: list[RegionChange]) -> str:
    known = (one.earlier_interval or one.now_interval for one in changes)
    return next(
        (f"{readable_share(one.coverage)} range" for one in known if one is not None), "Range"
    )


def _range(interval: Interval | None) -> str:
    return NOTHING if interval is None else readable_range(interval.low, interval.high)


def change_in_cm3(change: RegionChange) -> str:
    """Return how much a volume changed, with its sign; a dash where that is not known."""
    return NOTHING if change.change_mm3 is None else readable_change(change.change_mm3)


def _percent(change: RegionChange) -> str:
    if change.change_percent is None:
        return "was 0" if change.change_mm3 else NOTHING
    return _of_hundred(change.change_percent)


def _within(change: RegionChange) -> str:
    return {True: "yes", False: "no", None: NOTHING}[change.is_within_uncertainty]


def _voxels(change: RegionChange, volume_mm3: Callable[[VoxelChange], float]) -> str:
    return NOTHING if change.voxels is None else readable_volume(volume_mm3(change.voxels))


def _diameters(found: Diameters | None) -> str:
    if found is None:
        return NOTHING
    return readable_diameters(found.long_mm, found.short_mm, found.least_mm).removesuffix(" mm")


def _product(change: RegionChange) -> str:
    percent = change.product_change_percent
    return NOTHING if percent is None else _of_hundred(percent)


def _of_hundred(percent: float) -> str:
    return readable_percent(percent).removesuffix(" %")  # as the title says already
