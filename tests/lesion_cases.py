"""Lesions with known diameters, for tests of what is shown and copied of them."""

from desktop_app.domain.lesion import Lesion
from desktop_app.domain.measurement import AnatomicalPlane, Diameters
from desktop_app.domain.segmentation import Region


def lesion(number: int, long_mm: float, short_mm: float, at_mm: float = 0.0) -> Lesion:
    """A lesion in an axial slice, 100 mm above the one before; `at_mm` above that."""
    place_mm = 100.0 * number + at_mm
    long_ends = ((0.0, 0.0, place_mm), (long_mm, 0.0, place_mm))
    short_ends = ((0.0, 0.0, place_mm), (0.0, short_mm, place_mm))
    diameters = Diameters(
        Region.ET,
        long_mm,
        short_mm,
        long_ends,
        short_ends,
        AnatomicalPlane.AXIAL,
        0,
        number,
        10.0,
        in_several_slices=True,
    )
    return Lesion(number, 5000.0 / number, diameters)


LESIONS = (
    lesion(1, 30, 20),
    lesion(2, 25, 15),
    lesion(3, 40, 9),
    lesion(4, 20, 12),
    lesion(5, 12, 11),
)
