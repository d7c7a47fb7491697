"""Take apart what one DICOM series stores together: localizers, echoes, b-values, repeats."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from desktop_app.io.dicom.geometry import (
    ORIENTATION_TOLERANCE,
    TURN_TOLERANCE,
    UnusableStack,
    stack_slices,
)
from desktop_app.io.dicom.pixels import is_copy
from desktop_app.io.dicom.repeats import DENSE_SHARE, place_of, separate_repeats
from desktop_app.io.dicom.slices import SliceHeader


@dataclass(frozen=True, slots=True, eq=False)
class SeriesPart:
    """Slices of a series that belong to one image, and what was done to separate them."""

    slices: tuple[SliceHeader, ...]
    problems: tuple[str, ...] = ()


_KINDS = (
    *("echo times", "image types", "b-values", "matrix sizes", "pixel sizes"),
    *("components (magnitude, phase)", "kinds of file (single-frame, multi-frame)"),
)


_NUMBER = re.compile(r"\d+(\.\d+)?")
# Echoes of one excitation are farther apart.
_ECHO_TOLERANCE_MS = 0.1


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
    echo_of = _alike_echoes(header.kind[0] for header in unique)
    for header in unique:
        echo, *others = header.kind
        is_frame = "" if header.frame is None else "frames"
        by_kind[(echo_of.get(echo, echo), *others, is_frame)].append(header)
    if len(by_kind) > 1:
        differing = [
            name for n, name in enumerate(_KINDS) if len({kind[n] for kind in by_kind}) > 1
        ]
        problems.append(f"Separated from images of other {' and '.join(differing)} in its series.")
    groups = [group for members in by_kind.values() for group in _by_orientation(members)]
    oriented = [[one for one in group if one.orientation is not None] for group in groups]
    if any(not _same_orientation(group[0], header) for group in oriented for header in group[1:]):
        problems.append("Slices turned by up to 0.1° against each other taken as one image.")
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


def _alike_echoes(times_ms: Iterable[str]) -> dict[str, str]:
    """Return what each echo time counts as: headers of one echo differ by how they are rounded."""
    numbers = sorted((float(time), time) for time in set(times_ms) if _NUMBER.fullmatch(time))
    alike: dict[str, str] = {}
    last_ms, representative = -math.inf, ""
    for time_ms, time in numbers:
        if time_ms - last_ms >= _ECHO_TOLERANCE_MS:
            representative = time
        alike[time] = representative
        last_ms = time_ms
    return alike


def _by_orientation(slices: Iterable[SliceHeader]) -> list[list[SliceHeader]]:
    exact: list[list[SliceHeader]] = []
    for header in slices:
        _group_of(header, exact, ORIENTATION_TOLERANCE).append(header)
    # Part of a stack may be turned by a hair, so little that it is no other image.
    alike: list[list[list[SliceHeader]]] = []
    for group in exact:
        turned = next(
            (t for t in alike if _same_orientation(t[0][0], group[0], TURN_TOLERANCE)), None
        )
        alike.append([group]) if turned is None else turned.append(group)
    groups: list[list[SliceHeader]] = []
    for turned in alike:
        together = [header for group in turned for header in group]
        groups.extend([together] if len(turned) > 1 and _is_one_stack(together) else turned)
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


def _group_of(
    header: SliceHeader, groups: list[list[SliceHeader]], tolerance: float
) -> list[SliceHeader]:
    """Return the group of a slice's orientation, a new one where there is none."""
    for group in groups:
        if _same_orientation(group[0], header, tolerance):
            return group
    groups.append([])
    return groups[-1]


def _is_one_stack(slices: list[SliceHeader]) -> bool:
    """Whether slices make one even stack, as thick as apart: no two images of one place."""
    thickness_mm = slices[0].thickness_mm or math.inf
    try:
        stack = stack_slices(slices)
    except UnusableStack:
        return False
    return not stack.problems and stack.geometry.spacing_mm[0] >= DENSE_SHARE * thickness_mm


def _same_orientation(
    one: SliceHeader, other: SliceHeader, tolerance: float = ORIENTATION_TOLERANCE
) -> bool:
    if one.orientation is None or other.orientation is None:
        return one.orientation is other.orientation
    difference = np.abs(one.orientation - other.orientation).max()
    return bool(difference <= tolerance * (1 + 1e-6))
