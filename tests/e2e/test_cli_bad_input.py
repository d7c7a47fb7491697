"""What the command line says when it cannot do what it was asked: three lines, and no file."""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import CTImageStorage

from model.synthetic import SampleStudy, Sequence
from tests.command_line import assert_three_lines, gliascope
from tests.export_cases import oblique_geometry, write_dicom_series


def write_nifti(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    voxels = np.random.default_rng(1).integers(1, 999, (24, 24, 24)).astype(np.float32)
    nib.save(nib.nifti1.Nifti1Image(voxels, np.eye(4)), path)
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "results"


def test_nothing_at_the_path(tmp_path: Path, output: Path) -> None:
    lines = assert_three_lines(gliascope("segment", tmp_path / "no", "--output", output), 3)
    assert str(tmp_path / "no") in lines[1]
    assert not output.exists()


def test_an_empty_folder(tmp_path: Path, output: Path) -> None:
    (tmp_path / "ä 文 empty").mkdir()
    run = gliascope("segment", tmp_path / "ä 文 empty", "--output", output)
    lines = assert_three_lines(run, 3)
    assert "ä 文 empty" in lines[1]
    assert not output.exists()


def test_a_folder_without_images(tmp_path: Path, output: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "letter.doc").write_text("Dear colleague")
    assert_three_lines(gliascope("segment", tmp_path / "study", "--output", output), 3)
    assert not output.exists()


def test_one_sequence_alone(small_study: SampleStudy, output: Path) -> None:
    folder = small_study.series_folders[Sequence.T2]
    lines = assert_three_lines(gliascope("segment", folder, "--output", output), 3)
    assert "T1c" in lines[0]
    assert "FLAIR" in lines[0]
    assert not output.exists()


def test_one_nifti_sequence_alone(tmp_path: Path, output: Path) -> None:
    write_nifti(tmp_path / "study", "case_t1.nii.gz")
    assert_three_lines(gliascope("segment", tmp_path / "study", "--output", output), 3)
    assert not output.exists()


def test_computed_tomography(tmp_path: Path, output: Path) -> None:
    series = write_dicom_series(tmp_path / "study", oblique_geometry(), study_uid="1.2.3")
    for instance in series.instances:
        dataset = dcmread(instance.path)
        dataset.Modality = "CT"
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        dataset.save_as(instance.path)
    lines = assert_three_lines(gliascope("segment", tmp_path / "study", "--output", output), 3)
    assert "CT" in " ".join(lines)
    assert not output.exists()


def test_a_truncated_file(tmp_path: Path, output: Path) -> None:
    study = tmp_path / "study"
    for name in ("x_t1.nii.gz", "x_t1ce.nii.gz", "x_t2.nii.gz", "x_flair.nii.gz"):
        write_nifti(study, name)
    cut = study / "x_t1ce.nii.gz"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    lines = assert_three_lines(gliascope("segment", study, "--output", output), 3)
    assert "x_t1ce.nii.gz" in lines[1]
    assert not output.exists()


def test_an_unreadable_file(tmp_path: Path, output: Path) -> None:
    study = tmp_path / "study"
    for name in ("x_t1.nii.gz", "x_t2.nii.gz", "x_flair.nii.gz"):
        write_nifti(study, name)
    # Opens for everybody, fails to read for everybody, the superuser included.
    (study / "x_t1ce.nii.gz").symlink_to("/proc/self/mem")
    run = gliascope("segment", study, "--output", output, "--t1c", study / "x_t1ce.nii.gz")
    lines = assert_three_lines(run, 3)
    assert "x_t1ce.nii.gz" in " ".join(lines)
    assert not output.exists()


def test_several_studies(tmp_path: Path, output: Path) -> None:
    for case in ("a", "b"):
        for name in ("t1", "t1ce", "t2", "flair"):
            write_nifti(tmp_path / "root" / case, f"{case}_{name}.nii.gz")
    lines = assert_three_lines(gliascope("segment", tmp_path / "root", "--output", output), 3)
    assert "2 studies" in lines[0]
    assert lines[1].endswith(": a, b")
    assert "--study" in lines[2]
    assert "batch" in lines[2]
    assert not output.exists()


def test_no_room_for_the_results(nifti_study: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs a system that limits file sizes")

    def no_file_over_20_kilobytes() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    output = tmp_path / "full"
    run = gliascope(
        "segment",
        nifti_study,
        "--output",
        output,
        before=no_file_over_20_kilobytes,
        PYTHONDONTWRITEBYTECODE="1",
    )
    lines = assert_three_lines(run, 3)
    assert "disk" in lines[0]
    assert not output.exists()


@pytest.mark.parametrize("command", ["segment", "batch"])
def test_a_file_in_the_place_of_the_output_folder_is_told_before_anything_is_read(
    tmp_path: Path, command: str
) -> None:
    output = tmp_path / "results"
    output.write_text("mine")
    run = gliascope(command, tmp_path / "not" / "there", "--output", output)
    lines = assert_three_lines(run, 3)
    assert lines[0] == "A file is in the place of the output folder."
    assert output.read_text() == "mine"


def test_a_device_that_is_not_there(nifti_study: Path, output: Path) -> None:
    missing = "cuda:7" if sys.platform == "darwin" else "mps"
    run = gliascope("segment", nifti_study, "--output", output, "--device", missing)
    assert_three_lines(run, 4)
    assert not output.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--export", "nifti,hologram"),
        ("--export", ""),
        ("--model", "unknown"),
    ],
)
def test_requests_that_make_no_sense(
    nifti_study: Path, output: Path, arguments: tuple[str, str]
) -> None:
    run = gliascope("segment", nifti_study, "--output", output, *arguments)
    assert_three_lines(run, 2)
    assert not output.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("segment",),
        ("segment", "study"),
        ("segment", "study", "--output", "x", "--device", "abacus"),
        ("segment", "study", "--output", "x", "--precision", "int2"),
        ("segment", "study", "--output", "x", "--et-label", "5"),
        ("batch", "root", "--output", "x", "--workers", "0"),
        ("dream",),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    run = gliascope(*arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert "gliascope" in run.stderr
    assert "Traceback" not in run.stderr


def test_an_overridden_series_that_does_not_exist(small_study: SampleStudy, output: Path) -> None:
    run = gliascope("segment", small_study.dicom_folder, "--output", output, "--t2", "1.2.3.4.5")
    lines = assert_three_lines(run, 3)
    assert "1.2.3.4.5" in " ".join(lines)
    assert not output.exists()
