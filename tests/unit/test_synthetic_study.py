"""The sample study on disk: valid DICOM, true geometry, its truth, nothing half-written."""

import hashlib
import json
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from model.spec import Label, Sequence
from model.synthetic import SampleStudy, read_sample_study, write_sample_study
from model.synthetic import study as study_module

COARSENESS = 2.0


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> SampleStudy:
    return write_sample_study(tmp_path_factory.mktemp("ä 文") / "study", coarseness=COARSENESS)


def _slices(study: SampleStudy, sequence: Sequence) -> list[pydicom.Dataset]:
    files = study.series_folders[sequence].glob("*.dcm")
    return sorted((pydicom.dcmread(f) for f in files), key=lambda image: image.InstanceNumber)


def _volume(study: SampleStudy, sequence: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and the affine that the headers tell, by the formula of PS3.3 C.7.6.2.1.1."""
    images = _slices(study, sequence)
    first, last = (np.array(i.ImagePositionPatient, float) for i in (images[0], images[-1]))
    along_row, along_column = np.array(images[0].ImageOrientationPatient, float).reshape(2, 3)
    row_step, column_step = images[0].PixelSpacing
    affine = np.eye(4)
    affine[:3, 0] = along_row * column_step
    affine[:3, 1] = along_column * row_step
    affine[:3, 2] = (last - first) / (len(images) - 1)
    affine[:3, 3] = first
    return np.stack([image.pixel_array for image in images]).astype(float), affine


def _truth(study: SampleStudy) -> tuple[np.ndarray, np.ndarray]:
    image = nib.load(study.truth_labels_path)
    return np.asarray(image.dataobj).T, np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix != ".gz":
            total.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return total.hexdigest()


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_sample_study(tmp_path / name, seed=seed, coarseness=4.0)
        digests.add(_digest(tmp_path / name))
    assert len(digests) == 2


def test_one_patient_one_study_five_series(study: SampleStudy) -> None:
    images = [pydicom.dcmread(f) for f in study.dicom_folder.rglob("*.dcm")]
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert len({str(image[keyword].value) for image in images}) == 1, keyword
    assert len({image.SeriesInstanceUID for image in images}) == 5
    assert len({image.SOPInstanceUID for image in images}) == len(images)
    assert str(images[0].PatientName) == "Sample^Glioma"
    assert images[0].Manufacturer == "Gliascope phantom"
    assert images[0].SpecificCharacterSet == "ISO_IR 192"
    assert all(
        image.file_meta.TransferSyntaxUID.name == "Explicit VR Little Endian" for image in images
    )


def test_timing_and_contrast_tell_the_sequences_apart(study: SampleStudy) -> None:
    first = {sequence: _slices(study, sequence)[0] for sequence in Sequence}
    for sequence, image in first.items():
        assert image.SeriesInstanceUID == study.series_uids[sequence]
        assert ("ContrastBolusAgent" in image) == (sequence is Sequence.T1C)
        assert ("InversionTime" in image) == (sequence is Sequence.FLAIR)
        assert image.SpacingBetweenSlices >= image.SliceThickness
    assert first[Sequence.T1].RepetitionTime < 20
    assert first[Sequence.T1C].EchoTime < 15
    assert first[Sequence.T2].EchoTime > 60
    assert first[Sequence.FLAIR].InversionTime == 2500
    assert first[Sequence.FLAIR].SpacingBetweenSlices > first[Sequence.FLAIR].SliceThickness
    later = [first[s].SeriesTime for s in (Sequence.T1, Sequence.T2, Sequence.FLAIR, Sequence.T1C)]
    assert later == sorted(later)


def test_pixels_fill_twelve_bits_without_clipping_the_brain(study: SampleStudy) -> None:
    for sequence in Sequence:
        volume, _ = _volume(study, sequence)
        assert volume.max() <= 4095
        assert np.percentile(volume, 99.5) < 3000
        assert np.percentile(volume, 99) > 200


def test_grids_are_oblique_regular_and_all_different(study: SampleStudy) -> None:
    affines = []
    for sequence in Sequence:
        images = _slices(study, sequence)
        _, affine = _volume(study, sequence)
        positions = np.array([image.ImagePositionPatient for image in images], float)
        steps = np.diff(positions, axis=0)
        np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-6)
        axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
        np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
        assert np.abs(axes).max(axis=0).min() < 0.9999
        affines.append(affine)
    assert all(not np.allclose(a, b, atol=0.1) for i, a in enumerate(affines) for b in affines[:i])


def test_patient_moves_a_little(study: SampleStudy) -> None:
    for sequence, matrix in study.motions_lps_mm.items():
        motion = np.array(matrix)
        shift = np.linalg.norm(motion[:3, 3])
        turn = np.degrees(Rotation.from_matrix(motion[:3, :3]).magnitude())
        if sequence is Sequence.T1C:
            np.testing.assert_array_equal(motion, np.eye(4))
        else:
            assert 0.5 < shift <= 3
            assert 0.3 < turn <= 3


@pytest.mark.parametrize(
    ("sequence", "bright", "dark"),
    [
        (Sequence.T1, (Label.ED,), (Label.NCR, Label.ET)),
        (Sequence.T1C, (Label.ET,), (Label.NCR, Label.ED)),
        (Sequence.T2, (Label.NCR,), (Label.ED, Label.ET)),
        (Sequence.FLAIR, (Label.ED, Label.NCR, Label.ET), ()),
    ],
)
def test_tumour_lies_at_one_place_of_the_patient_in_every_series(
    study: SampleStudy, sequence: Sequence, bright: tuple[Label, ...], dark: tuple[Label, ...]
) -> None:
    """The truth, carried by headers and movement, must part bright from dark best where it is."""
    truth, truth_affine = _truth(study)
    tumour = truth > 0
    inside = np.isin(truth, bright)
    # Without a darker part of the tumour, what surrounds the tumour is the darker side.
    around = ndimage.binary_dilation(tumour, iterations=3) & ~tumour
    outside = np.isin(truth, dark) if dark else around
    volume, affine = _volume(study, sequence)
    to_voxel = np.linalg.inv(affine) @ np.array(study.motions_lps_mm[sequence]) @ truth_affine

    def mean_over(mask: np.ndarray, shift_mm: np.ndarray) -> float:
        index = np.argwhere(mask)[:, ::-1]
        voxel = to_voxel @ np.c_[index, np.ones(len(index))].T
        voxel[:3] += np.linalg.inv(affine[:3, :3]) @ shift_mm[:, None]
        return float(ndimage.map_coordinates(volume, voxel[2::-1], order=1).mean())

    def contrast(shift_mm: np.ndarray) -> float:
        return mean_over(inside, shift_mm) - mean_over(outside, shift_mm)

    here = contrast(np.zeros(3))
    for axis, step in product(range(3), (-4.0, 4.0)):
        assert here > contrast(np.eye(3)[axis] * step), (axis, step)


def test_truth_volumes_are_those_of_the_labels(study: SampleStudy) -> None:
    truth, affine = _truth(study)
    _, t1c_affine = _volume(study, Sequence.T1C)
    np.testing.assert_allclose(affine, t1c_affine, atol=1e-3)
    voxel_mm3 = abs(np.linalg.det(affine[:3, :3]))
    volumes = study.region_volumes_mm3
    for label in (Label.NCR, Label.ED, Label.ET):
        assert volumes[label.name] == pytest.approx((truth == label).sum() * voxel_mm3, rel=1e-4)
        assert volumes[label.name] > 2000
    assert volumes["TC"] == pytest.approx(volumes["NCR"] + volumes["ET"])
    assert volumes["WT"] == pytest.approx(volumes["TC"] + volumes["ED"])
    record = json.loads(study.truth_json_path.read_text(encoding="utf-8"))
    assert record["regions_mm3"] == volumes


def test_truth_lies_outside_the_dicom_folder(study: SampleStudy) -> None:
    assert {path.suffix for path in study.dicom_folder.rglob("*") if path.is_file()} == {".dcm"}


def test_localizer_has_three_planes(study: SampleStudy) -> None:
    images = [pydicom.dcmread(f) for f in (study.dicom_folder / "01_localizer").iterdir()]
    assert len({tuple(image.ImageOrientationPatient) for image in images}) == 3
    assert all("LOCALIZER" in image.ImageType for image in images)


def test_description_reads_back(study: SampleStudy) -> None:
    assert read_sample_study(study.folder) == study


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dciodvfy from dicom3tools")
def test_dciodvfy_finds_no_error(study: SampleStudy) -> None:
    for folder in sorted(study.dicom_folder.iterdir()):
        file = sorted(folder.iterdir())[-1]
        done = subprocess.run(["dciodvfy", file], capture_output=True, text=True, check=False)
        report = done.stdout + done.stderr
        assert "MRImage" in report
        assert "Error" not in report, report


def test_full_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        write_sample_study(tmp_path, coarseness=4.0)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(study_module, "_write_truth", no_room)
    with pytest.raises(OSError, match="No space"):
        write_sample_study(tmp_path / "study", coarseness=4.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("coarseness", [0.5, 8.0])
def test_impossible_coarseness_is_refused(tmp_path: Path, coarseness: float) -> None:
    with pytest.raises(ValueError, match="coarseness"):
        write_sample_study(tmp_path / "study", coarseness=coarseness)


def test_command_writes_a_study(tmp_path: Path, repository_root: Path) -> None:
    target = tmp_path / "study"
    command = [sys.executable, "-m", "model.synthetic", "--coarseness", "4", "--output"]
    done = subprocess.run(
        [*command, target], capture_output=True, text=True, check=True, cwd=repository_root
    )
    assert done.stdout.splitlines()[0] == str(target / "dicom")
    assert "WT" in done.stdout
    again = subprocess.run(
        [*command, target], capture_output=True, text=True, check=False, cwd=repository_root
    )
    assert again.returncode == 2
    assert "not empty" in again.stderr
