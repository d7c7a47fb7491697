"""Whether the tumour reaches an end of the images: what lies beyond is in no number."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.result import PreparedStudy
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.services.remembered import remembered
from model.cropping import occupied_box

_REACHES = "The tumour reaches the "
_TOO_SMALL = "volumes and diameters are too small."
# The last planes of a brain's outline are uncertain, and often without labels.
_NEAR_MM = 3.0
# Of the largest plane. A head or brain that is whole ends in less; see `preflight.pixels`.
_LEAST_END_AREA = 0.25
_ENDS = (("right", "left"), ("anterior", "posterior"), ("lower", "upper"))


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """Between which planes an image shows anything; infinite where it shows the head's own end.

    Parameters
    ----------
    low_kji, high_kji
        Indices beyond which a voxel lies at an end, or outside.
    """

    geometry: Geometry
    low_kji: NDArray[np.float64]
    high_kji: NDArray[np.float64]


def end_remarks(labels_kji: NDArray[np.uint8], prepared: PreparedStudy) -> tuple[str, ...]:
    """Say at which ends of the images the tumour goes on, as far as can be seen.

    An end is where an image stops with at least a quarter of its largest plane, be it the end of
    its grid or of what was left in it. It is reached by voxels within 3 mm or in its last plane.

    Parameters
    ----------
    labels_kji
        On the grid of ``prepared.reference``; other sequences are looked at where they lie on it.

    Returns
    -------
    tuple of str
        The reference's first. Ends that another image on its grid has in common with it are not
        told again.
    """
    box = occupied_box(labels_kji != 0)
    if box is None:
        return ()
    index_kji = _row_ends(labels_kji[box] != 0) + [one.start for one in box]
    points_lps_mm = prepared.reference.geometry.to_patient_mm(index_kji.astype(np.float64))
    reference = prepared.reference_sequence
    remarks = []
    fields = _fields_of(prepared)
    told = _reached(fields[reference], points_lps_mm)
    for sequence, field in sorted(fields.items(), key=lambda one: one[0] != reference):
        ends = _reached(field, points_lps_mm)
        if sequence is not reference and field.geometry.matches(fields[reference].geometry):
            ends = [one for one in ends if one not in told]
        if ends:
            means = _TOO_SMALL if sequence is reference else f"{sequence} shows nothing beyond."
            *first, last = ends
            which = f"{', '.join(first)} and {last} ends" if first else f"{last} end"
            remarks.append(f"{_REACHES}{which} of {sequence}: {means}")
    return tuple(remarks)


def is_end_remark(sentence: str) -> bool:
    """Whether `end_remarks` said it."""
    return sentence.startswith(_REACHES)


def is_cut_off(warnings: Iterable[str]) -> bool:
    """Whether a result says that its tumour goes on beyond the image that carries the labels."""
    return any(is_end_remark(one) and one.endswith(_TOO_SMALL) for one in warnings)


def _row_ends(marked_kji: NDArray[np.bool_]) -> NDArray[np.int_]:
    """Return (n, 3) the first and last voxel of each row: what lies farthest is one of them."""
    k, j = np.nonzero(marked_kji.any(axis=2))
    first = marked_kji.argmax(axis=2)[k, j]
    last = marked_kji.shape[2] - 1 - marked_kji[:, :, ::-1].argmax(axis=2)[k, j]
    return np.concatenate([np.stack([k, j, i], axis=1) for i in (first, last)])


# A stroke of the brush need not wait for it; the images never change.
@remembered
def _fields_of(prepared: PreparedStudy) -> dict[Sequence, _Field]:
    volumes = dict(prepared.volumes) | {prepared.reference_sequence: prepared.reference}
    return {one: _field(volume) for one, volume in volumes.items()}


def _field(volume: Volume) -> _Field:
    from desktop_app.imaging.stripped import background_value

    present = volume.array_kji != background_value(volume)
    low, high = np.full(3, -np.inf), np.full(3, np.inf)
    for axis, spacing_mm in enumerate(volume.geometry.spacing_mm):
        others = tuple(other for other in range(3) if other != axis)
        areas = np.count_nonzero(present, axis=others)
        planes = np.flatnonzero(areas)
        if not len(planes):
            continue
        near = max(1, round(_NEAR_MM / spacing_mm)) - 0.5
        least = _LEAST_END_AREA * areas.max()
        if areas[planes[0]] >= least:
            low[axis] = planes[0] + near
        if areas[planes[-1]] >= least:
            high[axis] = planes[-1] - near
    return _Field(volume.geometry, low, high)


def _reached(field: _Field, points_lps_mm: NDArray[np.float64]) -> list[str]:
    from scipy.optimize import linear_sum_assignment

    index_kji = field.geometry.to_index_kji(points_lps_mm)
    lowest, highest = index_kji.min(axis=0), index_kji.max(axis=0)
    patient_axes, columns = linear_sum_assignment(-np.abs(field.geometry.direction_lps))
    ends = []
    # Top and bottom first: there most images stop.
    for patient_axis, column in list(zip(patient_axes, columns, strict=True))[::-1]:
        axis = 2 - column
        at_ends = [lowest[axis] < field.low_kji[axis], highest[axis] > field.high_kji[axis]]
        if field.geometry.direction_lps[patient_axis, column] < 0:
            at_ends.reverse()
        ends += [name for name, is_at in zip(_ENDS[patient_axis], at_ends, strict=True) if is_at]
    return ends
