"""Without T1c nothing tells what enhances: no result says it does, or that it does not."""

import re
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom import dcmread

from desktop_app.domain.missing import NOT_KNOWN, WITHOUT
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import NO_ENHANCEMENT, Region
from desktop_app.domain.study import Sequence
from desktop_app.services.batch.state import CaseState, with_result
from desktop_app.services.correction.corrected_result import corrected_result
from desktop_app.services.export.export_study import export_study
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.export.measurement_document import measurements_document
from desktop_app.services.export.measurement_table import measurement_rows
from desktop_app.services.export.report import build_page
from desktop_app.services.follow_up import compare_results, follow_up_document
from desktop_app.services.follow_up.save import MAP_FILES, save_follow_up
from desktop_app.services.follow_up.table import REGIONS, change_table
from desktop_app.services.measuring.measure import measure, volumes_mm3
from desktop_app.services.results.volumes_over_time import time_points
from tests import export_cases as cases
from tests.follow_up_cases import GRID, ball, earlier_visit, registering_finds, visit
from ui import report_html
from ui.presenters.copied_text import copied_text
from ui.presenters.follow_up_rows import shown_follow_up
from ui.presenters.rows import findings_of
from ui.presenters.time_presenter import time_rows

TOLD = f"No T1c: {WITHOUT[Sequence.T1C]}."
CORE, OEDEMA, ENHANCING = 1, 2, 3


def as_without_t1c(result: StudyResult) -> StudyResult:
    """The same study had the scanner taken no T1c: labels on FLAIR, the core undivided."""
    labels = result.segmentation.labels_kji.copy()
    labels[labels == ENHANCING] = CORE
    segmentation = replace(
        result.segmentation, labels_kji=labels, warnings=(TOLD,), shows_enhancement=False
    )
    prepared = replace(
        result.prepared,
        reference_sequence=Sequence.FLAIR,
        volumes={Sequence.FLAIR: result.prepared.volumes[Sequence.FLAIR]},
    )
    roles = {Sequence.FLAIR: result.roles[Sequence.FLAIR]}
    return replace(
        result,
        roles=roles,
        prepared=prepared,
        segmentation=segmentation,
        measurements=measure(segmentation),
    )


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return as_without_t1c(cases.study_result(tmp_path_factory.mktemp("plain")))


def core_mm3(result: StudyResult) -> float:
    return volumes_mm3(result.measurements)[Region.TC]


def test_what_is_measured_is_what_can_be_known(result: StudyResult) -> None:
    assert set(volumes_mm3(result.measurements)) == {Region.ED, Region.TC, Region.WT}
    assert core_mm3(result) > 0


def test_the_page_tells_enhancement_as_not_known(result: StudyResult) -> None:
    page = build_page(result)
    rows = {row.region: row for row in page.volumes}
    assert page.finding.endswith("; enhancing tumour not known without T1c.")
    for region in (Region.ET, Region.NCR):
        assert (rows[region].volume_cm3, rows[region].voxels) == (NOT_KNOWN, None)
        assert rows[region].rgb is None
    assert rows[Region.TC].rgb is not None
    assert rows[Region.TC].note == ""
    for region in (Region.TC, Region.ED):
        assert rows[region].volume_cm3.startswith("about ")
    assert [row.region for row in page.volumes if row.is_sure] == [Region.WT]
    assert not any(line.startswith("Enhancing") for line in (*page.diameters, *page.lesions))
    assert not any(image.caption.startswith("ET") for row in page.images for image in row)
    assert page.warnings[0] == TOLD
    strong = re.findall("class='strong'[^>]*>([^<]*)<", report_html.volumes(page))
    assert strong == [rows[Region.WT].volume_cm3]


def test_numbers_of_it_are_empty_in_json_and_csv(result: StudyResult) -> None:
    document = measurements_document(result)
    assert document["labels"] == {"1": "TC", "2": "ED"}
    for region in ("ET", "NCR"):
        assert set(document["regions"][region].values()) == {None}
    assert document["diameters"]["regions"]["ET"] is None
    assert document["regions"]["TC"]["volume_mm3"] == pytest.approx(core_mm3(result), abs=1e-3)
    rows = {row["region"]: row for row in measurement_rows(document)}
    for column in ("volume_cm3", "volume_mm3", "voxels", "lesions", "centre_l_mm"):
        assert rows["ET"][column] == ""
    assert rows["TC"]["voxels"] > 0


def test_corrections_are_counted_only_of_what_was_known(result: StudyResult) -> None:
    labels = result.segmentation.labels_kji.copy()
    labels[labels == OEDEMA] = CORE
    corrected = corrected_result(result, labels, 1)
    told = measurements_document(corrected)["provenance"]["corrections"]
    assert set(told) == {"TC", "ED", "WT"}
    assert told["TC"]["added_voxels"] == told["ED"]["removed_voxels"] > 0
    assert not any("NCR +" in line for line in build_page(corrected).provenance)


def test_files_hold_the_core_as_one(result: StudyResult, tmp_path: Path) -> None:
    formats = (ExportFormat.NIFTI, ExportFormat.SEG, ExportFormat.SR, ExportFormat.RTSTRUCT)
    export_study(result, tmp_path, formats=formats)
    for file in tmp_path.glob("*.dcm"):
        assert cases.dciodvfy_errors(file) == []
    descrip = nibabel.load(tmp_path / "segmentation.nii.gz").header["descrip"].item().decode()
    assert descrip.startswith("1 TC, 2 ED.")
    seg = dcmread(tmp_path / "segmentation.seg.dcm")
    assert [one.SegmentLabel for one in seg.SegmentSequence] == ["Tumour core", "Oedema"]
    assert seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue == "4147007"
    report = dcmread(tmp_path / "report.sr.dcm").to_json()
    assert "Tumour core (TC)" in report
    assert "Enhancing tumour" not in report
    assert "Necrotic" not in report
    structures = dcmread(tmp_path / "structures.rt.dcm").StructureSetROISequence
    assert [one.ROIName.split("(")[1] for one in structures] == ["ED)", "TC)", "WT)"]


def test_panel_and_copied_text_tell_it(result: StudyResult) -> None:
    rows = {row.region: row for row in findings_of(result).rows}
    assert rows[Region.ET].volume_cm3 is None
    assert rows[Region.NCR].label_value is None
    assert rows[Region.TC].label_value == CORE
    copied = copied_text(result, {})
    assert f"Enhancing tumour (ET)\t{NOT_KNOWN}" in copied
    assert "Tumour core (TC)\tabout " in copied
    assert "Whole tumour (WT)\tabout" not in copied


def test_a_batch_and_volumes_over_time_have_no_number_of_it(
    result: StudyResult, tmp_path: Path
) -> None:
    state = with_result(CaseState("study", "1.2"), result, (), ())
    assert Region.ET not in state.volumes_mm3
    assert state.lesions is None
    export_study(result, tmp_path / "a", formats=(ExportFormat.JSON,))
    (point,) = time_points(result.study.patient.patient_id, tmp_path)
    assert point.volumes_mm3[Region.ET] is None
    later = replace(point, volumes_mm3=dict.fromkeys(point.volumes_mm3, 5000.0))
    rows = time_rows((point, later, point))
    assert [row.volumes[2] for row in rows] == [NOT_KNOWN, "5.00", NOT_KNOWN]
    assert [row.volumes[1].startswith("about ") for row in rows] == [True, False, True]
    for row in rows[1:]:
        assert row.changes[0].endswith(" %")
        assert row.changes[1:] == ("–", "–")


def test_a_comparison_knows_no_change_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    registering_finds(monkeypatch)
    found = compare_results(visit(ball(GRID, 10.0)), as_without_t1c(earlier_visit(9.0)))
    for region in set(Region) - {Region.WT}:
        cells = {row.title: row.cells[REGIONS.index(region)] for row in change_table(found)}
        assert (cells["Change, cm³"], cells["Change, %"]) == ("–", "–")
        assert cells["New, cm³"] == "–"
        assert not found.difference_kji(region).any()
        told = follow_up_document(found)["regions"][region.value]
        assert (told["change_mm3"], told["change_percent"], told["map"]) == (None, None, None)
    (told,) = (row.cells for row in change_table(found) if row.title == "Earlier, cm³")
    about = [one.startswith("about ") for one in told]
    assert [one for one, rough in zip(REGIONS, about, strict=True) if rough] == [
        Region.TC,
        Region.ED,
    ]
    before = {one: found.regions[one].earlier_mm3 for one in REGIONS}
    assert before[Region.ET] is before[Region.NCR] is None
    assert before[Region.TC] > 0
    assert before[Region.ED] > 0
    assert found.regions[Region.WT].change_mm3 is not None
    assert found.difference_kji(Region.WT).any()
    assert shown_follow_up(found).regions == (Region.WT,)
    written = {file.name for file in save_follow_up(found, tmp_path).files}
    assert written.isdisjoint({MAP_FILES[Region.TC], MAP_FILES[Region.ET]})
    assert MAP_FILES[Region.WT] in written
    assert any("the core of the earlier study" in one for one in found.warnings)


def test_what_a_hand_draws_is_measured(result: StudyResult) -> None:
    labels = result.segmentation.labels_kji.copy()
    drawn = tuple(np.argwhere(labels == CORE)[0])
    labels[drawn] = ENHANCING
    corrected = corrected_result(result, labels, 1)
    assert volumes_mm3(corrected.measurements)[Region.ET] > 0
    assert volumes_mm3(corrected.measurements)[Region.NCR] > 0
    assert measurements_document(corrected)["labels"] == {"1": "NCR", "2": "ED", "3": "ET"}
    labels[drawn] = CORE
    again = corrected_result(corrected, labels, 2)
    assert Region.ET not in volumes_mm3(again.measurements)
    assert again.segmentation.warnings[0] == TOLD
    assert NO_ENHANCEMENT not in again.segmentation.warnings
