"""One study's folder of results: all of it or nothing, and a log that names nobody."""

import errno
import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from desktop_app.domain.dates import readable_instant
from desktop_app.domain.study import Sequence
from desktop_app.errors import Cancelled, OutputError
from desktop_app.io.dicom.slices import MR_IMAGE
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.export.formats import FILE_NAMES, ExportFormat
from desktop_app.services.export.run_log import read_mark, read_run, write_run_log
from desktop_app.services.opening.study_identity import is_mark_of
from desktop_app.services.results import output_room, saved_results
from desktop_app.services.results.output_room import require_room
from desktop_app.services.results.saved_results import ExportOptions, save_results
from tests.export_cases import study_result
from tests.saved_cases import OPTIONS, RESULT, STUDY


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
