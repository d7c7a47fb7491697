"""Brush, outline and part on grids of any spacing."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import points_in_poly

from desktop_app.domain.geometry import Geometry
from desktop_app.imaging.strokes import brush_patch, outline_patch, part_patch


def grid(shape=(20, 30, 40), spacing_ijk=(1.0, 1.0, 1.0)):
    return Geometry(shape, np.diag([*spacing_ijk, 1.0]))


def painted(patch, shape):
    mask = np.zeros(shape, bool)
    mask[patch.box] = patch.mask_kji
    return mask


@pytest.mark.parametrize("spacing_ijk", [(1.0, 1.0, 1.0), (0.5, 0.8, 3.0)])
def test_a_ball_is_what_lies_within_its_radius(spacing_ijk):
    geometry = grid(spacing_ijk=spacing_ijk)
    centre = np.array([9.7, 15.2, 20.4])
    mask = painted(brush_patch(geometry, centre, centre, 4.0), geometry.shape_kji)
    places = np.indices(geometry.shape_kji).reshape(3, -1).T
    distance = np.linalg.norm((places - centre) * spacing_ijk[::-1], axis=1)
    assert np.array_equal(mask.ravel(), distance <= 4.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flat_brush_stays_in_its_slice(axis):
    geometry = grid()
    centre = np.array([9.6, 14.6, 19.6])
    mask = painted(brush_patch(geometry, centre, centre, 5.0, axis), geometry.shape_kji)
    assert np.unique(np.nonzero(mask)[axis]).tolist() == [np.rint(centre[axis])]
    assert mask.sum() == pytest.approx(np.pi * 25, rel=0.05)


def test_a_stroke_leaves_no_gap():
    geometry = grid()
    start, end = np.array([5.0, 4.0, 4.0]), np.array([5.0, 25.0, 35.0])
    mask = painted(brush_patch(geometry, start, end, 2.0, 0), geometry.shape_kji)
    for share in np.linspace(0, 1, 50):
        assert mask[tuple(np.rint(start + share * (end - start)).astype(int))]
    length = np.linalg.norm(end - start)
    assert mask.sum() == pytest.approx(4 * length + np.pi * 4, rel=0.1)


@pytest.mark.parametrize("off_voxels", [0.2, 0.4, 0.5])
def test_a_brush_thinner_than_the_slices_leaves_no_gap(off_voxels):
    """A coronal line on slices of 6 mm, drawn as fast as the mouse tells: 3 mm at a time."""
    geometry = grid((20, 30, 70), (1.0, 1.0, 6.0))
    mask = np.zeros(geometry.shape_kji, bool)
    stops = [np.array([10 + off_voxels, 15, column]) for column in np.arange(4.0, 65.0, 3.0)]
    for start, end in pairwise(stops):
        mask |= painted(brush_patch(geometry, start, end, 1.0, 1), geometry.shape_kji)
    assert mask[:, 15, 4:65].any(axis=0).all()


def test_the_thinnest_brush_leaves_no_gap_aslant():
    geometry = grid((20, 30, 40), (0.9, 0.9, 5.0))
    start, end = np.array([2.3, 4.4, 3.0]), np.array([17.7, 25.2, 38.0])
    mask = painted(brush_patch(geometry, start, end, 0.1), geometry.shape_kji)
    _, parts = ndimage.label(mask, np.ones((3, 3, 3)))
    assert parts == 1
    assert mask[2, 4, 3]
    assert mask[18, 25, 38]


def test_the_thinnest_brush_paints_the_voxel_under_it():
    geometry = grid(spacing_ijk=(4.0, 4.0, 4.0))
    at = np.array([3.4, 3.4, 3.4])
    mask = painted(brush_patch(geometry, at, at, 0.1), geometry.shape_kji)
    assert np.argwhere(mask).tolist() == [[3, 3, 3]]


def test_a_brush_is_cut_at_the_edge_and_nothing_beyond_it():
    geometry = grid()
    corner, beyond = np.zeros(3), np.full(3, -30.0)
    assert brush_patch(geometry, corner, corner, 3.0).mask_kji.shape == (4, 4, 4)
    assert brush_patch(geometry, beyond, beyond, 3.0) is None
    assert brush_patch(geometry, np.array([-1.0, 5, 5]), np.array([-1.0, 5, 5]), 3.0, 0) is None


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_outline_is_filled_in_its_slice(axis):
    geometry = grid()
    corners = [(4, 4), (4, 12), (10, 12), (10, 4)]
    points = [np.insert(np.array(corner, float), axis, 7.2) for corner in corners]
    mask = painted(outline_patch(geometry, points, axis), geometry.shape_kji)
    inside = np.argwhere(mask)
    assert set(inside[:, axis].tolist()) == {7}
    assert mask.sum() == pytest.approx(6 * 8, abs=7 + 9)
    assert mask[tuple(np.insert([7, 8], axis, 7))]


def test_an_outline_of_any_shape_is_filled_as_by_another_library():
    geometry = grid((3, 60, 70))
    rng = np.random.default_rng(5)
    for _ in range(20):
        corners = rng.uniform((-5, -5), (65, 75), (rng.integers(3, 40), 2))
        patch = outline_patch(geometry, list(np.insert(corners, 0, 1.0, axis=1)), 0)
        places = np.indices((60, 70)).reshape(2, -1).T
        expected = points_in_poly(places, corners).reshape(60, 70)
        assert np.array_equal(painted(patch, geometry.shape_kji)[1], expected)


def test_an_outline_of_two_points_or_outside_encloses_nothing():
    geometry = grid()
    line = [np.array([3.0, 1, 1]), np.array([3.0, 8, 8])]
    assert outline_patch(geometry, line, 0) is None
    far = [point + 100 * np.eye(3)[1] for point in (*line, np.array([3.0, 1, 8]))]
    assert outline_patch(geometry, far, 0) is None
    below = [point - 9 * np.eye(3)[0] for point in (*line, np.array([3.0, 1, 8]))]
    assert outline_patch(geometry, below, 0) is None


def test_a_part_ends_where_its_faces_do():
    mask = np.zeros((10, 10, 10), bool)
    mask[2:4, 2:4, 2:4] = True
    mask[4, 4, 4] = True  # touches by a corner only
    mask[8, 8, 2:9] = True
    part = painted(part_patch(mask, (3, 3, 3)), mask.shape)
    assert part.sum() == 8
    assert painted(part_patch(mask, (8, 8, 8)), mask.shape).sum() == 7
    assert part_patch(mask, (0, 0, 0)) is None
