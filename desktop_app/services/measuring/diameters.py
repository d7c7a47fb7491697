"""The two-dimensional measure of a segmentation, beside its volumes."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.measurement import AnatomicalPlane, Diameters, Point
from desktop_app.domain.readable import readable_diameters, readable_position
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import (
    REGION_TITLES,
    Region,
    Segmentation,
)
from desktop_app.domain.study import InstanceRef
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.services.remembered import remembered

if TYPE_CHECKING:
    from desktop_app.imaging.diameters import InPlaneDiameters

MEASURED_REGIONS = (Region.ET, Region.WT)
"""What RANO 2.0 measures: enhancing disease, and where there is none the abnormality on T2 and
FLAIR, which the whole tumour comes nearest to."""

CRITERIA = "RANO 2.0"

_LEAST_MM = 10.0
# RANO 2.0 asks for slices of at most 5 mm, of at most 1.5 mm best, and then any plane can be cut.
_FINE_MM = 1.5
_CLEARLY_THICKER = 1.1
_LEAST_DECIMALS = 1  # no slice distance is known better, and so it can be told as it is
_PLANES = (AnatomicalPlane.SAGITTAL, AnatomicalPlane.CORONAL, AnatomicalPlane.AXIAL)


def measure_diameters(
    segmentation: Segmentation, token: CancelToken = NEVER
) -> dict[Region, Diameters]:
    """Measure the longest measurable lesion of a region in two dimensions, else the longest.

    See `imaging.diameters`. Takes about a tenth of a second for a whole head, a few tenths more
    where a lesion is thin and bent; asked again of the same segmentation, no time.

    Of the enhancing tumour, lines also run through label 1 where its rim encloses it. In slices
    farther apart than 5 mm, a diameter has to be twice that distance to be measurable, gaps
    included (RANO-HGG: Wen et al. 2010, doi 10.1200/JCO.2009.26.3541).

    Returns
    -------
    dict
        For `MEASURED_REGIONS`; one without voxels is left out.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    return dict(_measure(segmentation, token))


# A result is told in half a dozen files and in the window; its labels never change.
@remembered
def _measure(segmentation: Segmentation, token: CancelToken) -> dict[Region, Diameters]:
    # scipy loads slowly; a window that only starts need not wait for it.
    from desktop_app.imaging.diameters import longest_diameters

    geometry = segmentation.geometry
    found = {}
    for region in MEASURED_REGIONS:
        lines = longest_diameters(
            segmentation.mask_kji(region),
            geometry.spacing_mm,
            axis=slice_axis(geometry),
            through_kji=segmentation.mask_kji(Region.NCR) if region is Region.ET else None,
            least_mm=least_measurable_mm(geometry),
            check=token.raise_if_cancelled,
        )
        if lines is not None:
            found[region] = to_diameters(region, lines, geometry)
    return found


def least_measurable_mm(geometry: Geometry) -> float:
    """Return what both diameters of a measurable lesion reach; see `measure_diameters`."""
    return round(max(_LEAST_MM, 2 * geometry.spacing_mm[slice_axis(geometry)]), _LEAST_DECIMALS)


def to_diameters(region: Region, lines: "InPlaneDiameters", geometry: Geometry) -> Diameters:
    """Return lines found on a grid as diameters in the patient."""
    axis = slice_axis(geometry)
    return Diameters(
        region=region,
        long_mm=lines.long_mm,
        short_mm=lines.short_mm,
        long_ends=_in_patient(geometry, lines.long_ends_kji),
        short_ends=_in_patient(geometry, lines.short_ends_kji),
        plane=plane_across(geometry, axis),
        slice_axis=axis,
        slice_index=lines.slice_index,
        least_mm=least_measurable_mm(geometry),
        in_several_slices=lines.goes_on,
    )


def in_words(found: Diameters, side: str = "", *, numbers_slice: bool = False) -> str:
    """Return a line for people: ``Enhancing tumour 38 × 27 mm, axial S 34.2 mm``.

    Parameters
    ----------
    side
        Where the region lies, told behind its name.
    numbers_slice
        Tell the number of the slice on the labels' grid, as the window writes it beside slices, and
        not the place of the lines' middle, from which a tilted series leads away.
    """
    lengths = readable_diameters(found.long_mm, found.short_mm, found.least_mm)
    place = readable_position(found.plane, found.position_mm)
    where = f"{found.plane.value} {f'slice {found.grid_plane}' if numbers_slice else place}"
    title = REGION_TITLES[found.region]
    return f"{title}, {side}, {lengths}, {where}" if side else f"{title} {lengths}, {where}"


def slice_in_words(result: StudyResult, found: Diameters) -> str:
    """Name the slice of diameters as archives number it: ``T1c image 84``.

    Where the slice is none of the scanner's, or nothing tells its number, it is told as a plane of
    the grid of the labels.
    """
    number = image_number(measured_image(result, found))
    if not number:
        reference = result.prepared.reference_sequence
        return f"plane {found.grid_plane} of the grid of {reference}"
    return f"{result.prepared.reference_sequence.value} {number}"


def measured_image(result: StudyResult, found: Diameters) -> InstanceRef | None:
    """Return the image of the reference series that diameters lie in.

    ``None`` where they lie in a plane across the scanner's slices, or between two of these.
    """
    if found.slice_axis != 0:
        return None
    series = result.roles[result.prepared.reference_sequence]
    return series.image_on(result.segmentation.geometry, found.slice_index)


def image_number(image: InstanceRef | None) -> str:
    """Name an image as archives do, ``image 84`` or ``frame 84``; empty where they cannot."""
    if image is None or (image.frame is None and image.number is None):
        return ""
    return f"image {image.number}" if image.frame is None else f"frame {image.frame}"


def slice_axis(geometry: Geometry) -> int:
    """Return the axis of the array from slice to slice in which diameters are measured.

    That of the slices as acquired, along which voxels are clearly longer than along both others,
    or the first where none is. Where voxels are fine enough in all directions, that of axial
    slices, which RANO 2.0 asks for.
    """
    spacing_mm = np.asarray(geometry.spacing_mm)
    if round(float(spacing_mm.max()), 2) > _FINE_MM:
        *_, second, thickest = np.argsort(spacing_mm, kind="stable").tolist()
        is_thicker = spacing_mm[thickest] > _CLEARLY_THICKER * spacing_mm[second]
        return thickest if is_thicker else 0
    return next(axis for axis in range(3) if plane_across(geometry, axis) is AnatomicalPlane.AXIAL)


def plane_across(geometry: Geometry, axis: int) -> AnatomicalPlane:
    """Return what slices along an axis (0 = k, 1 = j, 2 = i) of a grid are called."""
    from scipy.optimize import linear_sum_assignment

    patient_axes, voxel_axes = linear_sum_assignment(-np.abs(geometry.direction_lps))
    of_axis = dict(zip(voxel_axes.tolist(), patient_axes.tolist(), strict=True))
    return _PLANES[of_axis[2 - axis]]


def _in_patient(geometry: Geometry, ends_kji: NDArray[np.float64]) -> tuple[Point, Point]:
    (l1, p1, s1), (l2, p2, s2) = geometry.to_patient_mm(ends_kji).tolist()
    return (l1, p1, s1), (l2, p2, s2)
