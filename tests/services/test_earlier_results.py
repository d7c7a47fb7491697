"""Earlier results are found by the study they are of, and by nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.result import StudyResult
from desktop_app.errors import InputError
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.results.earlier_results import chosen_result, find_result, study_folder
from desktop_app.services.results.results_folder import KEY_FILE, STATE_FOLDER
from desktop_app.services.results.saved_results import ExportOptions, save_results
from tests import export_cases as cases
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study

FORMATS = (ExportFormat.NIFTI, ExportFormat.JSON)
STUDY = make_study()
OTHER = make_study(study_uid="2")


def result(*, edited: bool = False, study_uid: str = "1") -> StudyResult:
    labels = np.full(GEOMETRY.shape_kji, 3 if edited else 2, np.uint8)
    made = make_result(make_study(study_uid=study_uid), labels)
    provenance = replace(made.segmentation.provenance, edited=edited)
    return replace(made, segmentation=replace(made.segmentation, provenance=provenance))


@pytest.mark.parametrize("edited", [False, True])
def test_a_result_is_found_by_its_study(tmp_path: Path, edited: bool) -> None:
    assert find_result(STUDY, tmp_path) is None
    save_results(result(study_uid="2"), tmp_path, ExportOptions(FORMATS))
    assert find_result(STUDY, tmp_path) is None
    folder = save_results(result(edited=edited), tmp_path, ExportOptions(FORMATS)).folder
    found = find_result(STUDY, tmp_path)
    assert found is not None
    assert (found.folder, found.corrected) == (folder, edited)
    assert folder.name == "study_2"


def test_without_labels_there_is_nothing_to_open(tmp_path: Path) -> None:
    folder = save_results(result(), tmp_path, ExportOptions(FORMATS[1:])).folder
    assert find_result(STUDY, tmp_path) is None
    with pytest.raises(InputError, match="no result"):
        chosen_result(STUDY, folder)


@pytest.mark.parametrize("edited", [False, True])
def test_labels_alone_are_a_result(tmp_path: Path, edited: bool) -> None:
    folder = save_results(result(edited=edited), tmp_path, ExportOptions(FORMATS[:1])).folder
    found = find_result(STUDY, tmp_path)
    assert found is not None
    assert (found.folder, found.corrected) == (folder, edited)


def test_labels_as_dicom_are_a_result(tmp_path: Path) -> None:
    made = cases.study_result(tmp_path / "study")
    folder = save_results(made, tmp_path / "out", ExportOptions((ExportFormat.SEG,))).folder
    found = find_result(made.study, tmp_path / "out")
    assert found is not None
    assert found.folder == folder


def test_a_folder_is_chosen_itself_or_what_it_lies_in(tmp_path: Path) -> None:
    folder = save_results(result(), tmp_path, ExportOptions(FORMATS)).folder
    assert chosen_result(STUDY, folder) == chosen_result(STUDY, tmp_path)
    with pytest.raises(InputError, match="another study"):
        chosen_result(OTHER, folder)


def test_a_result_without_identity_opens_only_when_it_is_chosen(tmp_path: Path) -> None:
    options = ExportOptions(FORMATS, anonymise=True)
    folder = save_results(result(), tmp_path, options).folder
    assert find_result(STUDY, tmp_path) is None
    assert chosen_result(STUDY, folder).folder == folder


def test_a_result_without_identity_opens_on_no_other_study(tmp_path: Path) -> None:
    options = ExportOptions(FORMATS, anonymise=True)
    folder = save_results(result(edited=True), tmp_path, options).folder
    save_results(result(), tmp_path, options)
    (kept,) = (path for path in folder.iterdir() if path.is_dir())
    assert chosen_result(STUDY, kept).corrected
    for one in (folder, kept):
        with pytest.raises(InputError, match="another study"):
            chosen_result(OTHER, one)
    (tmp_path / STATE_FOLDER / KEY_FILE).unlink()
    for one in (folder, kept):
        with pytest.raises(InputError, match="Nothing tells whose"):
            chosen_result(STUDY, one)
    assert list((tmp_path / STATE_FOLDER).iterdir()) == []


def test_what_is_kept_inside_a_study_belongs_to_it(tmp_path: Path) -> None:
    first = save_results(result(edited=True), tmp_path, ExportOptions(FORMATS)).folder
    save_results(result(), tmp_path, ExportOptions(FORMATS))
    (kept,) = (path for path in first.iterdir() if path.is_dir())
    found = chosen_result(STUDY, kept)
    assert found.corrected
    assert study_folder(found.folder) == study_folder(first) == first
