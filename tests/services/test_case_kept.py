"""What becomes of results that lie where new ones are written."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from desktop_app.domain.result import StudyResult
from desktop_app.io.nifti.files import read_nifti, write_nifti
from desktop_app.services.export.formats import FILE_NAMES, ExportFormat
from desktop_app.services.measuring.measure import measure
from desktop_app.services.results.saved_results import ExportOptions, save_results
from tests.export_cases import study_result, without_files
from tests.result_cases import make_result
from tests.saved_cases import LABELS, ONLY_TABLE, OPTIONS, RESULT, STUDY, content, written_lines
from tests.study_cases import GEOMETRY


def test_files_of_an_earlier_run_go(tmp_path: Path) -> None:
    folder = tmp_path / "Mueller_Aenne"
    folder.mkdir()
    for name in ("report.sr.dcm", "structures.rt.dcm", "notes.txt"):
        (folder / name).write_text("earlier")
    saved = save_results(RESULT, tmp_path, OPTIONS)
    files = saved.files
    assert {file.name for file in folder.iterdir()} == {"notes.txt", *(f.name for f in files)}
    assert saved.notes == (
        "Removed, since the results are others now: report.sr.dcm, structures.rt.dcm.",
    )


def edited(result: StudyResult, labels_kji: np.ndarray[Any, Any]) -> StudyResult:
    """A result as a person's corrections leave it."""
    before = result.segmentation
    provenance = replace(before.provenance, edited=True)
    segmentation = replace(before, labels_kji=labels_kji, provenance=provenance)
    return replace(result, segmentation=segmentation, measurements=measure(segmentation))


CORRECTED = edited(RESULT, np.full(GEOMETRY.shape_kji, 3, np.uint8))


def kept_folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


def test_files_of_the_very_same_result_stay(tmp_path: Path) -> None:
    first = save_results(RESULT, tmp_path, OPTIONS)
    saved = save_results(RESULT, tmp_path, ONLY_TABLE, written={first.folder: RESULT})
    assert not saved.holds_labels
    assert saved.notes == ()
    assert all(file.is_file() for file in first.files)
    assert not kept_folders(first.folder)


def test_other_target_lesions_are_told_anew_beside_the_same_labels(tmp_path: Path) -> None:
    first = save_results(CORRECTED, tmp_path, OPTIONS)
    chosen = replace(CORRECTED, targets=(1,))
    saved = save_results(chosen, tmp_path, ONLY_TABLE, written={first.folder: CORRECTED})
    assert saved.notes == ()
    assert not kept_folders(first.folder)
    names = {"measurements.csv", "measurements.json", "run.log"}
    assert {file.name for file in saved.files} == names
    assert set(content(first.folder)) == names | {"segmentation.nii.gz"}
    assert written_lines(first.folder) == sorted({*content(first.folder)} - {"run.log"})


def test_labels_alone_take_no_numbers_away(tmp_path: Path) -> None:
    first = save_results(CORRECTED, tmp_path, OPTIONS)
    chosen, labels = replace(CORRECTED, targets=(1,)), ExportOptions((ExportFormat.NIFTI,))
    before = set(content(first.folder))
    saved = save_results(chosen, tmp_path, labels, written={first.folder: CORRECTED})
    assert set(content(first.folder)) == before
    assert (saved.holds_choices, saved.notes) == (True, ())


def test_a_page_that_nobody_can_draw_anew_is_not_gone_without_a_word(tmp_path: Path) -> None:
    first = save_results(CORRECTED, tmp_path, OPTIONS)
    (first.folder / "report.pdf").write_bytes(b"%PDF without targets")
    chosen = replace(CORRECTED, targets=(1,))
    saved = save_results(chosen, tmp_path, ONLY_TABLE, written={first.folder: CORRECTED})
    assert not (first.folder / "report.pdf").exists()
    assert saved.notes == ("Removed, since the results are others now: report.pdf.",)
    document = json.loads((first.folder / "measurements.json").read_text("utf-8"))
    assert document["warnings"] == list(CORRECTED.segmentation.warnings)


def test_the_log_names_all_that_lies_there(tmp_path: Path) -> None:
    first = save_results(RESULT, tmp_path, OPTIONS)
    save_results(RESULT, tmp_path, ONLY_TABLE, written={first.folder: RESULT})
    assert written_lines(first.folder) == [
        "measurements.csv",
        "measurements.json",
        "segmentation.nii.gz",
    ]
    save_results(RESULT, tmp_path, ONLY_TABLE, written={})
    assert written_lines(first.folder) == ["measurements.csv"]


@pytest.mark.parametrize("then", [ExportFormat.SEG, ExportFormat.SR])
def test_a_report_always_refers_to_the_segments_beside_it(
    tmp_path: Path, then: ExportFormat
) -> None:
    result = study_result(tmp_path / "study")
    both = ExportOptions((ExportFormat.SEG, ExportFormat.SR, ExportFormat.CSV))
    folder = save_results(result, tmp_path / "out", both).folder
    again = ExportOptions((then,))
    saved = save_results(result, tmp_path / "out", again, written={folder: result})
    assert {file.name for file in saved.files} == {
        "report.sr.dcm",
        "run.log",
        "segmentation.seg.dcm",
    }
    assert written_lines(folder) == ["measurements.csv", "report.sr.dcm", "segmentation.seg.dcm"]
    segments = dcmread(folder / "segmentation.seg.dcm")
    report = json.dumps(dcmread(folder / "report.sr.dcm").to_json_dict())
    assert segments.SOPInstanceUID in report
    # Of another result, neither stays.
    save_results(replace(result), tmp_path / "out", again, written={folder: result})
    assert set(content(folder)) == {FILE_NAMES[then], "run.log"}


def test_a_result_written_elsewhere_does_not_mix_with_another(tmp_path: Path) -> None:
    """A folder holds the files of one result, whatever was written to other folders."""
    other = replace(CORRECTED, segmentation=replace(RESULT.segmentation, labels_kji=LABELS + 1))
    folder = save_results(other, tmp_path / "b", OPTIONS).folder
    elsewhere = save_results(RESULT, tmp_path / "a", OPTIONS).folder
    before = content(folder)
    saved = save_results(RESULT, tmp_path / "b", ONLY_TABLE, written={elsewhere: RESULT})
    assert set(content(folder)) == {"measurements.csv", "run.log"}
    (kept,) = kept_folders(folder)
    assert kept.name.startswith("earlier-")
    assert content(kept) == before
    assert saved.notes == (f"Earlier results with labels are kept in Mueller_Aenne/{kept.name}.",)


@pytest.mark.parametrize("formats", [OPTIONS.formats, (ExportFormat.NIFTI,), (ExportFormat.CSV,)])
def test_a_new_run_keeps_what_was_corrected_by_hand(
    tmp_path: Path, formats: tuple[ExportFormat, ...]
) -> None:
    folder = save_results(CORRECTED, tmp_path, ExportOptions(formats)).folder
    before = content(folder)
    saved = save_results(RESULT, tmp_path, OPTIONS)
    (kept,) = kept_folders(folder)
    assert re.fullmatch(r"corrected-\d{8}-\d{6}", kept.name)
    assert content(kept) == before
    assert saved.notes == (
        f"Earlier results corrected by hand are kept in Mueller_Aenne/{kept.name}.",
    )
    assert set(content(folder)) == {file.name for file in saved.files}
    again = save_results(RESULT, tmp_path, OPTIONS)
    assert again.notes == ()
    assert kept_folders(folder) == [kept]


def change_elsewhere(folder: Path) -> None:
    """Save labels as another program does: under the same name, with other values."""
    file = folder / "segmentation.nii.gz"
    before = read_nifti(file)
    write_nifti(replace(before, array_kji=np.full_like(before.array_kji, 2)), file)


@pytest.mark.parametrize("formats", [OPTIONS.formats, (ExportFormat.NIFTI,)])
def test_a_new_run_keeps_what_another_program_changed(
    tmp_path: Path, formats: tuple[ExportFormat, ...]
) -> None:
    folder = save_results(RESULT, tmp_path, ExportOptions(formats)).folder
    change_elsewhere(folder)
    before = content(folder)
    saved = save_results(RESULT, tmp_path, OPTIONS)
    (kept,) = kept_folders(folder)
    assert content(kept) == before
    assert "corrected by hand are kept" in saved.notes[0]


@pytest.mark.parametrize("values", [LABELS, LABELS + 2])
def test_an_export_keeps_what_another_program_changed_meanwhile(
    tmp_path: Path, values: np.ndarray[Any, Any]
) -> None:
    """Also where the window wrote the folder itself and knows of no change."""
    folder = save_results(CORRECTED, tmp_path, OPTIONS).folder
    change_elsewhere(folder)
    before = content(folder)
    now = edited(CORRECTED, values) if values.any() else CORRECTED
    save_results(now, tmp_path, OPTIONS, written={folder: CORRECTED})
    (kept,) = kept_folders(folder)
    assert content(kept) == before


def test_further_corrections_take_the_place_of_the_first(tmp_path: Path) -> None:
    folder = save_results(CORRECTED, tmp_path, OPTIONS).folder
    further = edited(CORRECTED, LABELS + 2)
    saved = save_results(further, tmp_path, OPTIONS, written={folder: CORRECTED})
    assert saved.notes == ()
    assert not kept_folders(folder)


def test_a_result_goes_back_to_the_folder_it_was_read_from(tmp_path: Path) -> None:
    home = save_results(CORRECTED, tmp_path, OPTIONS).folder.rename(tmp_path / "Anne_reviewed")
    further, written = replace(CORRECTED), {home: CORRECTED}
    saved = save_results(further, tmp_path, OPTIONS, written=written)
    assert (saved.folder, saved.notes) == (home, ())
    # Also what was read from what is kept in it, which stays.
    kept = home / "corrected-20260131-143200"
    assert save_results(further, tmp_path, OPTIONS, written={kept: CORRECTED}).folder == home
    named = tmp_path / STUDY.name
    assert not named.exists()
    anonymous = replace(OPTIONS, anonymise=True)
    nobodys = save_results(further, tmp_path, anonymous, written=written).folder
    assert nobodys.name.startswith("ANON-")
    elsewhere = save_results(further, tmp_path / "b", OPTIONS, written=written).folder
    assert elsewhere == tmp_path / "b" / STUDY.name
    # Meanwhile somebody put another study there.
    shutil.rmtree(home)
    other = make_result(replace(STUDY, study_uid="1.9"), LABELS)
    save_results(other, tmp_path, OPTIONS).folder.rename(home)
    assert save_results(further, tmp_path, OPTIONS, written=written).folder == named


def test_labels_never_make_way_for_numbers(tmp_path: Path) -> None:
    first = save_results(CORRECTED, tmp_path, OPTIONS)
    before = content(first.folder)
    further = edited(CORRECTED, LABELS + 2)
    for _ in range(2):
        save_results(further, tmp_path, ONLY_TABLE, written={first.folder: CORRECTED})
    (kept,) = kept_folders(first.folder)
    assert content(kept) == before
    assert set(content(first.folder)) == {"measurements.csv", "run.log"}


def test_a_format_that_cannot_be_written_brings_no_labels(tmp_path: Path) -> None:
    from_nifti = without_files(RESULT)
    folder = save_results(from_nifti, tmp_path, OPTIONS).folder
    wanted = ExportOptions((ExportFormat.SEG, ExportFormat.CSV))
    saved = save_results(from_nifti, tmp_path, wanted)
    assert not saved.holds_labels
    assert saved.notes[-1] == "DICOM SEG needs a DICOM study; skipped."
    assert len(kept_folders(folder)) == 1


@pytest.mark.parametrize("formats", [OPTIONS.formats, (ExportFormat.NIFTI,), (ExportFormat.CSV,)])
def test_another_study_of_the_same_name_keeps_its_results(
    tmp_path: Path, formats: tuple[ExportFormat, ...]
) -> None:
    options = ExportOptions(formats)
    first = save_results(RESULT, tmp_path, options).files
    before = {file: file.read_bytes() for file in first}
    other = replace(RESULT, study=replace(STUDY, study_uid="2"))
    second = save_results(other, tmp_path, options).files
    assert {file.parent.name for file in second} == {"Mueller_Aenne_2"}
    assert {file: file.read_bytes() for file in first} == before
    assert save_results(other, tmp_path, options).files == second
    assert save_results(RESULT, tmp_path, options).files == first


def test_labels_of_nobody_knows_which_study_stay(tmp_path: Path) -> None:
    labels = tmp_path / "Mueller_Aenne" / "segmentation.nii.gz"
    labels.parent.mkdir()
    labels.write_text("of whom?")
    assert save_results(RESULT, tmp_path, OPTIONS).folder == tmp_path / "Mueller_Aenne_2"
    assert labels.read_text() == "of whom?"
    assert [file.name for file in labels.parent.iterdir()] == [labels.name]


def test_labels_of_nobody_knows_which_hand_are_kept(tmp_path: Path) -> None:
    folder = save_results(CORRECTED, tmp_path, OPTIONS).folder
    for telling in ("measurements.json", "run.log"):
        (folder / telling).unlink()
    before = content(folder)
    # A batch knows whose they are.
    states = tmp_path / ".gliascope"
    states.mkdir()
    (states / f"{folder.name}.json").write_text(json.dumps({"study_uid": STUDY.study_uid}))
    assert save_results(RESULT, tmp_path, OPTIONS).folder == folder
    (kept,) = kept_folders(folder)
    assert content(kept) == before
