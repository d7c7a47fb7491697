"""Studies that the end-to-end tests share."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from model.synthetic import SampleStudy, write_sample_study

NIFTI_NAMES = ("t1", "t1ce", "t2", "flair")
# By how much oedema and, on top of it, the tumour differ from brain.
BRIGHT = {"t1": (-30, -60), "t1ce": (-30, 450), "t2": (300, 0), "flair": (300, 0)}


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> SampleStudy:
    """The sample study with voxels twice as long; quick, and not to be changed by a test."""
    return write_sample_study(tmp_path_factory.mktemp("small") / "study", coarseness=2.0)


@pytest.fixture(scope="session")
def nifti_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four NIfTI files of an ellipsoid with an enhancing ball: nothing to register or strip."""
    folder = tmp_path_factory.mktemp("nifti") / "ball"
    folder.mkdir()
    axes = np.meshgrid(*[np.linspace(-1.2, 1.2, n) for n in (72, 88, 64)], indexing="ij")
    inside = sum(axis**2 for axis in axes) < 1
    distance = sum((axis - 0.3) ** 2 for axis in axes)
    oedema, ball = distance < 0.15, distance < 0.05
    for number, name in enumerate(NIFTI_NAMES):
        noise = np.random.default_rng(number).normal(0, 20, inside.shape)
        bright, lesion = BRIGHT[name]
        values = inside * np.maximum(400 + bright * oedema + lesion * ball + noise, 1)
        image = nib.nifti1.Nifti1Image(values.astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]))
        nib.save(image, folder / f"ball_{name}.nii.gz")
    return folder
