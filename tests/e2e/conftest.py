"""Studies that the end-to-end tests share."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from model.synthetic import SampleStudy, write_sample_study

NIFTI_NAMES = ("t1", "t1ce", "t2", "flair")


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> SampleStudy:
    """The sample study with voxels twice as long; quick, and not to be changed by a test."""
    return write_sample_study(tmp_path_factory.mktemp("small") / "study", coarseness=2.0)


@pytest.fixture(scope="session")
def nifti_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four NIfTI files of an ellipsoid with a bright ball: nothing to register or to strip."""
    folder = tmp_path_factory.mktemp("nifti") / "ball"
    folder.mkdir()
    axes = np.meshgrid(*[np.linspace(-1.2, 1.2, n) for n in (72, 88, 64)], indexing="ij")
    inside = sum(axis**2 for axis in axes) < 1
    ball = sum((axis - 0.3) ** 2 for axis in axes) < 0.06
    for number, name in enumerate(NIFTI_NAMES):
        noise = np.random.default_rng(number).normal(0, 20, inside.shape)
        values = inside * np.maximum(400 + 300 * ball + noise, 1)
        image = nib.nifti1.Nifti1Image(values.astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]))
        nib.save(image, folder / f"ball_{name}.nii.gz")
    return folder
