"""Take apart what one DICOM series stores together: localizers, echoes, b-values, repeats."""

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from desktop_app.io.dicom_geometry import ORIENTATION_TOLERANCE
from desktop_app.io.dicom_pixels import is_copy
from desktop_app.io.dicom_repeats import place_of, separate_repeats
from desktop_app.io.dicom_slices import SliceHeader


@dataclass(frozen=True, slots=True, eq=False)
class SeriesPart:
    """Slices of a series that belong to one image, and what was done to separate them."""

    slices: tuple[SliceHeader, ...]
    problems: tuple[str, ...] = ()


_KINDS = (
    *("echo times", "image types", "b-values", "matrix sizes", "pixel sizes"),
    *("components (magnitude, phase)", "kinds of file (single-frame, multi-frame)"),
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
        by_kind[(*header.kind, "" if header.frame is None else "frames")].append(header)
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
    parts: list[SeriesPart] = []
    for stack in stacks:
        separated, notes = separate_repeats(stack)
        parts.extend(SeriesPart(tuple(one), (*problems, *notes)) for one in separated)
    parts.sort(key=lambda part: (-len(part.slices), part.slices[0].instance_number))
    return tuple(parts)


def _without_same_instance(slices: Items[SliceHeader]) -> tuple[list[SliceHeader], list[str]]:
    """Drop files that are there twice; equal identifiers alone do not make a copy."""
    seen: dict[tuple[object, ...], SliceHeader] = {}
    places: dict[tuple[str, int | None], tuple[int, ...] | None] = {}
    unique = []
    shared = False
    for header in sorted(slices, key=lambda s: (s.instance_number, str(s.path))):
        identifier = (header.sop_instance_uid or str(header.path), header.frame)
        place = place_of(header)
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
