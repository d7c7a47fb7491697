"""The summary of a batch: old columns where they were, new ones at the end."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.measurement import Interval, MeasurementKind
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.services.batch import CaseState
from desktop_app.services.batch.records import (
    read_state,
    require_no_anonymised,
    state_files,
    update_summary,
    without_identity,
    write_state,
    write_summary,
)
from desktop_app.services.batch.state import CaseStatus, with_result
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study

FIRST_COLUMNS = [
    *("study", "state", "corrected"),
    *("NCR_mm3", "ED_mm3", "ET_mm3", "TC_mm3", "WT_mm3"),
    *("ET_long_mm", "ET_short_mm", "WT_long_mm", "WT_short_mm"),
    *("seconds", "warnings", "error"),
]
RANGES = [f"{region}_{end}_mm3" for region in Region for end in ("low", "high")]
COUNTED = ["WT_side", "WT_parts", "ET_lesions"]
ORIGIN = ["range_coverage", "weights_sha256"]
REVIEW = ["review", "reviewed_at", "review_reason"]


def result_with_range() -> StudyResult:
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 1, 1:4] = 3
    result = make_result(make_study(date="20260131"), labels)
    measurements = tuple(
        replace(one, interval=Interval(1.04, 9.06, 0.9, 22))
        if (one.region, one.kind) == (Region.WT, MeasurementKind.VOLUME)
        else one
        for one in result.measurements
    )
    return replace(result, measurements=measurements)


def summary(folder: Path, *states: CaseState) -> list[dict[str, str]]:
    with write_summary(folder, states).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_date_ranges_and_what_is_measurable_stand_at_the_end(tmp_path: Path) -> None:
    state = with_result(CaseState("anna", "1"), result_with_range(), ["report.pdf"], ())
    write_state(tmp_path, state)
    kept = read_state(tmp_path, "anna")
    assert kept is not None
    assert kept.ranges_mm3 == {Region.WT: (1.04, 9.06)}
    assert kept.measurable == {Region.ET: False, Region.WT: False}
    (row,) = summary(tmp_path, kept)
    added = ["study_date", "ET_measurable", "WT_measurable", *RANGES, *COUNTED, *ORIGIN, *REVIEW]
    assert list(row) == FIRST_COLUMNS + added
    assert (row["study_date"], row["ET_measurable"], row["WT_measurable"]) == (
        "20260131",
        "no",
        "no",
    )
    assert [row[name] for name in COUNTED] == ["side not told", "1", "0"]
    weights = result_with_range().segmentation.provenance.weights_sha256
    assert [row[name] for name in ORIGIN] == ["0.9", weights]
    assert (row["WT_low_mm3"], row["WT_high_mm3"]) == ("1.0", "9.1")
    assert {row[name] for name in RANGES if not name.startswith("WT")} == {""}
    (measurable,) = summary(tmp_path, replace(kept, measurable={Region.WT: True}))
    assert (measurable["ET_measurable"], measurable["WT_measurable"]) == ("", "yes")


def test_spreadsheets_know_the_letters_and_run_nothing(tmp_path: Path) -> None:
    names = ['=HYPERLINK("http://x","click")', "+1", "-1", "@SUM(A1)", "\tcmd", "Größe 5°"]
    states = [CaseState(name, "1", seconds=-1.5) for name in names]
    content = write_summary(tmp_path, states).read_bytes()
    assert content.startswith("\ufeffstudy,".encode())
    rows = summary(tmp_path, *states)
    assert [row["study"] for row in rows] == [*(f"'{name}" for name in names[:-1]), names[-1]]
    update_summary(tmp_path, CaseState("Größe 5°", "1", CaseStatus.DONE, seconds=-1.5))
    with (tmp_path / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        again = list(csv.DictReader(file))
    assert again[:-1] == rows[:-1]
    assert (again[-1]["state"], again[-1]["seconds"]) == ("done", "-1.5")


def test_the_line_of_a_study_named_like_a_formula_is_found_again(tmp_path: Path) -> None:
    summary(tmp_path, CaseState("-12", "1"), CaseState("12", "1"))
    update_summary(tmp_path, CaseState("-12", "1", CaseStatus.DONE))
    with (tmp_path / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        told = [(row["study"], row["state"]) for row in csv.DictReader(file)]
    assert told == [("'-12", "done"), ("12", "pending")]


def test_a_correction_takes_the_ranges_away(tmp_path: Path) -> None:
    result = result_with_range()
    state = with_result(CaseState("anna", "1"), result, [], ())
    plain = make_result(result.study, result.segmentation.labels_kji)
    assert with_result(state, plain, [], ()).ranges_mm3 == {}


def test_the_date_is_not_told_where_names_are_not(tmp_path: Path) -> None:
    result = result_with_range()
    state = with_result(CaseState("ANON-1", "1"), result, [], ())
    (row,) = summary(tmp_path, without_identity(state, result.study))
    assert row["study_date"] == ""


def test_states_of_before_are_read_with_what_they_hold(tmp_path: Path) -> None:
    write_state(tmp_path, with_result(CaseState("anna", "1"), result_with_range(), [], ()))
    file = tmp_path / ".gliascope" / "anna.json"
    stored = json.loads(file.read_text("utf-8"))
    for later in ("study_date", "measurable", "ranges_mm3", "side", "parts", "lesions"):
        del stored[later]
    file.write_text(json.dumps(stored), "utf-8")
    kept = read_state(tmp_path, "anna")
    assert kept is not None
    (row,) = summary(tmp_path, kept)
    assert row["ET_long_mm"] == "3.0"
    assert {row[name] for name in ("study_date", "ET_measurable", *RANGES, *COUNTED)} == {""}


def change(folder: Path, **said: object) -> None:
    """Write other things into the kept state of a study."""
    file = folder / ".gliascope" / "anna.json"
    stored = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(stored | said), "utf-8")


@pytest.mark.parametrize(
    "said",
    [
        {"review": "perhaps"},
        {"review_reason": 5},
        {"reason": None},
        {"seconds": "x"},
        {"name": None},
        {"name": "berta"},
        {"study_uid": 5},
        {"warnings": [None]},
        {"files": [{}]},
        {"lesions": "two"},
        {"volumes_mm3": {"ET": 10**400}},
    ],
)
def test_a_state_that_somebody_spoilt_counts_as_none(tmp_path: Path, said: dict[str, Any]) -> None:
    write_state(tmp_path, with_result(CaseState("anna", "1"), result_with_range(), [], ()))
    assert read_state(tmp_path, "anna") is not None
    change(tmp_path, **said)
    assert read_state(tmp_path, "anna") is None


def test_a_state_nested_without_end_counts_as_none(tmp_path: Path) -> None:
    write_state(tmp_path, CaseState("anna", "1"))
    (tmp_path / ".gliascope" / "anna.json").write_text("[" * 200_000)
    assert read_state(tmp_path, "anna") is None


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    state = with_result(CaseState("anna", "1"), result_with_range(), [], ())
    write_state(tmp_path, state)
    before = read_state(tmp_path, "anna")
    change(tmp_path, moon_phase=0.5)
    assert before is not None
    assert read_state(tmp_path, "anna") == before


def test_what_a_killed_process_left_is_no_state(tmp_path: Path) -> None:
    write_state(tmp_path, CaseState("anna", "1"))
    folder = tmp_path / ".gliascope"
    left = (folder / "anna.json").read_text("utf-8").replace('"1"', '""')
    (folder / ".00aa11bb.part.anna.json").write_text(left, "utf-8")
    require_no_anonymised(tmp_path)
    assert [file.name for file in state_files(tmp_path)] == ["anna.json"]
