"""Where the regions of a segmentation lie, and on which side of the brain."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.measurement import Point
from desktop_app.domain.place import Place
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import REGION_LABELS, REGION_TITLES, Region, Segmentation
from desktop_app.domain.volume import SIDES_UNKNOWN
from desktop_app.services.measuring.lesions import tumour_parts
from desktop_app.services.remembered import remembered
from model.cropping import occupied_box

if TYPE_CHECKING:
    from desktop_app.imaging.mid_plane import MidPlane


def measure_places(result: StudyResult) -> dict[Region, Place]:
    """Tell where every region lies.

    Sides are those of the brain's own plane of symmetry, however the head lay in the scanner; see
    `imaging.mid_plane`. Takes about half a second, asked again of the same result no time.

    Returns
    -------
    dict
        In the order of `Region`; one without voxels is left out.
    """
    return dict(_measure(result.segmentation, result.prepared))


def place_in_words(result: StudyResult) -> str:
    """Say where the whole tumour lies, and in how many parts; empty where there is none.

    ``Whole tumour, right; centre R 32, P 4, S 38 mm; one part``
    """
    place = measure_places(result).get(Region.WT)
    if place is None:
        return ""
    parts = tumour_parts(result.segmentation)
    return (
        f"{REGION_TITLES[Region.WT]}, {place.side_in_words}; centre {place.centre_in_words}; "
        f"{'one part' if parts == 1 else f'{parts} parts'}"
    )


# Told in half a dozen files and in the window; neither labels nor outlines ever change.
@remembered
def _measure(segmentation: Segmentation, prepared: PreparedStudy) -> dict[Region, Place]:
    box = occupied_box(segmentation.mask_kji(Region.WT))
    if box is None:
        return {}
    index_kji = np.argwhere(segmentation.labels_kji[box])
    labels = segmentation.labels_kji[box][tuple(index_kji.T)]
    first_kji = np.array([one.start for one in box])
    points_lps_mm = segmentation.geometry.to_patient_mm((index_kji + first_kji).astype(np.float64))
    plane = mid_plane(prepared)
    found = {}
    for region, values in REGION_LABELS.items():
        points = points_lps_mm[np.isin(labels, values)]
        if len(points):
            found[region] = place_of(points, plane)
    return found


@remembered
def mid_plane(prepared: PreparedStudy) -> "MidPlane | None":
    """Return the plane between the sides of the brain; ``None`` where sides cannot be told."""
    from desktop_app.imaging.mid_plane import find_mid_plane

    if SIDES_UNKNOWN in prepared.reference.notes:
        return None
    return find_mid_plane(prepared.brain_kji, prepared.work_geometry)


def place_of(points_lps_mm: NDArray[np.float64], plane: "MidPlane | None") -> Place:
    """Tell where voxels lie, of which there is at least one.

    Parameters
    ----------
    points_lps_mm
        (n, 3) their centres.
    plane
        Between the sides of the brain; see `mid_plane`.
    """
    return Place(
        _point(points_lps_mm.mean(axis=0)),
        (_point(points_lps_mm.min(axis=0)), _point(points_lps_mm.max(axis=0))),
        None if plane is None else float(plane.is_right(points_lps_mm).mean()),
    )


def _point(lps_mm: NDArray[np.float64]) -> Point:
    left, posterior, superior = lps_mm.tolist()
    return left, posterior, superior
