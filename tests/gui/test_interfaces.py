"""Surfaces of labels: one mesh for all, where the voxels are, without specks."""

from itertools import pairwise

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from tests.viewer_cases import all_orientations, ball_labels, oblique_geometry, oriented
from ui.viewers.crumbs import without_crumbs
from ui.viewers.interfaces import OUTSIDE, Interface, label_interfaces
from ui.viewers.mesh_steps import triangles_of
from ui.viewers.vtk_arrays import to_numpy

NCR, ED, ET = 1, 2, 3
INSIDE_OUT = (NCR, ET, ED)


def corners(interface: Interface) -> np.ndarray:
    """Return (triangles, corners, 3) patient coordinates."""
    points = to_numpy(interface.mesh.GetPoints().GetData())
    return points[triangles_of(interface.mesh)]


def middle_of(geometry: Geometry) -> np.ndarray:
    return geometry.to_patient_mm((np.array(geometry.shape_kji) - 1) / 2)


def nested_balls(geometry: Geometry) -> np.ndarray:
    labels = ball_labels(geometry, 11.0, ED)
    for radius_mm, value in ((8.0, ET), (5.0, NCR)):
        labels[ball_labels(geometry, radius_mm, value) > 0] = value
    return labels


@pytest.mark.parametrize("orientation", all_orientations()[::5], ids=str)
def test_every_surface_is_in_its_place_and_faces_outwards(
    orientation: tuple[tuple[int, int, int], tuple[int, int, int]],
) -> None:
    geometry = oriented(*orientation)
    interfaces = label_interfaces(nested_balls(geometry), geometry, INSIDE_OUT)
    assert [(one.inner, one.outer) for one in interfaces] == [(NCR, ET), (ET, ED), (ED, OUTSIDE)]
    for interface, radius_mm in zip(interfaces, (5.0, 8.0, 11.0), strict=True):
        triangles = corners(interface) - middle_of(geometry)
        radii = np.linalg.norm(triangles, axis=2)
        assert radii.mean() == pytest.approx(radius_mm, abs=0.5)
        assert radii.std() < 0.35
        across = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        assert np.mean((across * triangles.mean(axis=1)).sum(axis=1) > 0) > 0.99
        normals = to_numpy(interface.mesh.GetPointData().GetNormals())
        shown = normals[triangles_of(interface.mesh)]
        assert np.mean((shown * triangles).sum(axis=2) / radii) > 0.9


def test_no_two_surfaces_lie_in_one_place() -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    blocks = np.random.default_rng(3).integers(0, 4, (4, 5, 5)).astype(np.uint8)
    labels = np.zeros(geometry.shape_kji, np.uint8)
    labels[4:20, 5:25, 5:25] = np.kron(blocks, np.ones((4, 4, 4), np.uint8))
    interfaces = label_interfaces(labels, geometry, INSIDE_OUT)
    centres = np.concatenate([corners(one).mean(axis=1) for one in interfaces])
    assert len(np.unique(np.round(centres, 3), axis=0)) == len(centres)
    ranks = [INSIDE_OUT.index(one.inner) for one in interfaces]
    assert all(before <= after for before, after in pairwise(ranks))


def test_the_inner_region_of_two_owns_what_they_share_even_where_it_is_small() -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    labels = ball_labels(geometry, 9.0, ED)
    labels[13:16, 13:16, 14:17] = NCR
    interfaces = label_interfaces(labels, geometry, INSIDE_OUT)
    assert {(one.inner, one.outer) for one in interfaces} == {(NCR, ED), (ED, OUTSIDE)}
    # 27 voxels are too few to be smoothed: the cube keeps its size
    cube = corners(interfaces[0]).reshape(-1, 3)
    assert np.ptp(cube, axis=0) == pytest.approx([3, 3, 3], abs=0.01)


def test_surface_of_thick_slices_is_smooth_and_in_place() -> None:
    geometry = oblique_geometry((12, 60, 60), (0.9, 0.9, 5.5))
    (surface,) = label_interfaces(ball_labels(geometry, 18.0, ET), geometry, INSIDE_OUT)
    radii = np.linalg.norm(corners(surface).reshape(-1, 3) - middle_of(geometry), axis=1)
    assert radii.mean() == pytest.approx(18.0, abs=1.2)


def test_a_single_voxel_at_the_edge_keeps_a_closed_surface() -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    labels = np.zeros(geometry.shape_kji, np.uint8)
    labels[0, 0, 0] = NCR
    (surface,) = label_interfaces(labels, geometry, INSIDE_OUT)
    points = corners(surface).reshape(-1, 3)
    origin = np.array(geometry.origin_lps_mm)
    assert points.min(axis=0) == pytest.approx(origin - 0.5, abs=0.01)
    assert points.max(axis=0) == pytest.approx(origin + 0.5, abs=0.01)
    assert len(triangles_of(surface.mesh)) == 12
    assert label_interfaces(labels, geometry, (ET,)) == ()


def test_a_broken_layer_between_two_regions_goes_to_one_of_them() -> None:
    ranks = np.zeros((20, 20, 20), np.uint8)
    ranks[2:18, 2:18, 2:18] = 3
    ranks[6:14, 6:14, 6:14] = 2
    ranks[5, 6:14:2, 6:14] = 1
    cleared = without_crumbs(ranks, 1.0)
    assert 1 not in cleared
    assert np.array_equal(cleared > 0, ranks > 0)
    assert np.isin(cleared[ranks == 1], (2, 3)).all()


def test_a_focus_a_rim_and_what_stands_alone_keep_their_surfaces() -> None:
    ranks = np.zeros((24, 24, 24), np.uint8)
    ranks[2:18, 2:18, 2:18] = 3
    ranks[3:17, 3:17, 3:17] = 2  # leaves a rim one voxel thick
    ranks[8:11, 8:11, 8:11] = 1
    ranks[21, 21, 21] = 1
    assert np.array_equal(without_crumbs(ranks, 1.0), ranks)
