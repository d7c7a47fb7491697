"""One study's folder of results: all of it or nothing, and a log that names nobody."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.study import PatientSummary
from desktop_app.errors import Cancelled, OutputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services import case
from desktop_app.services.case import ExportOptions, require_room, save_results
from desktop_app.services.export import ExportFormat
from desktop_app.services.run_log import write_run_log
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
    files = save_results(RESULT, tmp_path, OPTIONS)
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
    text = write_run_log(result, [tmp_path / "report.pdf"], tmp_path).read_text("utf-8")
    for private in ("Müller", "Änne", "Mueller", "ID-4711", "4711", "1950", "/data"):
        assert private not in text
    assert "moved by 2 mm" in text
    assert "is short" in text
    assert "Written: report.pdf" in text
    assert "Seconds, total: 9.50" in text
    assert "T1: missing" in text
    assert "For research use. Not a medical device." in text


def fail(*_: Any) -> Path:
    raise OutputError("There is no room left on the disk.", "x", "y")


def test_a_failure_at_the_very_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case, "write_run_log", fail)
    with pytest.raises(OutputError):
        save_results(RESULT, tmp_path / "new", OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_earlier_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = save_results(RESULT, tmp_path, OPTIONS)
    before = {file: file.read_bytes() for file in files}
    monkeypatch.setattr(case, "write_run_log", fail)
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
    monkeypatch.setattr(case.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match="no room"):
        require_room(tmp_path)


def test_a_folder_that_is_read_only_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case.os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot be written"):
        require_room(tmp_path)


def test_files_of_an_earlier_run_go(tmp_path: Path) -> None:
    folder = tmp_path / "Mueller_Aenne"
    folder.mkdir()
    for name in ("report.sr.dcm", "structures.rt.dcm", "notes.txt"):
        (folder / name).write_text("earlier")
    files = save_results(RESULT, tmp_path, OPTIONS)
    assert {file.name for file in folder.iterdir()} == {"notes.txt", *(f.name for f in files)}


def test_files_of_the_very_same_result_stay(tmp_path: Path) -> None:
    first = save_results(RESULT, tmp_path, OPTIONS)
    only_table = ExportOptions((ExportFormat.CSV,))
    save_results(RESULT, tmp_path, only_table, saved_before=True)
    assert all(file.is_file() for file in first)


def test_another_study_of_the_same_name_keeps_its_results(tmp_path: Path) -> None:
    first = save_results(RESULT, tmp_path, OPTIONS)
    before = {file: file.read_bytes() for file in first}
    other = replace(RESULT, study=replace(STUDY, study_uid="2"))
    second = save_results(other, tmp_path, OPTIONS)
    assert {file.parent.name for file in second} == {"Mueller_Aenne_2"}
    assert {file: file.read_bytes() for file in first} == before
    assert save_results(other, tmp_path, OPTIONS) == second
    assert save_results(RESULT, tmp_path, OPTIONS) == first


def test_anonymised_results_lie_in_a_folder_named_after_nobody(tmp_path: Path) -> None:
    anonymous = replace(OPTIONS, anonymise=True)
    first = save_results(RESULT, tmp_path, anonymous)
    folder = first[0].parent
    assert re.fullmatch("ANON-[0-9A-F]{12}", folder.name)
    assert save_results(RESULT, tmp_path, anonymous) == first
    other = replace(RESULT, study=replace(STUDY, study_uid="2"))
    assert save_results(other, tmp_path, anonymous)[0].parent != folder
    elsewhere = save_results(RESULT, tmp_path / "elsewhere", anonymous)
    assert elsewhere[0].parent.name != folder.name
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("Mueller" in str(path.relative_to(tmp_path)) for path in written)
    assert not any("Mueller" in path.read_text("latin-1") for path in written)
