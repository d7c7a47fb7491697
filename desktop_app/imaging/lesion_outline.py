"""The outline of a mask within a slice, and whether a straight line stays inside it.

Points are (row, column) in voxel indices, fractions allowed. The outline runs halfway between the
centres of a voxel inside and a voxel outside, as the surface mesh does of which the Image
Biomarker Standardisation Initiative takes diameters (Zwanenburg et al. 2020, doi
10.1148/radiol.2020191145): a single voxel is as long and as wide as it is. Voxels that touch at a
corner belong together, and what encloses a hole may close at corners.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

_ROUNDING = 1e-9
# Where a line is looked at first, the middle before all: 1/2, 1/4, 3/4, 1/8 and so on.
_FIRST_LOOKS = tuple(n / 2**depth for depth in range(1, 6) for n in range(1, 2**depth, 2))


_NOTHING = np.zeros((3, 3), bool)
_BY_FACES = np.stack([_NOTHING, ndimage.generate_binary_structure(2, 1), _NOTHING])
_BY_CORNERS = np.stack([_NOTHING, ndimage.generate_binary_structure(2, 2), _NOTHING])


def lesions_in_slices(mask_kji: Mask) -> NDArray[np.int32]:
    """Return the connected parts of every slice by itself, numbered from 1."""
    parts: NDArray[np.int32] = ndimage.label(mask_kji, _BY_CORNERS)[0]
    return parts


def filled_in_slices(mask_kji: Mask) -> Mask:
    """Return the mask with every hole filled that is enclosed within its slice."""
    padded = np.pad(mask_kji, ((0, 0), (1, 1), (1, 1)))
    parts, _ = ndimage.label(~padded, _BY_FACES)
    filled: Mask = (parts != parts[:, :1, :1])[:, 1:-1, 1:-1]
    return filled


def enclosed_in_slices(mask_kji: Mask, reach: int) -> Mask:
    """Return the mask with all that it encloses within its slice, gaps bridged.

    Parameters
    ----------
    reach
        In voxels; gaps of up to twice that are bridged.
    """
    padded = np.pad(mask_kji, ((0, 0), (reach, reach), (reach, reach)))
    grown = ndimage.binary_dilation(padded, _BY_FACES, iterations=reach)
    # A closing would open the gaps of a thin rim again: so it is filled before it shrinks.
    closed: Mask = ndimage.binary_erosion(filled_in_slices(grown), _BY_FACES, iterations=reach)
    return closed[:, reach:-reach, reach:-reach]


def border_points(mask_ji: Mask) -> Points:
    """Return (n, 2) the corners of the outline; the mask must not reach its array's edge."""
    above = np.argwhere(mask_ji[1:] != mask_ji[:-1]) + np.array((0.5, 0.0))
    beside = np.argwhere(mask_ji[:, 1:] != mask_ji[:, :-1]) + np.array((0.0, 0.5))
    return np.concatenate([above, beside])


def outline_edges(mask_ji: Mask) -> Points:
    """Return (n, 2, 2) the straight pieces of the outline between corners of it."""
    a, b = mask_ji[:-1, :-1], mask_ji[:-1, 1:]
    d, c = mask_ji[1:, :-1], mask_ji[1:, 1:]
    top, right, bottom, left = (0.0, 0.5), (0.5, 1.0), (1.0, 0.5), (0.5, 0.0)

    def cut_off(corner: Mask, next_to: tuple[Mask, Mask], opposite: Mask) -> Mask:
        """Where a corner lies apart; of two that touch, what lies outside is cut off."""
        apart = (corner != next_to[0]) & (corner != next_to[1])
        cut: Mask = apart & ~(corner & opposite)
        return cut

    pieces = (
        (cut_off(a, (b, d), c), top, left),
        (cut_off(b, (a, c), d), top, right),
        (cut_off(c, (b, d), a), right, bottom),
        (cut_off(d, (a, c), b), bottom, left),
        ((a == b) & (c == d) & (a != d), left, right),
        ((a == d) & (b == c) & (a != b), top, bottom),
    )
    return np.concatenate(
        [np.argwhere(where)[:, None, :] + np.array([one, other]) for where, one, other in pieces]
    )


def stays_inside(starts: Points, ends: Points, inside_ji: Mask) -> Mask:
    """Tell which straight lines between points of the outline run inside it.

    A line between voxels is inside where no point of it is a whole voxel or more away from every
    voxel of the mask, across and down alike: the chord property, by which a digital line or a
    digital convex shape is told (Rosenfeld 1974, doi 10.1109/T-C.1974.223845). A stricter rule
    would lose the diameter of every slanting lesion to the steps of its own outline.

    Parameters
    ----------
    starts, ends
        (n, 2) row and column.
    inside_ji
        The mask; it must not reach its array's edge.

    Returns
    -------
    ndarray
        (n,) bool.
    """
    inside = may_stay_inside(starts, ends, inside_ji)
    left = np.flatnonzero(inside)
    inside[left] = _is_inside_throughout(starts[left], ends[left], inside_ji)
    return inside


def may_stay_inside(starts: Points, ends: Points, inside_ji: Mask) -> Mask:
    """Tell of which lines a few looks do not show already that they leave; see `stays_inside`."""
    down = inside_ji[1:] | inside_ji[:-1]
    near = down[:, 1:] | down[:, :-1]  # between four voxels, one of them marked
    left = np.arange(len(starts))
    for share in _FIRST_LOOKS:
        place = (starts[left] + share * (ends[left] - starts[left])).astype(np.intp)
        left = left[near[place[:, 0], place[:, 1]]]
    may = np.zeros(len(starts), bool)
    may[left] = True
    return may


def _is_inside_throughout(starts: Points, ends: Points, inside_ji: Mask) -> Mask:
    """Look at every place where a line crosses a row or a column of voxels."""
    inside = np.ones(len(starts), bool)
    for axis in (0, 1):
        first, last = starts[:, axis, None], ends[:, axis, None]
        across = starts[:, 1 - axis, None], ends[:, 1 - axis, None]
        lowest = np.ceil(np.minimum(first, last))
        highest = np.floor(np.maximum(first, last))
        most = int((highest - lowest).max(initial=-1.0)) + 1
        at = lowest + np.arange(most, dtype=np.float64)
        is_crossing = (at <= highest) & (first != last)
        found = _marked_beside(at, _between(at, (first, last), across), axis, inside_ji)
        inside &= (found | ~is_crossing).all(axis=1)
    return inside


def _between(at: Points, along: tuple[Points, Points], across: tuple[Points, Points]) -> Points:
    length = along[1] - along[0]
    share = (at - along[0]) / np.where(length == 0, 1.0, length)
    place: Points = across[0] + share * (across[1] - across[0])
    return place


def _marked_beside(at: Points, across: Points, axis: int, inside_ji: Mask) -> Mask:
    """Tell whether one of the two voxels is marked between which a line passes."""
    nearest = np.rint(across)
    across = np.where(np.abs(across - nearest) < _ROUNDING, nearest, across)
    last_row, last_column = (size - 1 for size in inside_ji.shape)
    found = np.zeros(at.shape, bool)
    for beside in (np.floor(across), np.ceil(across)):
        row, column = (at, beside) if axis == 0 else (beside, at)
        # Only places that are no crossing lie outside.
        row_index = np.clip(row, 0, last_row).astype(np.intp)
        found |= inside_ji[row_index, np.clip(column, 0, last_column).astype(np.intp)]
    return found
