from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence, Study
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, InputError
from desktop_app.io.nifti.files import write_nifti
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.opening.import_study import LEAVE_OUT, choose_roles, load_roles, open_path
from tests.mr_files import PROTOCOLS, pattern, write_series

SHAPE = (30, 6, 5)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    for number, series in enumerate(PROTOCOLS, start=1):
        values = pattern(SHAPE, number)
        write_series(tmp_path / "study" / series, values, series, SeriesNumber=number)
    return open_path(tmp_path / "study").studies[0]


def numbers(study: Study, **overrides: str) -> dict[str, int]:
    roles = choose_roles(study, {Sequence(name): text for name, text in overrides.items()})
    return {sequence.value: series.number for sequence, series in roles.items()}


def uid(study: Study, number: int) -> str:
    return next(s.series_uid for s in study.series if s.number == number)


def test_proposals_are_used_as_they_are(study: Study) -> None:
    assert numbers(study) == {"T1": 1, "T1c": 2, "T2": 3, "FLAIR": 4}


def test_chosen_series_are_loaded(study: Study) -> None:
    told: list[str] = []
    volumes = load_roles(choose_roles(study), progress=lambda _f, stage: told.append(stage))
    assert list(volumes) == list(Sequence)
    for number, volume in enumerate(volumes.values(), start=1):
        np.testing.assert_array_equal(volume.array_kji, pattern(SHAPE, number))
    assert told[0] == "Reading T1"


def test_series_uid_overrules_the_proposal(study: Study) -> None:
    assert numbers(study, T1c=uid(study, 1), T1=uid(study, 2)) == {
        "T1": 2,
        "T1c": 1,
        "T2": 3,
        "FLAIR": 4,
    }


def test_series_named_elsewhere_leaves_its_old_role_empty(study: Study) -> None:
    assert numbers(study, T1c=uid(study, 1)) == {"T1c": 1, "T2": 3, "FLAIR": 4}


def test_sequence_can_be_left_out(study: Study) -> None:
    assert numbers(study, T2=LEAVE_OUT) == {"T1": 1, "T1c": 2, "FLAIR": 4}


def test_folder_and_nifti_file_overrule(study: Study, tmp_path: Path) -> None:
    write_series(tmp_path / "other", pattern(SHAPE, 9), "T2", SeriesNumber=9, FlipAngle=7)
    image = Volume(pattern((4, 5, 6)), Geometry((4, 5, 6), np.eye(4)))
    nifti = write_nifti(image, tmp_path / "any name.nii.gz")
    roles = choose_roles(study, {Sequence.T2: str(tmp_path / "other"), Sequence.FLAIR: str(nifti)})
    assert roles[Sequence.T2].number == 9
    assert roles[Sequence.FLAIR].is_nifti
    assert "nothing tells whether" in " ".join(roles[Sequence.FLAIR].problems)
    np.testing.assert_array_equal(
        load_roles({Sequence.FLAIR: roles[Sequence.FLAIR]})[Sequence.FLAIR].array_kji,
        image.array_kji,
    )


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({}, "another study"),
        ({"StudyDate": "20250918", "AcquisitionDate": "20250918"}, "study, of another day"),
        ({"PatientID": "test-1 "}, "another study"),
        ({"PatientName": "TEST^PATIENT^"}, "another study"),
        ({"PatientName": "Married^Patient"}, "the name is another"),
        ({"PatientBirthDate": "19330101"}, "the patient's date of birth is another"),
        ({"PatientID": "", "PatientName": ""}, "nothing tells whether it is of this patient"),
    ],
)
def test_a_series_of_another_study_says_so(
    study: Study, tmp_path: Path, other: dict[str, str], told: str
) -> None:
    values = {"StudyInstanceUID": "1.2.3"} | other
    write_series(tmp_path / "other", pattern(SHAPE, 9), "T1c", SeriesNumber=9, **values)
    roles = choose_roles(study, {Sequence.T1C: str(tmp_path / "other")})
    problems = " ".join(roles[Sequence.T1C].problems)
    assert told in problems
    assert "DICOM results are filed with that one" in problems
    assert "2025" not in problems
    notes = load_roles({Sequence.T1C: roles[Sequence.T1C]})[Sequence.T1C].notes
    assert set(roles[Sequence.T1C].problems) <= set(notes)


@pytest.mark.parametrize(
    "other",
    [
        {"PatientID": "TEST-2"},
        {"PatientID": "", "PatientName": "Somebody^Else"},
        {"PatientName": "Somebody^Else", "PatientBirthDate": "19330101"},
    ],
)
def test_a_series_of_another_patient_is_refused(
    study: Study, tmp_path: Path, other: dict[str, str]
) -> None:
    write_series(tmp_path / "other", pattern(SHAPE, 9), "T1c", SeriesNumber=9, **other)
    with pytest.raises(InputError, match="T1c is of another patient"):
        numbers(study, T1c=str(tmp_path / "other"))


def test_a_folder_of_the_study_itself_needs_no_word(study: Study, tmp_path: Path) -> None:
    roles = choose_roles(study, {Sequence.T1C: str(tmp_path / "study" / "T1")})
    assert roles[Sequence.T1C].problems == ()


def test_one_series_for_two_sequences_is_refused(study: Study) -> None:
    with pytest.raises(InputError, match="both T1 and T2"):
        numbers(study, T1=uid(study, 3), T2=uid(study, 3))


def test_override_that_names_nothing_is_refused(study: Study) -> None:
    with pytest.raises(InputError, match="does not exist"):
        numbers(study, T1="1.2.3.4")


def test_folder_with_several_series_is_refused(study: Study, tmp_path: Path) -> None:
    for number in (5, 6):
        write_series(
            tmp_path / "two" / str(number),
            pattern((3, 4, 4)),
            f"x{number}",
            SeriesNumber=number,
        )
    with pytest.raises(InputError, match="holds 2 series"):
        numbers(study, T1=str(tmp_path / "two"))


def test_loading_stops_when_asked(study: Study) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        load_roles(choose_roles(study), token=token)
    with pytest.raises(Cancelled):
        open_path(study.root, token=token)
