import gc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.fileset import FileSet

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence, Study
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.io.nifti.files import write_nifti
from desktop_app.services.opening.import_study import open_path
from desktop_app.services.opening.whole_study import open_whole_study
from tests.mr_files import PROTOCOLS, pattern, write_series

SHAPE = (30, 6, 5)
COUNT = len(PROTOCOLS)


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    """A study whose series have a folder each."""
    folder = tmp_path / "all patients" / "ä 文"
    for number, series in enumerate(PROTOCOLS, start=1):
        write_series(folder / series, pattern(SHAPE, number), series, SeriesNumber=number)
    return folder


def an_image(folder: Path) -> Path:
    return sorted(path for path in folder.rglob("*.dcm") if path.is_file())[3]


def opened(path: Path) -> Study:
    (study,) = open_whole_study(path).studies
    return study


def test_one_image_opens_its_study_and_not_itself_alone(patient: Path) -> None:
    with pytest.raises(InputError):
        open_path(an_image(patient))
    study = opened(an_image(patient / "T2"))
    assert set(study.roles) == set(Sequence)
    assert len(study.series) == COUNT


def test_a_relative_path_does_too(patient: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(patient / "T1")
    assert len(opened(Path(an_image(patient / "T1").name)).series) == COUNT


def test_all_series_in_one_folder_need_no_look_above(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    for number, series in enumerate(PROTOCOLS, start=1):
        write_series(folder, pattern(SHAPE, number), series, SeriesNumber=number)
    write_series(
        tmp_path / "more", pattern(SHAPE, 9), "T1", SeriesNumber=9, SeriesInstanceUID="1.9"
    )
    assert len(opened(an_image(folder)).series) == COUNT


def test_another_patient_in_the_same_folder_is_left_out(patient: Path) -> None:
    other = {"PatientID": "OTHER", "StudyInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4"}
    write_series(
        patient / "T1", pattern(SHAPE, 9), SeriesInstanceUID="1.2.5", names="other_{number}.dcm",
        **other,
    )  # fmt: skip
    result = open_whole_study(an_image(patient / "T1c"))
    assert [study.patient.patient_id for study in result.studies] == ["TEST-1"]
    assert len(open_path(patient).studies) == 2


def test_a_users_own_folder_is_never_searched(
    patient: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: patient)
    assert len(opened(an_image(patient / "T1")).series) == 1


def test_one_nifti_file_opens_the_four_of_its_folder(tmp_path: Path) -> None:
    geometry = Geometry((30, 6, 5), np.diag([1.5, 2.0, 3.0, 1.0]))
    (tmp_path / "case").mkdir()
    for number, name in enumerate(("t1", "t1c", "t2", "flair")):
        image = Volume(pattern(SHAPE, number), geometry)
        write_nifti(image, tmp_path / "case" / f"case_{name}.nii.gz")
    assert set(opened(tmp_path / "case" / "case_t2.nii.gz").roles) == set(Sequence)


def test_an_archive_is_opened_as_it_is(patient: Path, tmp_path: Path) -> None:
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in patient.rglob("*.dcm"):
            packed.write(path, path.relative_to(patient))
    assert len(opened(archive).series) == COUNT


def test_a_dicomdir_opens_what_it_lists(patient: Path, tmp_path: Path) -> None:
    index = tmp_path / "cd" / "DICOMDIR"
    with warnings.catch_warnings():
        # A file set of pydicom leaves its folder for staged files to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        medium = FileSet()
        for path in patient.rglob("*.dcm"):
            image = dcmread(path)
            image.StudyID, image.StudyTime = "1", "101500"
            medium.add(image)
        medium.write(index.parent)
        del medium
        gc.collect()
    write_series(index.parent / "EXTRA", pattern(SHAPE, 9), SeriesInstanceUID="1.9")
    assert len(opened(index).series) == COUNT
    listed = next(path for path in index.parent.rglob("IM*") if path.is_file())
    assert len(opened(listed).series) == COUNT


def test_what_is_no_image_says_so_itself(patient: Path) -> None:
    note = patient / "T1" / "readme.txt"
    note.write_text("no image", "utf-8")
    with pytest.raises(InputError, match=r"readme\.txt"):
        open_whole_study(note)
