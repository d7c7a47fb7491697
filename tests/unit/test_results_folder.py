"""The name of a folder of results is the same however the path to the images was typed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_app.domain.study import InstanceRef, Study
from desktop_app.services.batch import CaseState
from desktop_app.services.batch.records import write_state
from desktop_app.services.results_folder import results_name
from desktop_app.services.study_identity import has_uid, is_mark_of, new_mark
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
