"""The name of a folder of results is the same however the path to the images was typed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.domain.study import InstanceRef, PatientSummary, Study
from desktop_app.errors import OutputError
from desktop_app.services.batch import CaseState
from desktop_app.services.batch.records import write_state
from desktop_app.services.opening.study_identity import has_uid, is_mark_of, new_mark
from desktop_app.services.results.results_folder import (
    KEY_FILE,
    STATE_FOLDER,
    Owner,
    named_after_results,
    owner,
    pseudonyms,
    results_name,
)
from tests.study_cases import make_series, make_study


def nifti_in_a_shared_folder(folder: Path) -> Study:
    """Return one study of several in a folder: its UID is more than the folder."""
    image = folder / "anna_t1c.nii.gz"
    series = make_series(str(image), instances=(InstanceRef(image),))
    return make_study(
        name="anna", study_uid=str(folder / "anna"), root=folder, series=(series,), roles={}
    )


def nifti_in_a_folder_of_its_own(folder: Path) -> Study:
    image = folder / "t1c.nii.gz"
    series = make_series(str(image), instances=(InstanceRef(image),))
    return make_study(name="anna", study_uid=str(folder), root=folder, series=(series,), roles={})


def dicom_without_uid(folder: Path) -> Study:
    return make_study(name="anna", study_uid=f"folder {folder / 'anna'}", root=folder)


@pytest.mark.parametrize(
    "study_in", [nifti_in_a_shared_folder, nifti_in_a_folder_of_its_own, dicom_without_uid]
)
@pytest.mark.parametrize("typed", ["in", "./in", "in/../in"])
def test_a_path_typed_otherwise_names_the_same_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study_in: Callable[[Path], Study], typed: str
) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "out"
    absolute, relative = study_in(tmp_path / "in"), study_in(Path(typed))
    names = {results_name(output, one, anonymise=True) for one in (absolute, relative)}
    assert len(names) == 1
    file = output / "anna" / "measurements.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"study": {"study_uid": absolute.study_uid}}))
    assert results_name(output, relative) == "anna"


def test_a_dicom_uid_does_not_depend_on_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study(study_uid="1.2.3", root=tmp_path)
    here = results_name(tmp_path, study, anonymise=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert results_name(tmp_path, study, anonymise=True) == here


def test_a_batch_knows_the_labels_that_it_wrote(tmp_path: Path) -> None:
    """Also those of before the log told whose they are."""
    labels = tmp_path / "anna" / "segmentation.nii.gz"
    labels.parent.mkdir()
    labels.touch()
    write_state(tmp_path, CaseState("anna", "1.2.3"))
    assert results_name(tmp_path, make_study(name="anna", study_uid="1.2.3")) == "anna"
    assert results_name(tmp_path, make_study(name="anna", study_uid="1.2.4")) == "anna_2"


def test_a_study_in_an_archive_is_the_same_in_every_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIASCOPE_USER_DATA", str(tmp_path))
    one, other = (
        nifti_in_a_folder_of_its_own(tmp_path / "unpacked" / process / "0123456789ab" / "anna")
        for process in ("17-here", "18-here")
    )
    assert is_mark_of(new_mark(one), other)
    assert has_uid(other, one.study_uid)


def of_patient(patient_id: str, uid: str = "1.2.3", **more: str) -> Study:
    return make_study(study_uid=uid, patient=PatientSummary(patient_id, **more))


def test_visits_with_one_study_uid_have_results_of_their_own(tmp_path: Path) -> None:
    first, second = (make_study(study_uid="1.2.3", date=day) for day in ("20250301", "20250918"))
    together = replace(first, study_uid="1.2.3#0a1b2c3d")
    names = [results_name(tmp_path, one, anonymise=True) for one in (first, second, together)]
    assert names[0] == names[2] != names[1]
    assert names[0].rpartition("-")[0] == names[1].rpartition("-")[0]
    folder = tmp_path / "study"
    folder.mkdir()
    told = {"study": {"study_uid": "1.2.3", "patient_id": "ID7", "study_date": "20250301"}}
    (folder / "measurements.json").write_text(json.dumps(told))
    whose = [owner(folder, one) for one in (first, second, together)]
    assert whose == [Owner.THIS_STUDY, Owner.ANOTHER, Owner.THIS_STUDY]


def test_patients_with_one_study_uid_have_anonymised_results_of_their_own(tmp_path: Path) -> None:
    """Opened together, a scan numbers the UID; one after the other, nothing tells them by it."""
    anna, bert, nameless = of_patient("A"), of_patient("B"), of_patient("", name="C")
    names = [results_name(tmp_path, one, anonymise=True) for one in (anna, bert, nameless)]
    assert len(set(names)) == 3
    together = (anna, of_patient("B", "1.2.3#2"))
    assert [one.name for one in named_after_results(tmp_path, together, anonymise=True)] == names[
        :2
    ]
    for study, name in zip((anna, bert, nameless), names, strict=True):
        whose = [owner(tmp_path / one, study) for one in names]
        assert whose[names.index(name)] is Owner.THIS_STUDY
        assert whose.count(Owner.ANOTHER) == 2


def test_results_of_another_patient_with_the_same_study_uid_are_another(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    told = {"study": {"study_uid": "1.2.3#2", "patient_id": "A "}}
    (folder / "measurements.json").write_text(json.dumps(told))
    assert owner(folder, of_patient("a")) is Owner.THIS_STUDY
    assert owner(folder, of_patient("B")) is Owner.ANOTHER
    (folder / "measurements.json").unlink()
    (folder / "run.log").write_text(f"Checksum of the study: {new_mark(of_patient('A'))}\n")
    assert owner(folder, of_patient("A", "1.2.3#2")) is Owner.THIS_STUDY
    assert owner(folder, of_patient("B")) is Owner.ANOTHER


def test_records_of_patients_under_one_study_uid_are_told_apart(tmp_path: Path) -> None:
    """Neither patient nor date stands in the record; the ends of their UIDs tell."""
    (tmp_path / ".gliascope").mkdir()
    record = tmp_path / ".gliascope" / "study.json"
    record.write_text(json.dumps({"study_uid": "1.2.3#0a1b2c3d"}))
    folder = tmp_path / "study"
    assert owner(folder, of_patient("A", "1.2.3#0a1b2c3d")) is Owner.THIS_STUDY
    assert owner(folder, of_patient("B", "1.2.3#4e5f6a7b")) is Owner.ANOTHER
    assert owner(folder, of_patient("A")) is Owner.THIS_STUDY


def test_an_anonymised_name_that_is_taken_is_numbered_and_found_again(tmp_path: Path) -> None:
    study = of_patient("A")
    name = results_name(tmp_path, study, anonymise=True)
    (tmp_path / name).mkdir()
    told = {"study": {"study_uid": "9.9", "patient_id": "Z"}}
    (tmp_path / name / "measurements.json").write_text(json.dumps(told))
    assert results_name(tmp_path, study, anonymise=True) == f"{name}_2"
    assert owner(tmp_path / f"{name}_2", study) is Owner.THIS_STUDY


def test_the_folder_is_named_after_the_patient_and_the_study(tmp_path: Path) -> None:
    first, second = (pseudonyms(tmp_path, of_patient("A", uid)) for uid in ("1.2.3", "1.2.4"))
    assert first.patient_id == second.patient_id
    assert first.folder_name != second.folder_name
    assert first.folder_name.startswith(f"{first.patient_id}-")
    assert results_name(tmp_path, of_patient("A"), anonymise=True) == first.folder_name
    namesake = pseudonyms(tmp_path, of_patient("A", birth_date="19500101"))
    assert namesake.patient_id != first.patient_id
    elsewhere = pseudonyms(tmp_path / "elsewhere", of_patient("A"))
    assert elsewhere.patient_id != first.patient_id


@pytest.mark.parametrize("damage", [b"", b"0123", b"not a number", b"\xff\xfe"])
def test_a_damaged_key_is_never_replaced(tmp_path: Path, damage: bytes) -> None:
    study = make_study()
    folder = tmp_path / results_name(tmp_path, study, anonymise=True)
    folder.mkdir()
    key = tmp_path / STATE_FOLDER / KEY_FILE
    key.write_bytes(damage)
    with pytest.raises(OutputError, match="damaged"):
        results_name(tmp_path, study, anonymise=True)
    assert key.read_bytes() == damage
    assert owner(folder, study) is Owner.UNKNOWN


def test_a_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    study = make_study()
    folder = tmp_path / results_name(tmp_path, study, anonymise=True)
    folder.mkdir()
    key = tmp_path / STATE_FOLDER / KEY_FILE
    key.unlink()
    key.mkdir()  # a folder cannot be read as a file, whoever asks
    with pytest.raises(OutputError, match="cannot be used"):
        results_name(tmp_path, study, anonymise=True)
    assert owner(folder, study) is Owner.UNKNOWN


@pytest.mark.parametrize("text", ["[" * 200_000, "[]", '{"study": []}', '{"study": {}}', "\0" * 99])
def test_measurements_that_say_nothing_are_of_nobody(tmp_path: Path, text: str) -> None:
    study = make_study(name="anna")
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "measurements.json").write_text(text)
    assert owner(tmp_path / "anna", study) is Owner.UNKNOWN
    assert results_name(tmp_path, study) == "anna"
