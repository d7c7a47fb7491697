from itertools import permutations, product

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.imaging.resample import resample, work_geometry

AXES = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def turned(order: tuple[int, ...], signs: tuple[int, ...], spacing: float = 1.0) -> Geometry:
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column in range(3):
        affine[order[column], column] = signs[column] * spacing
    affine[:3, 3] = (3, 4, -2)
    return Geometry((5, 6, 7), affine)


def cubes(count: int, spacing: float, origin: tuple[float, ...] = (0, 0, 0)) -> Geometry:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = origin
    return Geometry((count, count, count), affine)


@pytest.mark.parametrize(("order", "signs"), AXES)
def test_axes_are_reordered_without_interpolation(
    order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    source = Volume(np.random.default_rng(0).random((5, 6, 7)), turned(order, signs))
    work = work_geometry(source.geometry)
    np.testing.assert_allclose(work.affine_lps_mm[:3, :3], np.eye(3))
    there = resample(source, work)
    assert there.array_kji.dtype == np.float64
    for kji in ((0, 0, 0), (4, 2, 1), (3, 5, 6)):
        index = work.to_index_kji(source.geometry.to_patient_mm(np.array(kji, dtype=float)))
        k, j, i = np.rint(index).astype(int)
        assert there.array_kji[k, j, i] == source.array_kji[kji]
    np.testing.assert_array_equal(resample(there, source.geometry).array_kji, source.array_kji)


def test_reference_of_1_mm_in_lps_is_its_own_work_grid() -> None:
    geometry = turned((0, 1, 2), (1, 1, 1))
    assert work_geometry(geometry) is geometry
    volume = Volume(np.ones((5, 6, 7)), geometry)
    assert resample(volume, geometry).array_kji is volume.array_kji


def test_work_grid_covers_thick_slices_with_their_edges() -> None:
    geometry = Geometry((10, 40, 30), np.diag([0.9, 0.9, 5.5, 1.0]))
    work = work_geometry(geometry)
    assert work.shape_kji == (55, 36, 27)
    assert work.spacing_mm == pytest.approx((1, 1, 1))
    middle = (np.array(work.shape_kji) - 1) / 2
    np.testing.assert_allclose(
        work.to_patient_mm(middle), geometry.to_patient_mm(np.array([4.5, 19.5, 14.5]))
    )


def test_oblique_reference_keeps_its_axes() -> None:
    angle = np.radians(20)
    affine = np.eye(4)
    affine[:3, :3] = [
        [1, 0, 0],
        [0, np.cos(angle), -np.sin(angle)],
        [0, np.sin(angle), np.cos(angle)],
    ]
    affine[:3, :3] *= 2.0
    work = work_geometry(Geometry((8, 8, 8), affine))
    np.testing.assert_allclose(work.direction_lps, affine[:3, :3] / 2, atol=1e-12)


def test_crop_and_extension_by_whole_voxels_copy() -> None:
    source = Volume(np.arange(210.0).reshape(5, 6, 7), turned((0, 1, 2), (1, 1, 1)))
    affine = source.geometry.affine_lps_mm.copy()
    affine[:3, 3] += (-2, 1, 3)
    moved = resample(source, Geometry((4, 7, 12), affine), outside=-1)
    np.testing.assert_array_equal(moved.array_kji[:2, :5, 2:9], source.array_kji[3:, 1:, :])
    assert moved.array_kji[2:].max() == -1


def test_linear_interpolation_reproduces_a_linear_field() -> None:
    geometry = Geometry((12, 12, 12), np.diag([2.0, 2.0, 2.0, 1.0]))
    points = geometry.to_patient_mm(np.moveaxis(np.indices((12, 12, 12)), 0, -1))
    field = points @ (1.0, -2.0, 3.0)
    inner = Geometry(
        (15, 15, 15), np.array([[1, 0, 0, 3.3], [0, 1, 0, 2.7], [0, 0, 1, 4.1], [0, 0, 0, 1]])
    )
    result = resample(Volume(field, geometry), inner)
    wanted = inner.to_patient_mm(np.moveaxis(np.indices((15, 15, 15)), 0, -1)) @ (1.0, -2.0, 3.0)
    np.testing.assert_allclose(result.array_kji, wanted, atol=1e-3)


def test_nearest_keeps_labels_and_their_type() -> None:
    labels = np.random.default_rng(1).integers(0, 4, (9, 9, 9)).astype(np.uint8)
    geometry = Geometry((9, 9, 9), np.diag([1.0, 1.0, 1.0, 1.0]))
    finer = Geometry((9, 9, 9), np.diag([0.6, 0.6, 0.6, 1.0]))
    result = resample(Volume(labels, geometry), finer, interpolation="nearest")
    assert result.array_kji.dtype == np.uint8
    assert set(np.unique(result.array_kji)) <= {0, 1, 2, 3}


def test_antialias_keeps_the_mean_and_lowers_the_noise() -> None:
    rng = np.random.default_rng(2)
    fine = Volume(
        100 + 10 * rng.standard_normal((40, 40, 40)),
        Geometry((40, 40, 40), np.diag([0.5, 0.5, 0.5, 1.0])),
    )
    coarse = Geometry(
        (9, 9, 9), np.array([[2, 0, 0, 1.1], [0, 2, 0, 1.1], [0, 0, 2, 1.1], [0, 0, 0, 1.0]])
    )
    plain, smooth = (resample(fine, coarse, antialias=a).array_kji for a in (False, True))
    assert smooth.mean() == pytest.approx(100, abs=0.5)
    assert smooth.std() < 0.4 * plain.std()


def test_unknown_interpolation_is_refused() -> None:
    volume = Volume(np.ones((2, 2, 2)), Geometry((2, 2, 2), np.eye(4)))
    with pytest.raises(ValueError, match="cubic"):
        resample(volume, volume.geometry, interpolation="cubic")
