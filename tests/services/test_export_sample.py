"""From DICOM files on disk to exported files and back, with the product's own reader."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence
from desktop_app.io.load import load_series
from desktop_app.io.nifti.files import read_nifti
from desktop_app.io.scan import scan
from desktop_app.services.export.export_study import export_study
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.measuring.measure import measure
from model.synthetic import SampleStudy
from tests import export_cases as cases


@pytest.fixture(scope="module")
def scanned(sample_study: SampleStudy, tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """The sample study with a made-up tumour on the grid of its T1c as read."""
    (study,) = scan(sample_study.dicom_folder).studies
    roles = {
        role: study.series_by_uid(study.roles[role].series_uid)
        for role in (Sequence.T1C, Sequence.FLAIR)
    }
    volumes = {role: load_series(series) for role, series in roles.items()}
    reference = volumes[Sequence.T1C]
    base = cases.study_result(
        tmp_path_factory.mktemp("made-up"),
        labels_kji=cases.tumour_labels(reference.geometry.shape_kji),
        geometry=reference.geometry,
        series=roles,
    )
    prepared = replace(base.prepared, reference=reference, volumes=volumes)
    return replace(base, study=study, prepared=prepared, measurements=measure(base.segmentation))


def test_seg_of_a_scanned_study(scanned: StudyResult, tmp_path: Path) -> None:
    export_study(scanned, tmp_path, formats=[ExportFormat.SEG, ExportFormat.NIFTI])
    path = tmp_path / "segmentation.seg.dcm"
    assert cases.dciodvfy_errors(path) == []

    ours = read_nifti(tmp_path / "segmentation.nii.gz")
    assert ours.geometry.matches(scanned.segmentation.geometry)
    np.testing.assert_array_equal(ours.array_kji, scanned.segmentation.labels_kji)

    reader = Path(sys.executable).with_name("segimage2itkimage")
    folder = tmp_path / "dcmqi"
    folder.mkdir()
    arguments = ["--inputDICOM", path, "--outputDirectory", folder, "--outputType", "nifti"]
    subprocess.run([reader, *arguments], check=True, capture_output=True)
    for value in (1, 2, 3):
        image = nib.load(folder / f"{value}.nii.gz")
        index_ijk = np.argwhere(np.asarray(image.dataobj))
        points_lps = (index_ijk @ image.affine[:3, :3].T + image.affine[:3, 3]) * (-1, -1, 1)
        found = scanned.segmentation.geometry.to_index_kji(points_lps)
        assert np.abs(found - found.round()).max() < 1e-2
        truth = np.argwhere(scanned.segmentation.labels_kji == value)
        again = {tuple(index) for index in found.round().astype(int).tolist()}
        assert again == {tuple(index) for index in truth.tolist()}


def test_planning_system_fills_the_same_voxels(scanned: StudyResult, tmp_path: Path) -> None:
    program = shutil.which("plastimatch")
    if program is None:
        pytest.skip("needs plastimatch (Debian package plastimatch)")
    export_study(scanned, tmp_path, formats=[ExportFormat.RTSTRUCT])
    images = scanned.roles[Sequence.T1C].instances[0].path.parent
    arguments = ["--input", tmp_path / "structures.rt.dcm", "--referenced-ct", images]
    arguments += ["--output-prefix", tmp_path / "rt", "--prefix-format", "nii"]
    subprocess.run([program, "convert", *arguments], check=True, capture_output=True)
    filled = read_nifti(tmp_path / "rt" / "Tumour core (TC).nii")
    assert filled.geometry.matches(scanned.segmentation.geometry, tolerance_mm=0.05)
    truth = np.isin(scanned.segmentation.labels_kji, (1, 3))
    np.testing.assert_array_equal(filled.array_kji > 0, truth)
