import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.imaging.brightness import alike, grey_range


def test_what_is_alike_holds_one_tissue_and_not_the_other() -> None:
    rng = np.random.default_rng(1)
    tissue, other = rng.normal(200, 10, 5000), rng.normal(120, 10, 5000)
    found = alike(tissue[:60], image_range=300)
    assert found.holds(tissue).mean() > 0.9
    assert found.holds(other).mean() < 0.02


def test_an_outline_that_takes_in_some_of_another_tissue_keeps_to_most_of_it() -> None:
    rng = np.random.default_rng(2)
    tissue, other = rng.normal(200, 5, 700), rng.normal(120, 5, 300)
    found = alike(np.concatenate([tissue, other]), image_range=300, enclosed=True)
    assert found.holds(tissue).mean() > 0.8
    assert found.holds(other).mean() < 0.02


def test_an_image_without_noise_still_has_a_width() -> None:
    found = alike(np.full(9, 50.0), image_range=100)
    assert found.holds(np.array([47.5, 50.0, 52.5])).all()
    assert not found.holds(np.array([45.0, 55.0])).any()


def test_the_range_of_an_image_leaves_out_its_background() -> None:
    image = np.zeros((40, 40, 40), np.float32)
    image[10:30, 10:30, 10:30] = np.random.default_rng(0).uniform(100, 200, (20, 20, 20))
    volume = Volume(image, Geometry(image.shape, np.eye(4)))
    assert grey_range(volume) == pytest.approx(98, abs=3)
    assert grey_range(Volume(np.zeros_like(image), volume.geometry)) == 0


def test_a_box_of_a_grid_lies_where_it_lay() -> None:
    affine = np.array([[0, 0, 3, 4], [1.5, 0, 0, -3], [0, -1, 0, 9], [0, 0, 0, 1.0]])
    grid = Geometry((20, 30, 40), affine)
    box = grid.cropped((slice(2, 5), slice(7, 30), slice(11, 12)))
    assert box.shape_kji == (3, 23, 1)
    corner, far = np.zeros(3), np.array([2.0, 22, 0])
    first = np.array([2.0, 7, 11])
    np.testing.assert_allclose(box.to_patient_mm(corner), grid.to_patient_mm(first))
    np.testing.assert_allclose(box.to_patient_mm(far), grid.to_patient_mm(first + far))
