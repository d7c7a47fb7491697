"""One study's folder of results: all of it or nothing, and a log that names nobody."""

import errno
import json
import re
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from desktop_app.domain.dates import readable_instant
from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import PatientSummary, Sequence
from desktop_app.errors import Cancelled, OutputError
from desktop_app.io.dicom_slices import MR_IMAGE
from desktop_app.io.nifti import read_nifti, write_nifti
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services import output_room, saved_results
from desktop_app.services.export_formats import FILE_NAMES, ExportFormat
from desktop_app.services.measure import measure
from desktop_app.services.output_room import require_room
from desktop_app.services.run_log import read_mark, read_run, write_run_log
from desktop_app.services.saved_results import ExportOptions, save_results
from desktop_app.services.study_identity import is_mark_of
from tests.export_cases import study_result, without_files
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study

OPTIONS = ExportOptions((ExportFormat.NIFTI, ExportFormat.CSV, ExportFormat.JSON))
STUDY = make_study(
    name="Mueller_Aenne",
    root=Path("/data/Mueller_Aenne"),
    patient=PatientSummary("ID-4711", "Müller^Änne", "19500102"),
)
LABELS = np.zeros(GEOMETRY.shape_kji, np.uint8)
RESULT = make_result(
    STUDY, LABELS, ("Series of Müller in /data/Mueller_Aenne (ID-4711) is short.",)
)


def test_results_lie_in_a_folder_named_after_the_study(tmp_path: Path) -> None:
    saved = save_results(RESULT, tmp_path, OPTIONS)
    files = saved.files
    assert saved.folder == tmp_path / "Mueller_Aenne"
    assert saved.notes == ()
    assert all(file.is_file() for file in files)
    assert sorted(file.name for file in files) == [
        "measurements.csv",
        "measurements.json",
        "run.log",
        "segmentation.nii.gz",
    ]
    assert {file.parent for file in files} == {tmp_path / "Mueller_Aenne"}
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        ["Mueller_Aenne", *(file.name for file in files)]
    )


def test_the_log_tells_what_was_done_and_not_to_whom(tmp_path: Path) -> None:
    provenance = replace(
        RESULT.segmentation.provenance, steps=("T2 of Änne moved by 2 mm.",), seconds={"total": 9.5}
    )
    result = replace(RESULT, segmentation=replace(RESULT.segmentation, provenance=provenance))
    text = write_run_log(result, ["report.pdf"], tmp_path).read_text("utf-8")
    for private in ("Müller", "Änne", "Mueller", "ID-4711", "4711", "1950", "/data"):
        assert private not in text
    assert "moved by 2 mm" in text
    assert "is short" in text
    assert "Written: report.pdf" in text
    assert "Seconds, total: 9.50" in text
    assert "T1: missing" in text
    assert "For research use. Not a medical device." in text


def fail(*_: Any, **__: Any) -> Path:
    raise OutputError("There is no room left on the disk.", "x", "y")


def test_a_failure_at_the_very_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_results, "write_run_log", fail)
    with pytest.raises(OutputError):
        save_results(RESULT, tmp_path / "new", OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_earlier_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = save_results(RESULT, tmp_path, OPTIONS).files
    before = {file: file.read_bytes() for file in files}
    monkeypatch.setattr(saved_results, "write_run_log", fail)
    with pytest.raises(OutputError):
        save_results(RESULT, tmp_path, OPTIONS)
    assert {f: f.read_bytes() for f in (tmp_path / "Mueller_Aenne").iterdir()} == before


def test_a_cancelled_export_leaves_nothing(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        save_results(RESULT, tmp_path / "new", OPTIONS, token=token)
    assert list(tmp_path.iterdir()) == []


def test_room_is_looked_for_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_room(tmp_path / "not" / "there" / "yet")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="file is in the place"):
        require_room(tmp_path / "file" / "below")
    monkeypatch.setattr(
        output_room.shutil, "disk_usage", lambda _: SimpleNamespace(total=9000, free=1000)
    )
    with pytest.raises(OutputError, match="no room"):
        require_room(tmp_path)


def test_a_drive_that_is_not_there_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(OutputError, match="cannot be reached"):
        require_room(tmp_path)


def test_a_share_that_does_not_answer_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(path: Path) -> bool:
        raise OSError(errno.EHOSTDOWN, "Host is down", str(path))

    monkeypatch.setattr(Path, "exists", hangs)
    with pytest.raises(OutputError, match="cannot be reached"):
        require_room(tmp_path)


def test_a_disk_that_tells_no_sizes_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        output_room.shutil, "disk_usage", lambda _: SimpleNamespace(total=0, free=0)
    )
    require_room(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(output_room, "takes_folders", lambda folder: folder != tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        require_room(tmp_path)


def test_a_folder_that_is_read_only_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_room.os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot be written"):
        require_room(tmp_path)


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
ONLY_TABLE = ExportOptions((ExportFormat.CSV,))


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


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


def written_lines(folder: Path) -> list[str]:
    lines = (folder / "run.log").read_text("utf-8").splitlines()
    return [line.removeprefix("Written: ") for line in lines if line.startswith("Written: ")]


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


def test_all_files_tell_when_they_were_made_as_the_log_does(tmp_path: Path) -> None:
    folder = save_results(RESULT, tmp_path, OPTIONS).folder
    document = json.loads((folder / "measurements.json").read_text("utf-8"))
    made = datetime.fromisoformat(document["provenance"]["created"])
    assert made.tzinfo is not None
    assert f", {readable_instant(made)}" in (folder / "run.log").read_text("utf-8")
    assert read_run(folder) is not None


def test_logs_of_earlier_versions_are_read(tmp_path: Path) -> None:
    log = save_results(RESULT, tmp_path, OPTIONS).folder / "run.log"
    lines = log.read_text("utf-8").splitlines()
    lines[0] = "Gliascope 0.0.9, 2026-11-22 17:39:38 UTC"
    log.write_text("\n".join(lines), "utf-8")
    found = read_run(log.parent)
    assert found is not None
    assert found.provenance.app_version == "0.0.9"


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


def test_the_log_tells_its_study_to_whoever_has_it(tmp_path: Path) -> None:
    marks = [read_mark(save_results(RESULT, tmp_path / one, OPTIONS).folder) for one in "ab"]
    assert len(set(marks)) == 2
    assert all(is_mark_of(mark, STUDY) for mark in marks)
    assert not is_mark_of(marks[0], replace(STUDY, study_uid="2"))
    assert not is_mark_of("torn", STUDY)
    anonymous = replace(OPTIONS, anonymise=True)
    assert read_mark(save_results(RESULT, tmp_path, anonymous).folder) == ""


def test_anonymised_dicom_files_belong_together(tmp_path: Path) -> None:
    """Those of one export, those of a repeated one, and those of the patient's other studies."""
    formats = (ExportFormat.SEG, ExportFormat.SR, ExportFormat.RTSTRUCT)
    options = ExportOptions(formats=formats, anonymise=True)
    output = tmp_path / "out"
    result = study_result(tmp_path / "study")
    folder = save_results(result, output, options).folder
    seg, sr, rtstruct = files = [dcmread(folder / FILE_NAMES[one]) for one in formats]
    count = len(result.roles[Sequence.T1C].instances)
    images = {one.sop_instance_uid for role in result.roles.values() for one in role.instances}
    assert images_of(seg) == images_of(sr) > images_of(rtstruct)
    assert (len(images_of(seg)), len(images_of(rtstruct))) == (len(images), count)
    assert not images_of(seg) & images
    assert rtstruct.FrameOfReferenceUID == seg.FrameOfReferenceUID
    assert {one.PatientID for one in files} == {folder.name.rpartition("-")[0]}

    assert save_results(result, output, options).folder == folder
    for one, name in zip(files, formats, strict=True):
        again = dcmread(folder / FILE_NAMES[name])
        assert again.StudyInstanceUID == one.StudyInstanceUID
        assert images_of(again) == images_of(one)
        assert again.SOPInstanceUID != one.SOPInstanceUID

    other = save_results(study_result(tmp_path / "other"), output, options).folder
    later = dcmread(other / FILE_NAMES[ExportFormat.SEG])
    assert other != folder
    assert later.PatientID == seg.PatientID
    assert later.StudyInstanceUID != seg.StudyInstanceUID


def images_of(dataset: Dataset) -> set[str]:
    """Return the MR images that an object refers to, anywhere."""
    sequences = (element.value for element in dataset.iterall() if element.VR == "SQ")
    return {
        str(item.ReferencedSOPInstanceUID)
        for items in sequences
        for item in items
        if item.get("ReferencedSOPClassUID") == MR_IMAGE
    }


def test_anonymised_results_lie_in_a_folder_named_after_nobody(tmp_path: Path) -> None:
    anonymous = replace(OPTIONS, anonymise=True)
    first = save_results(RESULT, tmp_path, anonymous)
    folder = first.folder
    assert re.fullmatch("ANON-[0-9A-F]{12}-[0-9A-F]{8}", folder.name)
    assert save_results(RESULT, tmp_path, anonymous) == first
    other = replace(RESULT, study=replace(STUDY, study_uid="2"))
    assert save_results(other, tmp_path, anonymous).folder != folder
    elsewhere = save_results(RESULT, tmp_path / "elsewhere", anonymous)
    assert elsewhere.folder.name != folder.name
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("Mueller" in str(path.relative_to(tmp_path)) for path in written)
    assert not any("Mueller" in path.read_text("latin-1") for path in written)
