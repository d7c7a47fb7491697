"""Label maps in NIfTI are told as such and never proposed, whatever they are named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.io.nifti.files import write_nifti
from desktop_app.io.scan import scan

SHAPE = (40, 48, 48)
GEOMETRY = Geometry(SHAPE, np.diag([4.0, 4.0, 4.0, 1.0]))
WHAT = "a map of labels, not an image"


def labels(*values: float, dtype: Any = np.uint8) -> NDArray[Any]:
    """Return a map whose labels lie in its middle, as lesions do."""
    array = np.zeros(SHAPE, dtype)
    for n, value in enumerate(values):
        array[18 + n, 20:30, 20:30] = value
    return array


def image(dtype: Any = np.int16) -> NDArray[Any]:
    """Return a head without its skull: nothing but zeros at the edges."""
    array = np.zeros(SHAPE, dtype)
    array[15:30, 12:36, 12:36] = np.random.default_rng(0).integers(0, 200, (15, 24, 24))
    return array


def write(path: Path, array: NDArray[Any], **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_nifti(Volume(array, GEOMETRY, source=""), path, **how)


@pytest.mark.parametrize(
    "array",
    [
        labels(1, 2, 3),
        labels(1, 2, 4, dtype=np.int16),
        labels(1, dtype=np.float32),
        labels(1, 2, 3, dtype=np.float64),
        labels(*range(1, 8), dtype=np.int32),
    ],
)
@pytest.mark.parametrize("name", ["slicer.nii.gz", "slicer.nii"])
def test_label_map_alone_is_no_study_and_is_told(
    tmp_path: Path, array: NDArray[Any], name: str
) -> None:
    path = write(tmp_path / name, array)
    for opened in (tmp_path, path):
        with pytest.raises(InputError, match="no usable brain MR") as caught:
            scan(opened)
        assert WHAT in caught.value.detail


@pytest.mark.parametrize("name", ["slicer.nii.gz", "t2_drawn.nii.gz"])
def test_label_map_beside_images_is_no_series(tmp_path: Path, name: str) -> None:
    write(tmp_path / "case" / "case_t1.nii.gz", image())
    path = write(tmp_path / "case" / name, labels(1, 2, 3))
    (study,) = scan(tmp_path).studies
    assert [one.description for one in study.series] == ["case_t1.nii.gz"]
    assert (str(path), WHAT) in study.skipped


def test_label_map_is_known_by_its_header_however_many_labels_it_has(tmp_path: Path) -> None:
    write(tmp_path / "case_t1.nii.gz", image())
    write(tmp_path / "case_t2.nii.gz", image(), labels="Regions of an atlas")
    (study,) = scan(tmp_path).studies
    assert [one.description for one in study.series] == ["case_t1.nii.gz"]


@pytest.mark.parametrize(
    "array",
    [
        image(),
        image(np.uint8),
        image(np.float32),
        # A map of chances, and nothing at all, which loading tells.
        labels(0.25, 0.5, dtype=np.float32),
        labels(-1, 1, dtype=np.int16),
        labels(),
    ],
)
def test_images_stay_series(tmp_path: Path, array: NDArray[Any]) -> None:
    write(tmp_path / "head.nii.gz", array)
    (study,) = scan(tmp_path).studies
    assert [one.description for one in study.series] == ["head.nii.gz"]


def test_truncated_file_stays_a_series_whose_loading_tells_what_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path / "head.nii.gz", labels(1))
    path.write_bytes(path.read_bytes()[:-200])
    (study,) = scan(tmp_path).studies
    assert len(study.series) == 1
