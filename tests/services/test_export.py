"""A finished study becomes all of its files, or none."""

import csv
import errno
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence
from desktop_app.errors import Cancelled, OutputError, UsageError
from desktop_app.imaging import diameters
from desktop_app.io.nifti.files import read_nifti
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.export.export_study import export_study
from desktop_app.services.export.formats import (
    DEFAULT_FORMATS,
    FILE_NAMES,
    ExportFormat,
    parse_formats,
)
from desktop_app.services.export.lacks import export_warnings, is_about_export, skipped_formats
from desktop_app.services.results.saved_results import ExportOptions, save_results
from tests import export_cases as cases
from tests.export_page import Page


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def test_every_default_file_is_written_under_its_name(result: StudyResult, tmp_path: Path) -> None:
    folder = tmp_path / "ä 文" / "case 1"
    told: list[float] = []
    written = export_study(
        result, folder, page_renderer=Page(), progress=lambda share, _: told.append(share)
    )
    assert [path.name for path in written] == [FILE_NAMES[one] for one in DEFAULT_FORMATS]
    assert names(folder) == {path.name for path in written}
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize(("et_label", "values"), [(3, [0, 1, 2, 3]), (4, [0, 1, 2, 4])])
def test_nifti_lies_on_the_scanner_grid(
    result: StudyResult, tmp_path: Path, et_label: int, values: list[int]
) -> None:
    export_study(result, tmp_path, formats=[ExportFormat.NIFTI], et_label=et_label)
    image = nib.load(tmp_path / "segmentation.nii.gz")
    assert image.get_data_dtype() == np.uint8
    assert np.unique(image.dataobj).tolist() == values
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    assert image.header.get_intent()[0] == "label"
    meanings = image.header["descrip"].item().decode()
    assert meanings.startswith(f"1 NCR, 2 ED, {et_label} ET.")
    # NIfTI's x and y run against DICOM's.
    truth = np.diag([-1, -1, 1, 1]) @ result.segmentation.geometry.affine_lps_mm
    np.testing.assert_allclose(image.get_sform(), truth, atol=1e-4)
    np.testing.assert_allclose(image.get_qform(), truth, atol=1e-3)
    again = read_nifti(tmp_path / "segmentation.nii.gz")
    expected = result.segmentation.labels_kji.astype(int)
    expected[expected == 3] = et_label
    np.testing.assert_array_equal(again.array_kji, expected)
    assert again.geometry.matches(result.segmentation.geometry)


def test_json_tells_the_labels_of_the_nifti_file(result: StudyResult, tmp_path: Path) -> None:
    export_study(result, tmp_path, formats=[ExportFormat.JSON], et_label=4)
    document = json.loads((tmp_path / "measurements.json").read_text("utf-8"))
    assert document["labels"] == {"1": "NCR", "2": "ED", "4": "ET"}


def test_tables_hold_the_same_numbers(result: StudyResult, tmp_path: Path) -> None:
    export_study(result, tmp_path, formats=[ExportFormat.JSON, ExportFormat.CSV])
    document = json.loads((tmp_path / "measurements.json").read_text("utf-8"))
    with (tmp_path / "measurements.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["region"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(document["regions"])
    for region, numbers in document["regions"].items():
        assert int(rows[region]["voxels"]) == numbers["voxels"]
        assert float(rows[region]["volume_mm3"]) == pytest.approx(numbers["volume_mm3"], abs=1e-3)
    assert rows["WT"]["patient_id"] == cases.PATIENT_ID
    assert document["provenance"]["seconds"]["export"] >= 0


def test_nifti_study_says_why_it_has_no_dicom_seg(result: StudyResult, tmp_path: Path) -> None:
    from_nifti = cases.without_files(result)
    page = Page()
    written = export_study(from_nifti, tmp_path, page_renderer=page)
    assert not (tmp_path / "segmentation.seg.dcm").exists()
    assert len(written) == len(DEFAULT_FORMATS) - 1
    sentence = "DICOM SEG needs a DICOM study; skipped."
    assert skipped_formats(from_nifti, DEFAULT_FORMATS) == {ExportFormat.SEG: sentence}
    document = json.loads((tmp_path / "measurements.json").read_text("utf-8"))
    assert sentence in document["warnings"]
    assert page.page is not None
    assert sentence in page.page.warnings


@pytest.mark.parametrize("before", [(), ("measurements.json", "other.txt")])
def test_no_room_leaves_everything_as_it_was(
    result: StudyResult, tmp_path: Path, before: tuple[str, ...]
) -> None:
    for name in before:
        (tmp_path / name).write_text("old")
    full = Page(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(OutputError) as caught:
        export_study(result, tmp_path, page_renderer=full)
    assert len(str(caught.value).splitlines()) == 3
    assert "room" in caught.value.title
    assert names(tmp_path) == set(before)
    assert all((tmp_path / name).read_text() == "old" for name in before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file sizes to set")
@pytest.mark.parametrize("one", [ExportFormat.NIFTI, ExportFormat.SEG, ExportFormat.JSON])
def test_writers_meet_a_disk_that_takes_no_more(
    result: StudyResult, tmp_path: Path, one: ExportFormat
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        with pytest.raises(OutputError):
            export_study(result, tmp_path / "case", formats=[one])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == set()


def test_cancelled_export_writes_nothing(result: StudyResult, tmp_path: Path) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        export_study(
            result,
            tmp_path / "case",
            page_renderer=Page(),
            progress=lambda share, _: token.cancel() if share > 0.3 else None,
            token=token,
        )
    assert names(tmp_path) == set()


def test_cancel_stops_the_measuring(
    result: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, search = CancelToken(), diameters.longest_diameters
    told: list[str] = []

    def cancelled_meanwhile(*given: Any, **options: Any) -> diameters.InPlaneDiameters | None:
        token.cancel()
        return search(*given, **options)

    monkeypatch.setattr(diameters, "longest_diameters", cancelled_meanwhile)
    unmeasured = replace(result, segmentation=replace(result.segmentation))
    with pytest.raises(Cancelled):
        export_study(
            unmeasured,
            tmp_path / "case",
            formats=(ExportFormat.JSON,),
            progress=lambda _, stage: told.append(stage),
            token=token,
        )
    assert told == []


def test_every_format_is_written_under_its_name(result: StudyResult, tmp_path: Path) -> None:
    written = export_study(result, tmp_path, formats=ExportFormat, page_renderer=Page())
    assert [path.name for path in written] == list(FILE_NAMES.values())
    assert names(tmp_path) == set(FILE_NAMES.values())
    seg, report = (dcmread(tmp_path / f"{n}.dcm") for n in ("segmentation.seg", "report.sr"))
    assert seg.SOPInstanceUID in str(report)


def test_empty_segmentation_has_all_but_structures(result: StudyResult, tmp_path: Path) -> None:
    labels = result.segmentation.labels_kji * 0
    empty = cases.study_result(tmp_path, labels_kji=labels, series=result.roles)
    written = export_study(empty, tmp_path / "out", formats=ExportFormat, page_renderer=Page())
    missing = set(FILE_NAMES.values()) - {path.name for path in written}
    assert missing == {"structures.rt.dcm"}
    document = json.loads((tmp_path / "out" / "measurements.json").read_text("utf-8"))
    assert "DICOM RTSTRUCT needs something to outline; skipped." in document["warnings"]


def test_contours_that_are_not_transverse_are_told(result: StudyResult, tmp_path: Path) -> None:
    affine = np.zeros((4, 4))
    affine[2, 1] = affine[1, 0] = -1.0  # rows run down, columns towards the back
    affine[0, 2], affine[3, 3] = 5.0, 1.0
    sagittal = cases.study_result(tmp_path / "study", geometry=Geometry(cases.SHAPE_KJI, affine))
    told = (
        "The contours of the DICOM RTSTRUCT are sagittal, as the images are: "
        "many planning systems take only transverse ones."
    )
    formats = [ExportFormat.RTSTRUCT, ExportFormat.JSON]
    export_study(sagittal, tmp_path / "out", formats=formats)
    assert (tmp_path / "out" / "structures.rt.dcm").is_file()
    document = json.loads((tmp_path / "out" / "measurements.json").read_text("utf-8"))
    assert document["warnings"][-1] == told
    assert is_about_export(told)
    saved = save_results(sagittal, tmp_path / "case", ExportOptions(tuple(formats)))
    assert saved.notes == (told,)
    assert export_warnings(sagittal, [ExportFormat.JSON]) == ()
    assert export_warnings(result, ExportFormat) == ()
    assert export_warnings(cases.without_files(sagittal), ExportFormat) == ()


def test_anonymised_set_holds_no_identifier(result: StudyResult, tmp_path: Path) -> None:
    page = Page()
    export_study(result, tmp_path, formats=ExportFormat, anonymise=True, page_renderer=page)
    private = [
        "Müller",
        "Zoë",
        "山田",
        cases.PATIENT_ID,
        cases.BIRTH_DATE,
        cases.STUDY_DATE,
        result.study.study_uid,
        "tirm",
        *(series.series_uid for series in result.roles.values()),
    ]
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert [text for text in private if text.encode() in content] == [], path.name
    words = repr(replace(page.page, images=()))  # type: ignore[type-var]
    assert [text for text in private if text in words] == []


def test_formats_are_read_from_the_command_line() -> None:
    assert parse_formats("json, PDF,json") == (ExportFormat.JSON, ExportFormat.PDF)
    with pytest.raises(UsageError, match="dicom"):
        parse_formats("json,dicom")
    with pytest.raises(UsageError):
        parse_formats(" , ")


def test_wrong_label_is_refused(result: StudyResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        export_study(result, tmp_path / "case", et_label=5)
    assert names(tmp_path) == set()


def test_reference_other_than_t1c_is_named(result: StudyResult, tmp_path: Path) -> None:
    prepared = replace(result.prepared, reference_sequence=Sequence.FLAIR)
    export_study(replace(result, prepared=prepared), tmp_path, formats=[ExportFormat.JSON])
    document = json.loads((tmp_path / "measurements.json").read_text("utf-8"))
    assert document["geometry"]["reference"] == "FLAIR"
