"""Which studies can be compared, how an earlier one is had, and what is said of both."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.dates import DateOrder
from desktop_app.domain.measurement import Unfamiliarity
from desktop_app.domain.provenance import UNKNOWN
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import PatientSummary, RoleProposal, Sequence, Study
from desktop_app.domain.volume import SIDES_UNKNOWN
from desktop_app.errors import Cancelled, InputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.follow_up import (
    ON_BORDERS,
    compare,
    compare_results,
    compare_studies,
    compare_with_earlier,
    earlier_studies,
    follow_up_document,
)
from desktop_app.services.follow_up.page import build_follow_up_page
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.results import reopen
from desktop_app.services.results.saved_results import ExportOptions, save_results
from desktop_app.services.segmenting import preprocess
from desktop_app.services.segmenting.segment import SegmentOptions
from model.calibration import MEASURED_REGIONS, VolumeDoubt
from tests import follow_up_cases as cases
from tests.follow_up_cases import GRID, ball, earlier_visit, visit
from tests.study_cases import make_series

NOW = visit(ball(GRID, 10.0))
FORMATS = ExportOptions((ExportFormat.NIFTI, ExportFormat.JSON))
WORKER: Any = object()


@pytest.fixture(autouse=True)
def registration_changes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    return cases.registering_finds(monkeypatch)


def examined(name: str, date: str, **changes: Any) -> Study:
    return replace(visit(ball(GRID, 1.0), name=name, date=date).study, **changes)


def test_other_studies_of_the_patient_are_offered_the_latest_before_first(tmp_path: Path) -> None:
    first, second = examined("first", "20250101"), examined("second", "20260301")
    later, undated = examined("later", "20270101"), examined("undated", "")
    same_day = examined("same day", NOW.study.date)
    stranger = examined("stranger", "20260101", patient=PatientSummary("ID8", "Meier^Jo"))
    nobody = examined("nobody", "20260202", patient=PatientSummary())
    everything = (later, first, NOW.study, undated, stranger, same_day, second, nobody)
    found = earlier_studies(NOW.study, everything, tmp_path)
    assert [one.study.name for one in found] == [
        "second",
        "nobody",
        "first",
        "same day",
        "undated",
        "later",
    ]
    assert [one.order for one in found] == [
        *[DateOrder.EARLIER] * 3,
        DateOrder.SAME_DAY,
        DateOrder.UNKNOWN,
        DateOrder.LATER,
    ]
    notes = {one.study.name: " ".join(one.notes) for one in found}
    assert "same patient" in notes["nobody"]
    assert "same day" in notes["same day"]
    assert "date is missing" in notes["undated"]
    assert "dated after" in notes["later"]
    assert "T1, T2" in notes["first"]
    assert "patient" not in notes["first"]


def test_what_lacks_sequences_needs_a_result(tmp_path: Path) -> None:
    roles = {Sequence.T1: RoleProposal("bare T1", 0.9, "Said.")}
    bare = examined("bare", "20260301", roles=roles, series=(make_series("bare T1"),))
    (found,) = earlier_studies(NOW.study, [bare], tmp_path)
    assert found.sequences == (Sequence.T1,)
    assert not found.is_ready
    earlier = earlier_visit(name="bare", study_uid=bare.study_uid)
    folder = save_results(replace(earlier, study=bare), tmp_path, FORMATS).folder
    (found,) = earlier_studies(NOW.study, [bare], tmp_path)
    assert found.is_ready
    assert found.result is not None
    assert found.result.folder == folder
    assert not found.result.corrected
    assert earlier_studies(NOW.study, [bare], None)[0].result is None


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[StudyResult, Path]:
    """An earlier examination on disk whose images load and prepare as they did then."""
    doubt = VolumeDoubt(0.9, 1000.0, dict.fromkeys(MEASURED_REGIONS, 0.3), 22, 1.0)
    earlier = earlier_visit(doubt=doubt)
    monkeypatch.setattr(
        reopen,
        "load_study",
        lambda roles, **_: LoadedStudy(dict(roles), earlier.prepared.volumes, 0.0),
    )
    monkeypatch.setattr(preprocess, "prepare", lambda *_, **__: earlier.prepared)
    monkeypatch.setattr(compare, "bundled_network", lambda *_: None)
    return earlier, save_results(earlier, tmp_path, FORMATS).folder


def test_an_exported_result_is_read_again(stored: tuple[StudyResult, Path]) -> None:
    earlier, folder = stored
    found = compare_with_earlier(NOW, earlier.study, SegmentOptions(), WORKER, result_folder=folder)
    assert found.result_folder == folder
    assert np.array_equal(found.earlier.segmentation.labels_kji, earlier.segmentation.labels_kji)
    change = found.regions[Region.WT]
    assert change.earlier_interval is not None
    assert change.is_within_uncertainty is None  # the current one has no range
    assert follow_up_document(found)["earlier"]["labels_from"] == "earlier result"


def test_labels_that_a_person_corrected_are_taken_as_they_are(
    stored: tuple[StudyResult, Path], tmp_path: Path
) -> None:
    earlier, _ = stored
    labels = earlier.segmentation.labels_kji.copy()
    labels[labels == 1] = 3
    provenance = replace(earlier.segmentation.provenance, edited=True)
    by_hand = replace(earlier.segmentation, labels_kji=labels, provenance=provenance)
    corrected = replace(earlier, segmentation=by_hand)
    folder = save_results(corrected, tmp_path / "by hand", FORMATS).folder
    found = compare_with_earlier(NOW, earlier.study, SegmentOptions(), WORKER, result_folder=folder)
    assert found.regions[Region.NCR].earlier_mm3 == 0
    assert found.regions[Region.NCR].now_mm3 > 0
    assert "Only the earlier study's labels were corrected by a person." in found.warnings
    assert follow_up_document(found)["earlier"]["provenance"]["edited"] is True


def test_a_study_without_result_is_segmented(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = earlier_visit()
    asked: list[tuple[Any, ...]] = []
    stages: list[str] = []

    def find_tumour(*given: Any, progress: Any, token: Any) -> StudyResult:
        asked.append(given)
        progress(0.5, "Segmenting")
        return earlier

    monkeypatch.setattr(compare, "find_tumour", find_tumour)
    options = SegmentOptions(device="cpu")
    found = compare_with_earlier(
        NOW, earlier.study, options, WORKER, progress=lambda _, stage: stages.append(stage)
    )
    ((study, roles, given, worker),) = asked
    assert study is earlier.study
    assert {one: series.series_uid for one, series in roles.items()} == {
        one: series.series_uid for one, series in earlier.roles.items()
    }
    assert given is options
    assert worker is WORKER
    assert found.earlier is earlier
    assert found.result_folder is None
    assert "Earlier study: Segmenting" in stages
    assert "Laying the studies on each other" in stages


def test_another_patient_s_study_is_never_segmented(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_given: Any, **_named: Any) -> None:
        raise AssertionError("nobody may look at it")

    monkeypatch.setattr(compare, "find_tumour", never)
    stranger = examined("stranger", "20260101", patient=PatientSummary("ID8", "Meier^Jo"))
    with pytest.raises(InputError, match="different patients"):
        compare_with_earlier(NOW, stranger, SegmentOptions(), WORKER)


def test_segmenting_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    token = CancelToken()

    def find_tumour(*_given: Any, progress: Any, token: CancelToken) -> StudyResult:
        token.cancel()
        token.raise_if_cancelled()
        raise AssertionError("it was cancelled")

    monkeypatch.setattr(compare, "find_tumour", find_tumour)
    with pytest.raises(Cancelled):
        compare_with_earlier(NOW, earlier_visit().study, SegmentOptions(), WORKER, token=token)


def test_two_alike_examinations_raise_no_doubt() -> None:
    earlier = visit(ball(GRID, 9.0), name="earlier", date="20260312")
    assert compare_results(NOW, earlier).warnings == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"patient": PatientSummary()}, "Nothing tells whether both studies"),
        ({"patient": PatientSummary("ID7", "Meier^Jo")}, "the name is another"),
        ({"date": "20270101"}, "dated after the current one"),
        ({"date": NOW.study.date}, "of the same day"),
        ({"date": ""}, "nothing tells which study is the earlier one"),
        ({"sequences": [*cases.BOTH, Sequence.T2]}, "Only the earlier study was segmented with T2"),
        ({"sequences": [Sequence.T1C]}, "Only the current study was segmented with FLAIR"),
        ({"sequences": [Sequence.FLAIR]}, "drawn on T1c now, on FLAIR in the earlier"),
        ({"provenance": {"model_id": "old"}}, "another network: old, now model"),
        ({"provenance": {"weights_sha256": "1"}}, "another network: other weights of model"),
        ({"provenance": {"model_id": UNKNOWN}}, "not known which network made the earlier labels"),
        (
            {"provenance": {"model_id": UNKNOWN, "labels_of": "seg.nii.gz"}},
            "Another program made the earlier labels",
        ),
        ({"provenance": {"edited": True}}, "Only the earlier study's labels were corrected"),
    ],
)
def test_what_makes_comparing_doubtful_is_told(changes: dict[str, Any], told: str) -> None:
    values = {"name": "earlier", "date": "20260312", **changes}
    earlier = visit(ball(GRID, 9.0), **values)
    warnings = compare_results(NOW, earlier).warnings
    assert any(told in one for one in warnings), warnings


def test_another_sex_is_told() -> None:
    woman, man = (
        visit(ball(GRID, 9.0), name=name, patient=PatientSummary("ID7", sex=sex))
        for name, sex in (("now", "F"), ("earlier", "M"))
    )
    assert "The patient's sex is another in each study." in compare_results(woman, man).warnings


@pytest.mark.parametrize("which", ["current", "earlier"])
def test_sides_that_cannot_be_told_are_told(
    which: str, registration_changes: dict[str, Any]
) -> None:
    now, earlier = NOW, visit(ball(GRID, 9.0), name="earlier", date="20260312")
    mirrored = now if which == "current" else earlier
    reference = replace(mirrored.prepared.reference, notes=(SIDES_UNKNOWN,))
    mirrored = replace(mirrored, prepared=replace(mirrored.prepared, reference=reference))
    pair = (mirrored, earlier) if which == "current" else (now, mirrored)
    (told,) = [one for one in compare_results(*pair).warnings if "may be swapped" in one]
    assert told.startswith(f"Left and right of the {which} study cannot be told")
    assert "map of change" in told
    registration_changes |= {"ok": False, "message": "Could not be registered."}
    (told,) = [one for one in compare_results(*pair).warnings if "may be swapped" in one]
    assert "map of change" not in told


def test_of_labels_that_came_alone_neither_network_nor_correction_is_claimed() -> None:
    alone = earlier_visit(provenance={"model_id": UNKNOWN, "weights_sha256": UNKNOWN})
    now = visit(ball(GRID, 12.0), provenance={"edited": True})
    found = compare_results(now, alone)
    assert not any("another network" in one for one in found.warnings)
    assert "The current study's labels were corrected by a person." in found.warnings
    told = " ".join(build_follow_up_page(found).provenance)
    assert "Earlier labels: network not known, not known whether corrected by hand." in told


def test_thicker_slices_are_told() -> None:
    warnings = compare_results(NOW, earlier_visit()).warnings
    assert any("1.0 mm apart now, 3.5 mm in the earlier study" in one for one in warnings)


def test_a_study_unlike_all_others_is_told() -> None:
    earlier = visit(ball(GRID, 9.0), name="earlier", date="20260312")
    reason = "unusual: size or outline of the brain"
    for score, is_told in ((0.9, False), (1.1, True)):
        unlike = replace(earlier, unfamiliarity=Unfamiliarity(score, reason))
        warnings = compare_results(NOW, unlike).warnings
        assert any("earlier study does not look like those" in one for one in warnings) is is_told


@pytest.mark.parametrize(("then_mm", "now_mm", "which"), [(0, 9, "earlier"), (9, 0, "current")])
def test_a_study_without_tumour_is_told(then_mm: float, now_mm: float, which: str) -> None:
    now = visit(ball(GRID, now_mm))
    warnings = compare_results(now, visit(ball(GRID, then_mm), name="earlier")).warnings
    assert f"No tumour is marked in the {which} study: a person must check." in warnings


def test_a_weak_match_is_told(registration_changes: dict[str, Any]) -> None:
    registration_changes["score"] = 0.52
    warnings = compare_results(NOW, earlier_visit()).warnings
    assert any("only moderately" in one and "0.52" in one for one in warnings)


def test_the_document_says_it_all() -> None:
    found = compare_results(NOW, earlier_visit())
    document = json.loads(json.dumps(follow_up_document(found)))
    assert document["schema"] == "gliascope/follow-up/1"
    assert document["now"]["study_date"] == "20260904"
    assert document["earlier"]["study_date"] == "20260312"
    assert document["earlier"]["labels_from"] == "segmented"
    assert document["dates"] == {"earlier_is": "earlier", "days_between": 176}
    registered = document["registration"]
    assert registered["sequences"] == {"earlier": "T1c", "now": "T1c"}
    np.testing.assert_allclose(registered["earlier_to_now_lps_mm"], cases.EARLIER_TO_NOW, atol=1e-6)
    assert list(document["regions"]) == ["NCR", "ED", "ET", "TC", "WT"]
    whole, change = document["regions"]["WT"], found.regions[Region.WT]
    assert change.voxels is not None
    assert whole["change_mm3"] == pytest.approx(whole["now_mm3"] - whole["earlier_mm3"], abs=0.002)
    assert whole["map"]["new_mm3"] == pytest.approx(change.voxels.new_mm3, abs=0.001)
    assert whole["map"]["same_mm3"] + whole["map"]["new_mm3"] == pytest.approx(whole["now_mm3"])
    assert whole["now_range_mm3"] is None
    assert document["diameters"]["regions"]["ET"]["now"]["long_mm"] > 10
    assert document["notes"] == [ON_BORDERS]
    assert "Not a medical device" in document["disclaimer"]


def test_without_registration_the_document_has_no_map(
    registration_changes: dict[str, Any],
) -> None:
    registration_changes |= {"ok": False, "message": "Could not be registered: too far."}
    document = follow_up_document(compare_results(NOW, earlier_visit()))
    assert document["registration"]["earlier_to_now_lps_mm"] is None
    assert document["regions"]["WT"]["map"] is None
    assert document["regions"]["WT"]["change_mm3"] is not None
    assert document["earlier_outside_mm3"] is None
    assert document["notes"] == []


def test_anonymised_the_document_names_nobody() -> None:
    now = visit(ball(GRID, 10.0), provenance={"steps": ("T2 of Müller was moved.",)})
    earlier = earlier_visit(provenance={"steps": ("Read from earlier, 2026-03-12.",)})
    created = datetime(2026, 9, 5, 8, 30).astimezone()
    found = compare_results(now, earlier)
    named = json.dumps(follow_up_document(found, created=created), ensure_ascii=False)
    assert "Müller" in named
    text = json.dumps(
        follow_up_document(found, anonymise=True, created=created), ensure_ascii=False
    )
    for told in ("Müller", "ID7", "20260904", "2026-03-12", "20260312", now.study.study_uid):
        assert f'"{told}' not in text
        assert f" {told}" not in text
    assert '"days_between": 176' in text


def test_of_two_studies_on_disk_each_is_read_or_segmented(
    stored: tuple[StudyResult, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    earlier, folder = stored
    segmented: list[str] = []

    def find_tumour(study: Study, *_: Any, progress: Any, token: Any) -> StudyResult:
        segmented.append(study.name)
        progress(0.5, "Segmenting")
        return {"now": NOW, "earlier": earlier}[study.name]

    monkeypatch.setattr(compare, "find_tumour", find_tumour)
    stages: list[str] = []
    found = compare_studies(
        NOW.study,
        earlier.study,
        SegmentOptions(),
        WORKER,
        results=tmp_path,
        progress=lambda _, stage: stages.append(stage),
    )
    assert segmented == ["now"]
    assert found.result_folder == folder
    assert any(one.startswith("Current study: ") for one in stages)
    assert any(one.startswith("Earlier study: ") for one in stages)
    again = compare_studies(NOW.study, earlier.study, SegmentOptions(), WORKER)
    assert segmented == ["now", "now", "earlier"]
    assert again.result_folder is None
