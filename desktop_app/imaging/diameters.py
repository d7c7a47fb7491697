"""The two perpendicular diameters of a lesion within one slice, in millimetres.

What is measured follows the response assessment criteria of neuro-oncology, RANO 2.0 (Wen et al.
2023, doi 10.1200/JCO.23.01059) and RANO-HGG, on which it builds (Wen et al. 2010, doi
10.1200/JCO.2009.26.3541): the longest diameter that a lesion has in one slice, and the longest one
perpendicular to it in the same slice. They leave open, and here it was decided:

- **Both lines run inside the lesion**, though neither publication says so in these words: they
  want no cyst and no cavity measured with it, so neither is the brain that a line would cross
  between two arms of a bent lesion. The lines need not cross each other.
- **What the lesion encloses within the slice counts**, so that a rim is measured across its
  necrosis. A rim with a gap is still a rim: lines also run through what the caller names
  (`through_kji`) as far as the lesion encloses it once gaps of up to 6 mm are bridged, but specks
  at the border of a core make no rim. Lines begin and end at the lesion itself. Whether something
  enclosed is necrosis or, which is not to be measured, a cyst or cavity, no mask can tell.
- **Measurable lesions come first**: a long thin piece does not stand for a round one in another
  slice that is long enough both ways.
- **Perpendicular is exact** in millimetres: ends lie on the outline (see `lesion_outline`), not at
  centres of voxels, so that no tolerance in the angle is needed.
- Lesions that touch only in another slice are two in this one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from desktop_app.domain.measurement import reaches
from desktop_app.domain.stopping import Check, go_on
from desktop_app.imaging.lesion_lines import (
    EQUAL_MM,
    Line,
    longest_lines,
    perpendicular_lines,
)
from desktop_app.imaging.lesion_outline import (
    Mask,
    Points,
    enclosed_in_slices,
    filled_in_slices,
    lesions_in_slices,
)
from model.cropping import occupied_box

_BRIDGED_MM = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class InPlaneDiameters:
    """Two perpendicular lines in one slice.

    Parameters
    ----------
    slice_index
        Counted from 0 along the axis that was asked for.
    long_mm, short_mm
        Their lengths; `short_mm` is not greater.
    long_ends_kji, short_ends_kji
        (2, 3) voxel indices of their ends; fractions, since ends lie between voxels.
    goes_on
        Whether the lesion goes on in a neighbouring slice.
    """

    slice_index: int
    long_mm: float
    short_mm: float
    long_ends_kji: Points
    short_ends_kji: Points
    goes_on: bool


class _Part(NamedTuple):
    """A lesion in one slice; row and column count from the corner of a frame of one voxel."""

    number: int
    corner: tuple[int, int]
    lesion: Mask
    inside: Mask


class _Pair(NamedTuple):
    part: _Part
    long: Line
    short: Line
    is_measurable: bool


def longest_diameters(
    lesion_kji: Mask,
    spacing_mm: tuple[float, float, float],
    *,
    axis: int = 0,
    through_kji: Mask | None = None,
    least_mm: float = math.inf,
    check: Check = go_on,
) -> InPlaneDiameters | None:
    """Find the longest diameter of all lesions in all slices, and the longest perpendicular to it.

    Among equally long ones, in one slice or in several, the one with the longer perpendicular
    counts. Lesions that are measurable, long enough both ways and seen in two slices, come before
    all others.

    Parameters
    ----------
    lesion_kji
        (k, j, i) where the lesions are.
    spacing_mm
        Distance between voxel centres along k, j and i.
    axis
        The axis of the array that leads from slice to slice.
    through_kji
        What lines may run through besides where the lesion encloses it in its slice, or would
        but for gaps of up to 6 mm; they neither begin nor end in it.
    least_mm
        What both diameters of a measurable lesion reach; if not given, length alone decides.
    check
        Called again and again, to raise where the search is to stop.

    Returns
    -------
    InPlaneDiameters or None
        ``None`` where no voxel is marked.
    """
    box = occupied_box(lesion_kji)
    if box is None:
        return None
    lesion = np.moveaxis(lesion_kji[box], axis, 0)
    through = None if through_kji is None else np.moveaxis(through_kji[box], axis, 0)
    in_plane_mm = np.delete(np.asarray(spacing_mm, np.float64), axis)
    lesion = filled_in_slices(lesion)
    inside = lesion if through is None else with_enclosed(lesion, through, in_plane_mm)
    parts = _parts(lesion, inside, in_plane_mm)
    found = _best_of(parts, lesion, in_plane_mm, least_mm, check)
    if found is None:
        return None
    part, long, short, _ = found
    start = np.array([one.start for one in box], np.float64)

    def to_kji(ends: Points) -> Points:
        within = np.insert(ends + part.corner, axis, part.number, axis=1)
        points: Points = within + start
        return points

    return InPlaneDiameters(
        slice_index=part.number + box[axis].start,
        long_mm=long.length_mm,
        short_mm=short.length_mm,
        long_ends_kji=to_kji(long.ends),
        short_ends_kji=to_kji(short.ends),
        goes_on=_goes_on(part, lesion),
    )


def with_enclosed(lesion: Mask, through: Mask, spacing_mm: Points) -> Mask:
    """Return what belongs to a lesion: itself, and what it encloses of another mask.

    Parameters
    ----------
    lesion, through
        Slices first; see `longest_diameters`.
    spacing_mm
        (2,) distances between voxel centres within a slice.
    """
    reach = max(1, round(_BRIDGED_MM / 2 / float(spacing_mm.max())))
    return filled_in_slices(lesion | (through & enclosed_in_slices(lesion, reach)))


def _parts(lesion: Mask, inside: Mask, spacing_mm: Points) -> Iterator[tuple[float, _Part]]:
    """Return lesions in slices, each with how long it can be at most, that one falling."""
    numbers = lesions_in_slices(inside)
    boxes = enumerate(ndimage.find_objects(numbers), start=1)
    sizes = [
        (float(np.hypot(*(spacing_mm * [one.stop - one.start for one in box[1:]]))), number, box)
        for number, box in boxes
    ]
    for most_mm, number, box in sorted(sizes, key=lambda one: (-one[0], one[1])):
        here = numbers[box][0] == number
        yield (
            most_mm,
            _Part(
                box[0].start,
                (box[1].start - 1, box[2].start - 1),
                np.pad(lesion[box][0] & here, 1),
                np.pad(here, 1),
            ),
        )


def _best_of(
    parts: Iterator[tuple[float, _Part]],
    lesion: Mask,
    spacing_mm: Points,
    least_mm: float,
    check: Check,
) -> _Pair | None:
    """Return the longest measurable lesion in a slice; where none is, the longest."""
    best: _Pair | None = None
    for most_mm, part in parts:
        longest_mm = 0.0 if best is None else best.long.length_mm
        is_open = best is None or not best.is_measurable
        if most_mm < longest_mm - EQUAL_MM and not (is_open and reaches(most_mm, least_mm)):
            break
        if not part.lesion.any():
            continue
        may_be = _is_wide(part, spacing_mm, least_mm) and _goes_on(part, lesion)
        # Until one is measurable, a shorter lesion may be the one that counts.
        beyond_mm = 0.0 if is_open and may_be else max(0.0, longest_mm - 2 * EQUAL_MM)
        lines = longest_lines(part.lesion, part.inside, spacing_mm, beyond_mm, check)
        if not lines:
            continue
        long, short = perpendicular_lines(part.lesion, part.inside, lines, spacing_mm, check)
        pair = _Pair(part, long, short, may_be and reaches(short.length_mm, least_mm))
        if best is None or _counts_before(pair, best):
            best = pair
    return best


def _counts_before(pair: _Pair, other: _Pair) -> bool:
    if pair.is_measurable != other.is_measurable:
        return pair.is_measurable
    if abs(pair.long.length_mm - other.long.length_mm) > EQUAL_MM:
        return pair.long.length_mm > other.long.length_mm
    # By the order of slices alone, one tumour would be measured as its file happens to store it.
    return pair.short.length_mm > other.short.length_mm + EQUAL_MM


def _is_wide(part: _Part, spacing_mm: Points, least_mm: float) -> bool:
    """Tell whether perpendicular lines of that length can fit; slanted ones need less room."""
    narrowest_mm = float(((np.array(part.inside.shape) - 2) * spacing_mm).min())
    return reaches(narrowest_mm * math.sqrt(2), least_mm)


def _goes_on(part: _Part, lesion: Mask) -> bool:
    rows, columns = (
        slice(first + 1, first + size - 1)
        for first, size in zip(part.corner, part.lesion.shape, strict=True)
    )
    here = part.lesion[1:-1, 1:-1]
    return any(
        bool((lesion[k, rows, columns] & here).any())
        for k in (part.number - 1, part.number + 1)
        if 0 <= k < len(lesion)
    )
