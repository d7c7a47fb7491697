"""The same images give the same labels, whether they come as DICOM or as NIfTI."""

from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.segmentation import REGION_LABELS, Region
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.io.nifti.files import read_nifti
from desktop_app.services.selftest.sample import dice
from tests.command_line import gliascope
from tests.mr_files import write_series

NAMES = {Sequence.T1: "t1", Sequence.T1C: "t1ce", Sequence.T2: "t2", Sequence.FLAIR: "flair"}


def segmented(study: Path, output: Path) -> Volume:
    run = gliascope("segment", study, "--output", output, "--export", "nifti", "--quiet")
    assert run.returncode == 0, run.stderr
    return read_nifti(Path(run.stdout.strip()) / "segmentation.nii.gz")


def write_as_dicom(study: Path, folder: Path) -> None:
    for number, (sequence, name) in enumerate(NAMES.items(), start=1):
        volume = read_nifti(study / f"{study.name}_{name}.nii.gz")
        write_series(
            folder / name,
            volume.array_kji.astype(np.int16),
            sequence.value,
            spacing_mm=volume.geometry.spacing_mm,
            origin_lps_mm=volume.geometry.origin_lps_mm,
            SeriesNumber=number,
        )


def assert_same_labels(study: Path, folder: Path) -> None:
    write_as_dicom(study, folder / "dicom")
    nifti = segmented(study, folder / "from nifti")
    dicom = segmented(folder / "dicom", folder / "from dicom")
    assert nifti.array_kji.any()
    assert dicom.geometry.matches(nifti.geometry)
    for region, labels in REGION_LABELS.items():
        found = [np.isin(volume.array_kji, labels) for volume in (nifti, dicom)]
        assert dice(*found) >= 0.999, Region(region)


def test_a_small_study(nifti_study: Path, tmp_path: Path) -> None:
    assert_same_labels(nifti_study, tmp_path)


@pytest.mark.patients
def test_a_patient(shared_data: Path, tmp_path: Path) -> None:
    assert_same_labels(shared_data / "train" / "BraTS2021_01657", tmp_path)
