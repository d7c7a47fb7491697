"""Images of one place taken one after another: repeats, and time points of a dynamic series."""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable
from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from desktop_app.domain.study import Series
from desktop_app.io.sequences.text import normalised

# Nobody repeats a T1, T2 or FLAIR as often; dynamic series of the pituitary gland have five.
MANY_TIME_POINTS = 5

_DIGITS = re.compile(r"\d+")
# Of an image that was separated from others of its series.
_PART = re.compile(r"#(\d+)$")


@dataclass(frozen=True, slots=True)
class TimePoint:
    """Which one of several images of the same place and kind a series is, from 1."""

    number: int
    count: int


def time_points(series: Items[Series]) -> dict[str, TimePoint]:
    """Find images that differ in nothing but their time.

    Returns
    -------
    dict
        By UID, the images of one series that holds several, and of any series where they are at
        least `MANY_TIME_POINTS`; fewer series of one name may be T1 before and after contrast.
    """
    found: dict[str, TimePoint] = {}
    for alike in _grouped((_kind(one), one) for one in series if one.geometry is not None):
        if len(alike) >= MANY_TIME_POINTS:
            found |= _numbered(alike)
            continue
        for parts in _grouped((_PART.sub("", one.series_uid), one) for one in alike):
            if len(parts) > 1:
                found |= _numbered(parts)
    return found


def _kind(series: Series) -> Hashable:
    """Return what is the same for all time points; names may number them."""
    if series.geometry is None or series.is_nifti:
        return series.series_uid
    header = (
        series.attributes.get(key, "")
        for key in (
            *("RepetitionTime", "EchoTime", "ImageType", "DiffusionBValue"),
            "ComplexImageComponent",
        )
    )
    grid = np.round(series.geometry.affine_lps_mm[:3].ravel(), 1)
    name = _DIGITS.sub("", normalised(series.description))
    return (name, *header, series.geometry.shape_kji, tuple(grid.tolist()))


def _grouped(keyed: Iterable[tuple[Hashable, Series]]) -> list[list[Series]]:
    groups: dict[Hashable, list[Series]] = defaultdict(list)
    for key, one in keyed:
        groups[key].append(one)
    return list(groups.values())


def _numbered(series: list[Series]) -> dict[str, TimePoint]:
    ordered = sorted(series, key=_order)
    return {
        one.series_uid: TimePoint(number, len(ordered))
        for number, one in enumerate(ordered, start=1)
    }


def _order(series: Series) -> tuple[str, int, int]:
    part = _PART.search(series.series_uid)
    return series.acquired, series.number, int(part[1]) if part else 1
