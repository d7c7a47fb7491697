"""The range of a volume reaches everybody who is told the volume; where there is none, nobody."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from desktop_app.cli.segment import print_volumes
from desktop_app.domain.measurement import Interval, MeasurementKind, Unfamiliarity
from desktop_app.domain.readable import readable_range
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence
from desktop_app.io.export import dicom_object
from desktop_app.io.export.csv_table import write_csv
from desktop_app.io.export.dicom_source import read_source
from desktop_app.io.export.sr import build_sr
from desktop_app.services.export.measurement_document import measurements_document
from desktop_app.services.export.measurement_table import measurement_rows
from desktop_app.services.export.report import build_page
from desktop_app.services.measuring.measure import (
    measure,
    volume_intervals,
    volumes_mm3,
)
from model.calibration import MEASURED_REGIONS, VolumeDoubt
from tests import export_cases as cases
from ui import report_html
from ui.presenters.rows import region_rows

DOUBT = VolumeDoubt(0.9, 1000.0, dict.fromkeys(MEASURED_REGIONS, 0.2), 22, 1.0)
ABOVE, BELOW = "371886008", "371885007"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return cases.study_result(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def result(plain: StudyResult) -> StudyResult:
    unlike = Unfamiliarity(1.4, "unusual: the contrast between T1 and T1c")
    measured = measure(plain.segmentation, DOUBT)
    return replace(plain, measurements=measured, unfamiliarity=unlike)


def expected_range(result: StudyResult, region: Region) -> tuple[float, float]:
    return DOUBT.range_mm3(region.value, volumes_mm3(result.measurements)[region])


def test_every_volume_has_its_range(result: StudyResult, plain: StudyResult) -> None:
    intervals = volume_intervals(result.measurements)
    assert set(intervals) == set(Region)
    for region, interval in intervals.items():
        low, high = expected_range(result, region)
        assert interval == Interval(low, high, 0.9, 22)
        assert low < volumes_mm3(result.measurements)[region] < high
    voxels = [m for m in result.measurements if m.kind is MeasurementKind.VOXELS]
    assert {m.interval for m in voxels} == {None}
    assert volume_intervals(plain.measurements) == {}


def test_json_holds_ranges_and_the_score(result: StudyResult) -> None:
    document = json.loads(json.dumps(measurements_document(result), allow_nan=False))
    low, high = document["regions"]["WT"]["volume_range_mm3"]
    assert (low, high) == pytest.approx(expected_range(result, Region.WT), abs=1e-3)
    assert document["uncertainty"] == {
        "coverage": 0.9,
        "patients": 22,
        "unfamiliarity": {"score": 1.4, "reason": "unusual: the contrast between T1 and T1c"},
    }


def test_json_invents_nothing(plain: StudyResult) -> None:
    document = measurements_document(plain)
    assert {one["volume_range_mm3"] for one in document["regions"].values()} == {None}
    assert document["uncertainty"] == {"coverage": None, "patients": None, "unfamiliarity": None}


def test_a_volume_without_a_range_stands_among_those_with_one(
    plain: StudyResult, capsys: pytest.CaptureFixture[str]
) -> None:
    doubt = replace(DOUBT, log_half_width={**DOUBT.log_half_width, "NCR": 2.0})
    partly = replace(plain, measurements=measure(plain.segmentation, doubt))
    document = measurements_document(partly)
    assert document["regions"]["NCR"]["volume_range_mm3"] is None
    rows = {str(row["region"]): row["range_coverage"] for row in measurement_rows(document)}
    assert (rows["NCR"], rows["WT"]) == ("", 0.9)
    page = build_page(partly)
    assert {row.region: row.range_cm3 for row in page.volumes}[Region.NCR] == "wide"
    told = " ".join(page.provenance)
    assert "errors in 22 patients" in told
    assert "Wide: the truth may lie below a third" in told
    print_volumes(partly)
    table = capsys.readouterr().out.splitlines()
    assert ["90 %" in line for line in table if " NCR " in line or " WT " in line] == [
        False,
        True,
    ]


def test_csv_has_columns_for_ranges_either_way(
    result: StudyResult, plain: StudyResult, tmp_path: Path
) -> None:
    tables = []
    for number, one in enumerate((result, plain)):
        path = write_csv(measurement_rows(measurements_document(one)), tmp_path / f"{number}.csv")
        with path.open(newline="", encoding="utf-8-sig") as file:
            tables.append(list(csv.DictReader(file)))
    with_ranges, without = (table[-1] for table in tables)
    assert list(with_ranges) == list(without)
    low, high = (mm3 / 1000 for mm3 in expected_range(result, Region.WT))
    assert float(with_ranges["volume_low_cm3"]) == pytest.approx(low, abs=1e-3)
    assert float(with_ranges["volume_high_cm3"]) == pytest.approx(high, abs=1e-3)
    assert with_ranges["range_coverage"] == "0.9"
    assert [without[key] for key in ("volume_low_cm3", "volume_high_cm3", "range_coverage")] == [
        ""
    ] * 3


def test_structured_report_says_how_far_above_and_below(
    result: StudyResult, tmp_path: Path
) -> None:
    source = read_source(result.roles[Sequence.T1C], result.segmentation.geometry)
    document = build_sr(result.segmentation, result.measurements, source, None)
    path = dicom_object.save(document, tmp_path / "report.sr.dcm")
    assert cases.dciodvfy_errors(path) == []
    volumes = volumes_mm3(result.measurements)
    told = [one for one in cases.report_items(document) if cases.code_of(one) == "118565006"]
    found = [_uncertainty(item) for item in told]
    for region, (above, below) in zip(Region, found, strict=True):
        low, high = expected_range(result, region)
        assert above == pytest.approx(high - volumes[region], abs=1e-2)
        assert below == pytest.approx(volumes[region] - low, abs=1e-2)


def test_structured_report_without_ranges_has_no_uncertainty(plain: StudyResult) -> None:
    source = read_source(plain.roles[Sequence.T1C], plain.segmentation.geometry)
    document = build_sr(plain.segmentation, plain.measurements, source, None)
    assert {ABOVE, BELOW}.isdisjoint(map(cases.code_of, cases.report_items(document)))


def _uncertainty(volume: Dataset) -> tuple[float, float]:
    values = {}
    for item in volume.ContentSequence:
        if item.ValueType == "NUM":
            (value,) = item.MeasuredValueSequence
            assert value.MeasurementUnitsCodeSequence[0].CodeValue == "mm3"
            values[cases.code_of(item)] = float(value.NumericValue)
    return values[ABOVE], values[BELOW]


def test_page_shows_ranges_and_what_they_mean(result: StudyResult, plain: StudyResult) -> None:
    page = build_page(result)
    text = readable_range(*expected_range(result, Region.WT))
    assert page.range_title == "90 % range"
    assert page.volumes[-1].range_cm3 == text
    assert f"(90 %: {text})" in page.finding
    assert any("in 90 % of them" in line for line in page.provenance)
    assert text in report_html.volumes(page)
    bare = build_page(plain)
    assert bare.range_title == ""
    assert {row.range_cm3 for row in bare.volumes} == {""}
    assert "%" not in bare.finding
    assert "range" not in report_html.volumes(bare)


def test_window_shows_ranges(result: StudyResult, plain: StudyResult) -> None:
    rows = {r.region: r for r in region_rows(result.segmentation, result.measurements)}
    text = readable_range(*expected_range(result, Region.WT))
    assert rows[Region.WT].range_text == text
    assert rows[Region.WT].range_title == "90 % range"
    assert "90 %" in rows[Region.WT].range_note
    bare = region_rows(plain.segmentation, plain.measurements)
    assert {(row.range_text, row.range_title, row.range_note) for row in bare} == {("", "", "")}


def test_a_region_that_is_not_there_may_have_been_missed(
    tmp_path: Path, plain: StudyResult
) -> None:
    empty = np.zeros(cases.SHAPE_KJI, np.uint8)
    nothing = cases.study_result(tmp_path, labels_kji=empty, series=plain.roles)
    interval = volume_intervals(measure(nothing.segmentation, DOUBT))[Region.ET]
    assert interval.low == 0
    assert interval.high == pytest.approx(1000 * (np.exp(0.2) - 1))


@pytest.mark.parametrize(
    ("low_mm3", "high_mm3", "expected"),
    [
        (29_400, 38_200, "29–39"),
        (29_000, 39_000, "29–39"),
        (940, 1_210, "0.9–1.3"),
        (0, 220.4, "0.00–0.23"),
        (9_960, 10_000, "9–10"),
        (123_456, 234_567, "123–235"),
    ],
)
def test_ranges_are_rounded_outwards(low_mm3: float, high_mm3: float, expected: str) -> None:
    assert readable_range(low_mm3, high_mm3) == expected


@pytest.mark.parametrize("values", [(2, 1, 0.9), (-1, 1, 0.9), (1, 2, 1.0)])
def test_senseless_intervals_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="interval"):
        Interval(*values, 22)
