"""Take apart what one DICOM series stores together: localizers, echoes, b-values, repeats."""

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from desktop_app.io.dicom_geometry import ORIENTATION_TOLERANCE, POSITION_TOLERANCE_MM
from desktop_app.io.dicom_pixels import is_copy, same_pixels
from desktop_app.io.dicom_slices import SliceHeader


@dataclass(frozen=True, slots=True, eq=False)
class SeriesPart:
    """Slices of a series that belong to one image, and what was done to separate them."""

    slices: tuple[SliceHeader, ...]
    problems: tuple[str, ...] = ()


_KINDS = (
    *("echo times", "image types", "b-values", "matrix sizes", "pixel sizes"),
    "components (magnitude, phase)",
)


def split_series(slices: Items[SliceHeader]) -> tuple[SeriesPart, ...]:
    """Separate the slices of one Series Instance UID into images.

    Parameters
    ----------
    slices
        All slices, in any order.

    Returns
    -------
    tuple of SeriesPart
        Largest part first; every slice is in exactly one part, except copies of a slice, which
        are dropped.
    """
    unique, problems = _without_same_instance(slices)
    by_kind: dict[tuple[str, ...], list[SliceHeader]] = defaultdict(list)
    for header in unique:
        by_kind[header.kind].append(header)
    if len(by_kind) > 1:
        differing = [
            name for n, name in enumerate(_KINDS) if len({kind[n] for kind in by_kind}) > 1
        ]
        problems.append(f"Separated from images of other {' and '.join(differing)} in its series.")
    groups = [group for members in by_kind.values() for group in _by_orientation(members)]
    if len(groups) > len(by_kind):
        problems.append("Separated from images of another orientation in its series.")
    stacks = [stack for group in groups for stack in _by_stack(group)]
    if len(stacks) > len(groups):
        problems.append("Separated from other stacks in its file.")
    groups = stacks
    parts = [part for group in groups for part in _by_repeat(group)]
    parts.sort(key=lambda part: (-len(part.slices), part.slices[0].instance_number))
    return tuple(SeriesPart(p.slices, (*problems, *p.problems)) for p in parts)


def _without_same_instance(slices: Items[SliceHeader]) -> tuple[list[SliceHeader], list[str]]:
    """Drop files that are there twice; equal identifiers alone do not make a copy."""
    seen: dict[tuple[object, ...], SliceHeader] = {}
    places: dict[tuple[str, int | None], tuple[int, ...] | None] = {}
    unique = []
    shared = False
    for header in sorted(slices, key=lambda s: (s.instance_number, str(s.path))):
        identifier = (header.sop_instance_uid or str(header.path), header.frame)
        place = _place(header)
        shared |= places.setdefault(identifier, place) != place
        key = (*identifier, place, header.kind)
        if key in seen and is_copy(seen[key].path, header.path):
            continue
        seen.setdefault(key, header)
        unique.append(header)
    dropped = len(slices) - len(unique)
    notes = [f"Copies of {dropped} images left out."] if dropped else []
    if shared:
        notes.append("Images share one identifier; told apart by where they lie.")
    return unique, notes


def _by_orientation(slices: Iterable[SliceHeader]) -> list[list[SliceHeader]]:
    groups: list[list[SliceHeader]] = []
    for header in slices:
        for group in groups:
            if _same_orientation(group[0], header):
                group.append(header)
                break
        else:
            groups.append([header])
    # A slice that does not say where it lies belongs to the largest group, which then leaves it
    # out and says so.
    unplaced = [group for group in groups if group[0].orientation is None]
    placed = sorted((g for g in groups if g[0].orientation is not None), key=len, reverse=True)
    if placed and unplaced:
        placed[0].extend(header for group in unplaced for header in group)
        return placed
    return groups


def _by_stack(slices: list[SliceHeader]) -> list[list[SliceHeader]]:
    """Separate the stacks of a multi-frame file (PS3.3 C.7.6.16.2.2.4), if they are such.

    Some scanners number every slice as a stack of its own; those belong together.
    """
    stacks: dict[str, list[SliceHeader]] = defaultdict(list)
    for header in slices:
        stacks[header.repeat_keys[2] if header.frame is not None else ""].append(header)
    return list(stacks.values()) if min(map(len, stacks.values())) > 1 else [slices]


def _same_orientation(one: SliceHeader, other: SliceHeader) -> bool:
    if one.orientation is None or other.orientation is None:
        return one.orientation is other.orientation
    difference = np.abs(one.orientation - other.orientation).max()
    return bool(difference <= ORIENTATION_TOLERANCE * (1 + 1e-6))


def _place(header: SliceHeader) -> tuple[int, ...] | None:
    if header.position_lps_mm is None:
        return None
    return tuple(np.round(header.position_lps_mm / POSITION_TOLERANCE_MM).astype(int).tolist())


def _overlaps(slices: Iterable[SliceHeader]) -> bool:
    places = [place for header in slices if (place := _place(header)) is not None]
    return len(set(places)) < len(places)


def _by_repeat(slices: list[SliceHeader]) -> list[SeriesPart]:
    if not _overlaps(slices):
        return [SeriesPart(tuple(slices))]
    kept, dropped = _without_equal_pixels(slices)
    note = [f"Duplicates of {dropped} slices left out."] if dropped else []
    if not _overlaps(kept):
        return [SeriesPart(tuple(kept), tuple(note))]
    groups = _repeat_groups(kept)
    note.append(f"Separated into {len(groups)} images of the same place.")
    return [SeriesPart(tuple(group), tuple(note)) for group in groups]


def _without_equal_pixels(slices: list[SliceHeader]) -> tuple[list[SliceHeader], int]:
    kept: dict[tuple[int, ...] | None, list[SliceHeader]] = defaultdict(list)
    dropped = 0
    multi_frame = any(header.frame is not None for header in slices)
    for header in slices:
        at_place = kept[_place(header)]
        # Only the odd duplicate is worth reading pixels for, not a whole time series.
        comparable = not multi_frame and _place(header) is not None and len(at_place) == 1
        if comparable and same_pixels(at_place[0].path, header.path):
            dropped += 1
        else:
            at_place.append(header)
    return [header for group in kept.values() for header in group], dropped


def _repeat_groups(slices: list[SliceHeader]) -> list[list[SliceHeader]]:
    for n in range(len(slices[0].repeat_keys)):
        groups: dict[str, list[SliceHeader]] = defaultdict(list)
        for header in slices:
            groups[header.repeat_keys[n]].append(header)
        sizes = {len(group) for group in groups.values()}
        if len(sizes) == 1 and not any(_overlaps(group) for group in groups.values()):
            return list(groups.values())
    # No header value separates them: the first of each place is one image, the second another.
    nth: dict[int, list[SliceHeader]] = defaultdict(list)
    count: dict[tuple[int, ...] | None, int] = defaultdict(int)
    for header in sorted(slices, key=lambda s: s.instance_number):
        place = _place(header)
        nth[count[place]].append(header)
        count[place] += 1
    return list(nth.values())
