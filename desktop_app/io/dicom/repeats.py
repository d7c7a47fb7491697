"""Tell apart acquisitions of the same place that one DICOM series stores together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Items

import numpy as np
from numpy.typing import NDArray

from desktop_app.io.dicom.geometry import MAX_MISSING_SHARE, POSITION_TOLERANCE_MM, whole_steps
from desktop_app.io.dicom.pixels import same_pixels
from desktop_app.io.dicom.slices import SliceHeader

# A group that holds so much of what there is, is an image and not a package of one.
_WHOLE_SHARE = 0.75
# Slices nearer to each other than this share of their thickness were not planned as one stack.
DENSE_SHARE = 0.75
# A stack whose slices are wider apart than this many thicknesses waits for others between them.
_MAX_SPREAD = 2.0
_ALIKE_SHARE = 0.1
# Rows and columns that span less are no axes; whoever makes the stack says so.
_LEAST_NORMAL = 0.5
# Two slices are as even as any two; packages have more.
_LEAST_STACK = 3

_Groups = list[list[SliceHeader]]
# Where slices lie along their normal, in mm; those in one plane at exactly one place.
_Depths = dict[SliceHeader, float]


def separate_repeats(slices: Items[SliceHeader]) -> tuple[_Groups, list[str]]:
    """Separate acquisitions that lie in the same place, or between each other's slices.

    Parameters
    ----------
    slices
        Of one kind and orientation.

    Returns
    -------
    (list of list of SliceHeader, list of str)
        The acquisitions, and one sentence for each thing that was done or assumed. What cannot be
        told apart stays together, so that it makes no stack.
    """
    depths = _depths_mm(slices)
    if not _overlap(slices, depths):
        return _separate_shifted(slices, depths)
    kept, dropped = _without_equal_pixels(slices)
    notes = [f"Duplicates of {dropped} slices left out."] if dropped else []
    if not _overlap(kept, depths):
        groups, more = _separate_shifted(kept, depths)
        return groups, notes + more
    by_header = _by_header(kept, depths)
    if by_header is None:
        groups, more = _by_order(kept, depths)
        return groups, notes + more
    notes.append(f"Separated into {len(by_header)} images of the same place.")
    separated = []
    for group in by_header:
        groups, more = _separate_shifted(group, depths)
        separated.extend(groups)
        notes.extend(note for note in more if note not in notes)
    return separated, notes


def place_of(header: SliceHeader) -> tuple[int, ...] | None:
    """Return where a slice lies, to the tolerance; ``None`` where its header does not say."""
    if header.position_lps_mm is None:
        return None
    return tuple(np.round(header.position_lps_mm / POSITION_TOLERANCE_MM).astype(int).tolist())


def _depths_mm(slices: Iterable[SliceHeader]) -> _Depths:
    """Return where slices lie that say it; those nearer than the tolerance share a plane."""
    placed = [s for s in slices if s.position_lps_mm is not None and s.orientation is not None]
    if not placed:
        return {}
    axes = np.array([s.orientation for s in placed], dtype=np.float64).mean(axis=0)
    positions = np.array([s.position_lps_mm for s in placed], dtype=np.float64)
    normal = np.cross(axes[:3], axes[3:])
    if not np.linalg.norm(normal) > _LEAST_NORMAL:
        return {}
    depths_mm = positions @ normal
    order = np.argsort(depths_mm, kind="stable")
    found = {}
    plane_mm = last_mm = -np.inf
    for n in order:
        if depths_mm[n] - last_mm >= POSITION_TOLERANCE_MM:
            plane_mm = depths_mm[n]
        last_mm = depths_mm[n]
        found[placed[n]] = float(plane_mm)
    return found


def _overlap(slices: Iterable[SliceHeader], depths: _Depths) -> bool:
    return max(Counter(depths[s] for s in slices if s in depths).values(), default=0) > 1


def _without_equal_pixels(slices: Items[SliceHeader]) -> tuple[list[SliceHeader], int]:
    kept: dict[tuple[int, ...] | None, list[SliceHeader]] = defaultdict(list)
    dropped = 0
    multi_frame = any(header.frame is not None for header in slices)
    for header in slices:
        place = place_of(header)
        at_place = kept[place]
        # Only the odd duplicate is worth reading pixels for, not a whole time series.
        comparable = not multi_frame and place is not None and len(at_place) == 1
        if comparable and same_pixels(at_place[0].path, header.path):
            dropped += 1
        else:
            at_place.append(header)
    return [header for group in kept.values() for header in group], dropped


def _groupings(slices: Items[SliceHeader], depths: _Depths) -> Iterator[_Groups]:
    """Yield the slices by each header value that may separate repeats, largest group first."""
    placed = [header for header in slices if header in depths]
    rest = [header for header in slices if header not in depths]
    for n in range(len(slices[0].repeat_keys)):
        by_value: dict[str, list[SliceHeader]] = defaultdict(list)
        for header in placed:
            by_value[header.repeat_keys[n]].append(header)
        groups = sorted(by_value.values(), key=len, reverse=True)
        if len(groups) > 1 and not any(_overlap(group, depths) for group in groups):
            # Of one that does not say where it lies, the largest stack says that it is left out.
            yield [groups[0] + rest, *groups[1:]]


def _by_header(slices: Items[SliceHeader], depths: _Depths) -> _Groups | None:
    """Separate by the header value that makes as many images as lie in one place.

    A value that is each slice's own, such as its time, separates repeats too: into single slices.
    """
    in_plane = Counter(depths[header] for header in slices if header in depths)
    groupings = list(_groupings(slices, depths))
    for groups in groupings:
        if len(groups) == max(in_plane.values()):
            return groups
    for groups in groupings:
        if len(groups[0]) >= _WHOLE_SHARE * len(in_plane) or _are_shifted(groups, depths):
            return groups
    return None


def _by_order(slices: Items[SliceHeader], depths: _Depths) -> tuple[_Groups, list[str]]:
    """Separate what no header value does, as far as that mixes nothing."""
    by_plane: dict[float, list[SliceHeader]] = defaultdict(list)
    for header in sorted(slices, key=lambda s: s.instance_number):
        if header in depths:
            by_plane[depths[header]].append(header)
    counts = Counter(map(len, by_plane.values()))
    if len(counts) > 1:
        if len(by_plane) - counts[1] > MAX_MISSING_SHARE * len(by_plane):
            return [list(slices)], []
        _likeliest_first(by_plane)
    images = [
        [in_plane[n] for in_plane in by_plane.values() if n < len(in_plane)]
        for n in range(max(counts))
    ]
    images[0].extend(header for header in slices if header not in depths)
    # Values looked at may be there, and each separate a part of what is.
    note = f"Separated into {len(images)} images of the same place, by the slices' numbers alone."
    return images, [note]


def _likeliest_first(by_plane: dict[float, list[SliceHeader]]) -> None:
    """Sort odd duplicates by how well their numbers continue those of the other slices."""
    sure = [(depth, here[0].instance_number) for depth, here in by_plane.items() if len(here) == 1]
    depths_mm, numbers = np.array(sure, dtype=np.float64).T
    line = np.polynomial.Polynomial.fit(depths_mm, numbers, 1)
    for depth_mm, here in by_plane.items():
        expected = line(depth_mm)
        off = {header: abs(header.instance_number - expected) for header in here}
        here.sort(key=off.__getitem__)


def _separate_shifted(slices: Items[SliceHeader], depths: _Depths) -> tuple[_Groups, list[str]]:
    assumed = []
    for groups in _groupings(slices, depths):
        shifted = _are_shifted(groups, depths)
        if shifted:
            return groups, [f"Separated into {len(groups)} stacks that lie between one another."]
        if shifted is None:
            assumed = [
                f"{len(groups)} stacks that lie between one another taken as one image: the "
                "headers do not say how thick the slices are."
            ]
    return [list(slices)], assumed


def _are_shifted(groups: _Groups, depths: _Depths) -> bool | None:
    """Whether stacks that interpenetrate are acquisitions of their own, not packages of one.

    Packages make an even stack together, with the distance that the headers name. ``None`` where
    they name none.
    """
    stacks = [np.sort([depths[header] for header in group if header in depths]) for group in groups]
    if min(map(len, stacks)) < _LEAST_STACK:
        return False
    own_mm = [_usual_step_mm(stack) for stack in stacks]
    start_mm, end_mm = max(stack[0] for stack in stacks), min(stack[-1] for stack in stacks)
    shared = (end_mm - start_mm) / min(stack[-1] - stack[0] for stack in stacks)
    if None in own_mm or shared < _WHOLE_SHARE:
        return False
    together = np.unique(np.concatenate(stacks))
    together = together[(together >= start_mm) & (together <= end_mm)]
    step_mm = _usual_step_mm(together)
    if step_mm is None:
        return True
    return _is_too_dense(step_mm, min(step for step in own_mm if step is not None), groups[0][0])


def _usual_step_mm(stack_mm: NDArray[np.float64]) -> float | None:
    """Return the step of a stack; ``None`` where it is uneven or lacks more than odd slices."""
    found = whole_steps(stack_mm, float(np.median(np.diff(stack_mm))))
    if found is None or len(stack_mm) < _WHOLE_SHARE * (found[1][-1] + 1):
        return None
    return found[0]


def _is_too_dense(together_mm: float, own_mm: float, header: SliceHeader) -> bool | None:
    distance_mm, thickness_mm = header.distance_mm, header.thickness_mm
    if distance_mm is not None and abs(together_mm - distance_mm) <= _ALIKE_SHARE * distance_mm:
        return False
    if thickness_mm is not None:
        return together_mm < DENSE_SHARE * thickness_mm and own_mm <= _MAX_SPREAD * thickness_mm
    if distance_mm is not None and abs(own_mm - distance_mm) <= _ALIKE_SHARE * distance_mm:
        return True
    return None
