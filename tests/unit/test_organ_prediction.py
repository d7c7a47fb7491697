"""A network of one's own organ segments new cases, on their own grids."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.data import Case, CaseError
from model.decathlon import find_images
from model.train import predict
from model.train.distributed import Share
from model.train.fingerprint import Fingerprint
from model.train.label_file import save_labels_like
from model.train.organ import OrganSegmenter
from model.train.score import score_case
from model.train.task import Task
from model.train.validation import Validator

OBLIQUE = np.array(
    [[0.0, 0.0, -1.5, 40.0], [0.8, -0.1, 0.0, -20.0], [0.1, 0.8, 0.0, 7.0], [0.0, 0.0, 0.0, 1.0]]
)
"""Slices from right to left, rows from back to front, a little turned."""


def brightest(images: Tensor) -> Tensor:
    """Return logits of background and organ: a network that takes what is bright for the organ."""
    above = images[:, :1] - (images.min() + images.max()) / 2
    return torch.cat([-above, above], dim=1)


def segmenter(spacing_kji_mm: tuple[float, float, float]) -> OrganSegmenter:
    task = Task("Balls", ("MRI",), ("background", "ball"), exclusive=True, spacing_kji_mm=(1, 1, 1))
    validator = Validator(task, (16, 16, 16), 0.5, torch.device("cpu"), Share())
    return OrganSegmenter(brightest, Fingerprint(spacing_kji_mm, (None,)), validator)


def ball(spacing_kji_mm: tuple[float, float, float], radius_mm: float = 6.0) -> Case:
    shape = [round(30 / side) for side in spacing_kji_mm]
    places = np.indices(shape).reshape(3, -1).T * spacing_kji_mm
    labels = (np.linalg.norm(places - 15.0, axis=1) < radius_mm).reshape(shape).astype(np.uint8)
    # Nothing at the edges of the image, which is therefore cut and put back.
    images = np.where(labels, 200.0, 0.0)
    images[4:-4, 4:-4, 4:-4] += 100.0
    return Case("ball", images[None].astype(np.float32), labels, None, spacing_kji_mm)


def test_what_was_found_comes_back_to_the_case_itself() -> None:
    case = ball((1.0, 1.0, 1.0))
    assert case.labels_kji is not None
    found = segmenter((1.0, 1.0, 1.0)).segment(case)
    np.testing.assert_array_equal(found, case.labels_kji)
    coarse = segmenter((3.0, 1.0, 1.0)).segment(case)
    assert coarse.shape == case.labels_kji.shape
    assert 0.8 < 2 * (coarse & case.labels_kji).sum() / (coarse.sum() + case.labels_kji.sum()) < 1


def test_figures_are_those_on_the_cases_own_grid() -> None:
    """An answer that is perfect on the network's coarse grid is not perfect."""
    case = ball((1.0, 0.8, 0.8))
    assert score_case(segmenter((1.0, 0.8, 0.8)), case).dice["ball"] == 1.0
    coarse = segmenter((3.0, 0.8, 0.8))
    images, on_grid = coarse.fingerprint.prepare(case)
    answer = coarse.validator.logits(brightest, images).argmax(dim=1)[0].numpy()
    assert 2 * (answer & on_grid).sum() / (answer.sum() + on_grid.sum()) > 0.99
    figures = score_case(coarse, case)
    assert 0.8 < figures.dice["ball"] < 0.96
    assert figures.hd95_mm["ball"] >= 0.8


def write_image(path: Path, array: NDArray[np.float32], affine: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(array, affine)
    image.set_qform(affine, 1)
    image.set_sform(affine, 4)
    nib.save(image, path)


def test_labels_lie_as_the_image_lies(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    array = rng.uniform(0, 40, (20, 24, 14)).astype(np.float32) + 1
    array[3:9, 5:20, 2:6] += 200
    write_image(tmp_path / "in" / "case.nii.gz", array, OBLIQUE)
    (files,) = find_images(tmp_path / "in", 1)
    told = predict.predict(segmenter((0.8, 0.8, 1.5)), files, tmp_path)
    image, labels = (nib.load(one) for one in (files.images[0], tmp_path / "case.nii.gz"))
    np.testing.assert_array_equal(np.asanyarray(labels.dataobj), array > 100)
    np.testing.assert_allclose(labels.affine, image.affine)
    for form in ("qform_code", "sform_code", "xyzt_units"):
        assert int(labels.header[form]) == {"qform_code": 1, "sform_code": 4, "xyzt_units": 2}[form]
    assert labels.get_data_dtype() == np.uint8
    voxel_mm3 = abs(np.linalg.det(OBLIQUE[:3, :3]))
    assert told.volumes_mm3["ball"] == pytest.approx((array > 100).sum() * voxel_mm3, rel=1e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case.nii.gz", "in"]
    with pytest.raises(CaseError, match="voxels, the labels"):
        save_labels_like(np.zeros((3, 3, 3), np.uint8), files.images[0], tmp_path / "x.nii.gz")


def test_images_are_found_with_their_modalities(tmp_path: Path) -> None:
    for name in ("a_0000.nii.gz", "a_0001.nii.gz", "b_001.nii", ".b_001.nii.gz", "notes.txt"):
        (tmp_path / name).touch()
    a, b = find_images(tmp_path, 2)
    assert (a.name, [path.name for path in a.images]) == ("a", ["a_0000.nii.gz", "a_0001.nii.gz"])
    assert (b.name, [path.name for path in b.images]) == ("b_001", ["b_001.nii"])
    with pytest.raises(CaseError, match=r"not there: .*a_0002\.nii\.gz"):
        find_images(tmp_path, 3)
    (tmp_path / "a.nii.gz").touch()
    with pytest.raises(CaseError, match="a second case of the name a"):
        find_images(tmp_path, 2)
    with pytest.raises(CaseError, match="no images"):
        find_images(tmp_path / "nowhere", 1)
