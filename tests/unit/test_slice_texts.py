"""What a slice says of itself: where it lies, and where the image has fewer slices than that."""

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from ui.viewers.planes import Plane, PlaneFrame
from ui.viewers.slice_texts import position_lines

FINE = Geometry((176, 256, 256), np.diag([1.0, 1.0, 1.0, 1.0]))
THICK = Geometry((32, 256, 256), np.diag([1.0, 1.0, 5.5, 1.0]))


def lines(plane: Plane, reference: Geometry, image: Geometry | None) -> tuple[str, ...]:
    frame = PlaneFrame.of(reference, plane)
    return position_lines(frame, 99, np.array([10.0, 20.0, 99.0]), image)


def test_an_image_as_fine_as_its_slices_needs_no_word() -> None:
    expected = ("Slice 100 / 176", "S 99.0 mm  ·  every 1 mm")
    assert lines(Plane.AXIAL, FINE, FINE) == expected
    assert lines(Plane.AXIAL, FINE, None) == expected


def test_a_thick_image_says_that_most_slices_are_interpolated() -> None:
    assert lines(Plane.AXIAL, FINE, THICK)[2:] == ("interpolated from 5.5 mm",)


@pytest.mark.parametrize("plane", [Plane.CORONAL, Plane.SAGITTAL])
def test_across_its_slices_a_thick_image_is_as_fine_as_any(plane: Plane) -> None:
    assert len(lines(plane, FINE, THICK)) == 2


def test_a_finer_image_in_thick_slices_is_not_interpolated() -> None:
    assert len(lines(Plane.AXIAL, THICK, FINE)) == 2


def test_a_little_motion_makes_no_image_coarser() -> None:
    turned = np.diag([1.0, 1.0, 1.0, 1.0])
    a = np.radians(3)
    turned[:3, :3] = [[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]
    assert len(lines(Plane.AXIAL, FINE, Geometry(FINE.shape_kji, turned))) == 2
