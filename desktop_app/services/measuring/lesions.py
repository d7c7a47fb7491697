"""The enhancing lesions of a segmentation, one by one, for a reader who chooses target lesions."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from desktop_app.domain.lesion import Lesion
from desktop_app.domain.measurement import reaches
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.services.measuring.diameters import (
    least_measurable_mm,
    measure_diameters,
    slice_axis,
    to_diameters,
)
from desktop_app.services.remembered import remembered
from model.cropping import occupied_box

MOST_TARGETS = 3
"""How many enhancing target lesions RANO 2.0 adds up (Wen et al. 2023, doi 10.1200/JCO.23.01059);
RANO-HGG (2010) and modified RANO (2017) added up to five."""

MOST_LISTED = 10
"""How many lesions are listed at most."""

_LEAST_MM3 = 1000.0
# Smaller parts are specks, as correcting removes them.
_LEAST_PART_MM3 = 100.0


# Told in the window and in files; labels never change.
@remembered
def measure_lesions(segmentation: Segmentation, token: CancelToken = NEVER) -> tuple[Lesion, ...]:
    """Tell the enhancing lesions apart and measure each in two dimensions.

    See `imaging.lesion_list`. Listed are at most ten, the largest first, that have at least 1 cm³
    or are measurable. The lesion that `measure_diameters` found is not measured again.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    return tuple(islice(_lesions(segmentation, token), MOST_LISTED))


@remembered
def tumour_parts(segmentation: Segmentation) -> int:
    """Count the parts of the whole tumour that touch over no face, edge or corner.

    Those below 0.1 cm³ do not count, unless there is no larger one.
    """
    # scipy loads slowly; a window that only starts need not wait for it.
    from scipy import ndimage

    whole = segmentation.mask_kji(Region.WT)
    box = occupied_box(whole)
    if box is None:
        return 0
    numbers, _ = ndimage.label(whole[box], ndimage.generate_binary_structure(3, 3))
    sizes_mm3 = np.bincount(numbers[whole[box]]) * segmentation.geometry.voxel_volume_mm3
    return max(1, int((sizes_mm3 >= _LEAST_PART_MM3).sum()))


def sum_of_products_mm2(lesions: Iterable[Lesion]) -> float:
    """Return the sum of the bidimensional products, which RANO 2.0 follows over time."""
    return sum(one.diameters.product_mm2 for one in lesions)


def _lesions(segmentation: Segmentation, token: CancelToken) -> Iterator[Lesion]:
    longest = measure_diameters(segmentation, token).get(Region.ET)
    if longest is None:
        return
    # scipy loads slowly; a window that only starts need not wait for it.
    from desktop_app.imaging.lesion_list import Limits, lesions_apart

    geometry = segmentation.geometry
    voxel_mm3 = float(np.prod(geometry.spacing_mm))
    number = 0
    for found in lesions_apart(
        segmentation.mask_kji(Region.ET),
        segmentation.mask_kji(Region.NCR),
        geometry.spacing_mm,
        axis=slice_axis(geometry),
        limits=Limits(_LEAST_MM3 / voxel_mm3, least_measurable_mm(geometry)),
        known_kji=geometry.to_index_kji(np.array(longest.long_ends[0])),
        check=token.raise_if_cancelled,
    ):
        diameters = longest
        if found.lines is not None:
            diameters = to_diameters(Region.ET, found.lines, geometry)
        volume_mm3 = found.voxels * voxel_mm3
        if diameters.is_measurable or reaches(volume_mm3, _LEAST_MM3):
            number += 1
            yield Lesion(number, volume_mm3, diameters)
