"""Which side is where: for every orientation a scanner may store, and for oblique grids."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import DEFAULT_LABELS
from tests.viewer_cases import (
    COUNTS_LPS,
    all_orientations,
    labels,
    lesion_lps_mm,
    oblique_geometry,
    phantom,
    stored_geometry,
)
from ui.viewers.overlay import OverlayStyle
from ui.viewers.planes import (
    Plane,
    PlaneFrame,
    direction_letters,
    nearest_voxel_axes,
    position_text,
)
from ui.viewers.reslice import ResliceSource
from ui.viewers.slice_renderer import Raster, SliceRenderer
from ui.viewers.viewport import Viewport
from ui.viewers.window_level import Window

LETTERS = {
    Plane.AXIAL: ("R", "A", "L", "P"),
    Plane.CORONAL: ("R", "S", "L", "I"),
    Plane.SAGITTAL: ("A", "S", "P", "I"),
}
ORIENTATIONS = all_orientations()


def rendered(geometry: Geometry, plane: Plane) -> NDArray[np.uint8]:
    frame = PlaneFrame.of(geometry, plane)
    renderer = SliceRenderer()
    renderer.set_image(ResliceSource(phantom(geometry).array_kji, geometry, is_labels=False))
    renderer.set_window(Window(300, 600))
    viewport = Viewport.fit(160, 140, frame.bounds_mm)
    _, picture, _ = renderer.render(frame, frame.step_at(lesion_lps_mm()), viewport, 1.0)
    assert picture is not None
    return grey_array(picture)


def grey_array(picture: QImage) -> NDArray[np.uint8]:
    flat = np.frombuffer(picture.constBits(), np.uint8)
    return flat.reshape(picture.height(), picture.bytesPerLine())[:, : picture.width()].copy()


def test_there_are_48_orientations() -> None:
    assert len({str(stored_geometry(*one).affine_lps_mm) for one in ORIENTATIONS}) == 48


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_letters_are_radiological_in_every_orientation(
    orientation: tuple[tuple[int, int, int], tuple[int, int, int]],
) -> None:
    geometry = stored_geometry(*orientation)
    for plane, letters in LETTERS.items():
        frame = PlaneFrame.of(geometry, plane)
        assert frame.side_letters == letters
        assert frame.counts == tuple(
            COUNTS_LPS[int(np.argmax(np.abs(axis)))]
            for axis in (plane.right_lps, plane.down_lps, plane.forward_lps)
        )


@pytest.mark.parametrize("plane", list(Plane), ids=lambda plane: plane.title)
def test_every_orientation_gives_the_same_picture(plane: Plane) -> None:
    expected = rendered(stored_geometry((0, 1, 2), (1, 1, 1)), plane)
    assert expected.max() == 255
    assert np.unique(expected).size > 20
    for orientation in ORIENTATIONS:
        picture = rendered(stored_geometry(*orientation), plane)
        assert np.abs(picture.astype(int) - expected).max() <= 1, orientation


def test_lesion_left_front_top_is_where_a_radiologist_expects_it() -> None:
    geometry = stored_geometry((0, 1, 2), (1, 1, 1))
    expected = {
        Plane.AXIAL: (True, True),  # on the right of the screen, in the upper half
        Plane.CORONAL: (True, True),
        Plane.SAGITTAL: (False, True),  # the face looks to the left
    }
    for plane, (is_right, is_upper) in expected.items():
        picture = rendered(geometry, plane)
        row, column = np.unravel_index(np.argmax(picture), picture.shape)
        assert (column > picture.shape[1] / 2) == is_right, plane
        assert (row < picture.shape[0] / 2) == is_upper, plane


@pytest.mark.parametrize(
    ("direction", "letters"),
    [
        ((1, 0, 0), "L"),
        ((-3, 0, 0), "R"),
        ((0, 1, 0), "P"),
        ((0, -0.2, 0), "A"),
        ((0, 0, 1), "S"),
        ((0, 0, -1), "I"),
        ((0.95, 0.31, 0), "L"),
        ((0.9, -0.43, 0), "LA"),
        ((0.1, 0.6, -0.8), "IP"),
    ],
)
def test_direction_letters(direction: tuple[float, float, float], letters: str) -> None:
    assert direction_letters(np.array(direction)) == letters


def test_oblique_axes_go_to_their_nearest_side() -> None:
    angle = np.radians(40)
    affine = np.eye(4)
    affine[:3, 0] = (0, np.cos(angle), np.sin(angle))  # i runs to the back and up
    affine[:3, 1] = (0, -np.sin(angle), np.cos(angle))
    affine[:3, 2] = (1, 0, 0)
    geometry = Geometry((5, 6, 7), affine)
    assert nearest_voxel_axes(geometry) == (2, 0, 1)
    assert PlaneFrame.of(geometry, Plane.AXIAL).side_letters == ("R", "AI", "L", "PS")


def test_slices_are_numbered_as_the_series_stores_them() -> None:
    up = PlaneFrame.of(stored_geometry((0, 1, 2), (1, 1, 1)), Plane.AXIAL)
    down = PlaneFrame.of(stored_geometry((0, 1, 2), (1, 1, -1)), Plane.AXIAL)
    assert up.slice_number(0) == 1
    assert down.slice_number(0) == COUNTS_LPS[2]


def test_steps_stay_inside_the_volume() -> None:
    frame = PlaneFrame.of(oblique_geometry(), Plane.CORONAL)
    assert frame.step_at(np.array([0.0, 1e4, 0.0])) == 0  # far behind; scrolling leads forward
    assert frame.step_at(np.array([0.0, -1e4, 0.0])) == frame.counts[2] - 1


def test_plane_coordinates_round_trip_on_an_oblique_grid() -> None:
    frame = PlaneFrame.of(oblique_geometry(), Plane.SAGITTAL)
    point = np.array([3.0, -12.0, 40.0])
    assert np.allclose(frame.to_patient_mm(*frame.to_uvw_mm(point)), point)


def test_first_and_last_voxel_are_on_the_grid() -> None:
    geometry = oblique_geometry()
    for plane in Plane:
        frame = PlaneFrame.of(geometry, plane)
        across, down, through = (
            (n - 1) * s for n, s in zip(frame.counts, frame.spacing_mm, strict=True)
        )
        for corner in ((0, 0, 0), (across, down, through)):
            index = geometry.to_index_kji(frame.to_patient_mm(*corner))
            assert np.allclose(index, np.rint(index), atol=1e-6)
            assert (np.rint(index) >= 0).all()
            assert (np.rint(index) < geometry.shape_kji).all()


def test_true_voxels_are_shown_where_pixels_meet_their_centres() -> None:
    geometry = stored_geometry((0, 1, 2), (1, 1, 1))
    volume = phantom(geometry)
    frame = PlaneFrame.of(geometry, Plane.AXIAL)
    viewport = Viewport(*(float(n) for n in (40, 45)), 1.0, 19.5, 21.75)  # one pixel per mm
    raster = Raster.covering(frame, viewport, 1.0)
    assert raster is not None
    matrix = raster.sample_to_patient(frame, 5, viewport)
    index = geometry.to_index_kji((matrix @ (3, 0, 0, 1))[:3])
    assert index[0] == pytest.approx(5)
    assert index[2] == pytest.approx(3)
    renderer = SliceRenderer()
    renderer.set_image(ResliceSource(volume.array_kji, geometry, is_labels=False))
    renderer.set_window(Window(127.5, 255))
    _, picture, _ = renderer.render(frame, 5, viewport, 1.0)
    assert picture is not None
    shown = grey_array(picture)
    columns = volume.array_kji[5, 1, :]  # row 1 of 1.5 mm is at 1.5 mm: pixel rows 1 and 2 frame it
    mean = (shown[1].astype(float) + shown[2]) / 2
    assert np.abs(mean - np.clip(columns, 0, 255)).max() <= 1.0


@pytest.mark.parametrize("device_ratio", [1.0, 1.25, 1.5, 2.0, 2.5])
@pytest.mark.parametrize("plane", list(Plane), ids=lambda plane: plane.title)
def test_labels_cover_their_voxel_at_every_screen_scale(plane: Plane, device_ratio: float) -> None:
    geometry = oblique_geometry((16, 24, 24), (2.0, 2.0, 3.0))
    volume_labels = np.zeros(geometry.shape_kji, np.uint8)
    volume_labels[7, 9, 14] = 1
    centre = geometry.to_patient_mm(np.array([7.0, 9.0, 14.0]))
    frame = PlaneFrame.of(geometry, plane)
    viewport = Viewport.fit(300, 260, frame.bounds_mm).zoomed(1.7, 140, 120).panned(-13, 7)
    renderer = SliceRenderer()
    renderer.set_labels(ResliceSource(volume_labels, geometry, is_labels=True))
    renderer.set_style(OverlayStyle(DEFAULT_LABELS, opacity=1.0))
    target, _, overlay = renderer.render(frame, frame.step_at(centre), viewport, device_ratio)
    assert overlay is not None
    flat = np.frombuffer(overlay.constBits(), np.uint32).reshape(overlay.height(), overlay.width())
    rows, columns = np.nonzero(flat)
    u, v, _ = frame.to_uvw_mm(centre)
    (du, dv, _) = frame.spacing_mm
    left, top = viewport.to_pixel(u - du / 2, v - dv / 2)
    right, bottom = viewport.to_pixel(u + du / 2, v + dv / 2)
    pixel = 1 / device_ratio
    assert target.left() + columns.min() * pixel == pytest.approx(left, abs=pixel)
    assert target.left() + (columns.max() + 1) * pixel == pytest.approx(right, abs=pixel)
    assert target.top() + rows.min() * pixel == pytest.approx(top, abs=pixel)
    assert target.top() + (rows.max() + 1) * pixel == pytest.approx(bottom, abs=pixel)


def test_big_screens_are_sampled_coarser_but_in_place() -> None:
    frame = PlaneFrame.of(oblique_geometry(), Plane.AXIAL)
    viewport = Viewport.fit(2500, 1400, frame.bounds_mm)
    fine, coarse = Raster.covering(frame, viewport, 1.0), Raster.covering(frame, viewport, 2.0)
    assert fine is not None
    assert coarse is not None
    assert coarse.stride > 1
    assert coarse.columns * coarse.rows <= 1_650_000
    for raster in (fine, coarse):
        matrix = raster.sample_to_patient(frame, 3, viewport)
        middle = (matrix @ ((raster.columns - 1) / 2, (raster.rows - 1) / 2, 0, 1))[:3]
        at = frame.to_uvw_mm(middle)
        x, y = viewport.to_pixel(at[0], at[1])
        assert x == pytest.approx(raster.target.center().x(), abs=1e-6)
        assert y == pytest.approx(raster.target.center().y(), abs=1e-6)
        assert at[2] == pytest.approx(3 * frame.spacing_mm[2])


def test_nothing_is_cut_where_the_slice_is_out_of_sight() -> None:
    frame = PlaneFrame.of(oblique_geometry(), Plane.AXIAL)
    away = Viewport.fit(200, 200, frame.bounds_mm).panned(5000, 0)
    assert Raster.covering(frame, away, 1.0) is None


def test_position_text_names_the_side() -> None:
    assert position_text(np.array([-12.34, 40.0, -0.04])) == "R 12.3  P 40.0  S 0.0 mm"


def test_lesion_helper_labels_one_voxel_in_every_orientation() -> None:
    assert all(int((labels(stored_geometry(*one)) > 0).sum()) == 1 for one in ORIENTATIONS)
