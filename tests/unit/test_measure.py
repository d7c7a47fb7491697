"""Volumes come from voxels and nothing else; the document has the published schema."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.pseudonyms import KEY_BYTES, Pseudonyms
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.sequence_choice import Finding, PixelFinding
from desktop_app.domain.study import InstanceRef, Sequence
from desktop_app.services.export.measurement_document import measurements_document
from desktop_app.services.export.measurement_table import measurement_rows
from desktop_app.services.export.report import build_page
from desktop_app.services.measuring.measure import (
    measure,
    volumes_mm3,
    voxel_counts,
)
from desktop_app.services.privacy import Redactor
from tests import export_cases as cases
from tests.study_cases import make_series


def test_counts_and_volumes_follow_from_the_labels(result: StudyResult) -> None:
    labels = result.segmentation.labels_kji
    counts = voxel_counts(measure(result.segmentation))
    assert counts == {
        Region.NCR: (labels == 1).sum(),
        Region.ED: (labels == 2).sum(),
        Region.ET: (labels == 3).sum(),
        Region.TC: (labels == 1).sum() + (labels == 3).sum(),
        Region.WT: (labels > 0).sum(),
    }
    volumes = volumes_mm3(measure(result.segmentation))
    for region, count in counts.items():
        assert volumes[region] == pytest.approx(count * 5.5 * 0.9 * 0.8)


def test_no_tumour_measures_zero(tmp_path: Path, result: StudyResult) -> None:
    empty = np.zeros(cases.SHAPE_KJI, np.uint8)
    measured = cases.study_result(tmp_path, labels_kji=empty, series=result.roles).measurements
    assert {m.value for m in measured} == {0}


def test_document_has_the_published_keys_and_survives_json(result: StudyResult) -> None:
    document = measurements_document(result, export_seconds=0.5)
    assert json.loads(json.dumps(document)) == document
    assert document["schema"] == "gliascope/measurements/1"
    assert document["study"] == {
        "study_uid": result.study.study_uid,
        "patient_id": cases.PATIENT_ID,
        "study_date": cases.STUDY_DATE,
        "pseudonym": "",
        "pseudonym_study": "",
    }
    assert document["sequences"]["T1c"] == {
        "present": True,
        "series_uid": result.roles[Sequence.T1C].series_uid,
        "description": "Ax T1 +C",
        "confidence": 0.9,
        "assigned_by": "headers",
    }
    assert document["sequences"]["T2"]["present"] is False
    assert document["geometry"]["shape_kji"] == [12, 40, 32]
    assert document["geometry"]["spacing_mm"] == pytest.approx([5.5, 0.9, 0.8])
    assert document["geometry"]["reference"] == "T1c"
    np.testing.assert_allclose(
        document["geometry"]["affine_lps_mm"],
        result.segmentation.geometry.affine_lps_mm,
        atol=1e-6,
    )
    assert document["labels"] == {"1": "NCR", "2": "ED", "3": "ET"}
    assert list(document["regions"]) == ["NCR", "ED", "ET", "TC", "WT"]
    assert set(document["provenance"]) == {
        "app_version",
        "model_id",
        "weights_sha256",
        "device",
        "precision",
        "edited",
        "labels_of",
        "labels_sha256",
        "corrections",
        "steps",
        "seconds",
        "created",
    }
    assert document["provenance"]["seconds"] == {
        "import": 1.0,
        "preprocess": 2.0,
        "inference": 3.0,
        "postprocess": 0.0,
        "export": 0.5,
        "total": 6.5,
    }


def test_a_study_uid_that_others_bear_is_told_as_the_images_have_it(result: StudyResult) -> None:
    shared = replace(result, study=replace(result.study, study_uid="1.2.840.3#0a1b2c3d"))
    assert measurements_document(shared)["study"]["study_uid"] == "1.2.840.3"


def test_series_chosen_by_hand_has_no_confidence(result: StudyResult) -> None:
    other = replace(result.roles[Sequence.T1C], series_uid="1.2.3")
    chosen = replace(result, roles={**result.roles, Sequence.T1C: other})
    assert measurements_document(chosen)["sequences"]["T1c"]["confidence"] is None
    assert measurements_document(chosen)["sequences"]["T1c"]["assigned_by"] == "user"


def test_what_the_images_decided_is_no_choice_by_hand(result: StudyResult) -> None:
    proposal = replace(result.study.roles[Sequence.T1C], by_pixels=True)
    named = replace(result, study=replace(result.study, roles={Sequence.T1C: proposal}))
    sentence = PixelFinding(Sequence.T1, Finding.CORRECTED, 5.0, "Changed places.")
    prepared = replace(result.prepared, findings={Sequence.T1C: sentence})
    for decided in (named, replace(result, prepared=prepared)):
        found = measurements_document(decided)["sequences"]["T1c"]
        assert (found["assigned_by"], found["confidence"]) == ("images", None)
        assert build_page(decided).sequences[1].confidence == "by its image"


def test_anonymised_document_holds_no_identifier(result: StudyResult) -> None:
    text = json.dumps(measurements_document(result, anonymise=True), ensure_ascii=False)
    document = json.loads(text)
    assert set(document["study"].values()) == {""}
    assert document["warnings"][0] == "T1 is missing in the study of [removed]."
    private = ["Müller", "Zoë", "山田", cases.PATIENT_ID, cases.STUDY_DATE, "Ax T1"]
    private += [series.series_uid for series in result.roles.values()]
    assert [word for word in private if word in text] == []


def test_rows_are_tidy(result: StudyResult) -> None:
    document = measurements_document(result)
    rows = measurement_rows(document)
    assert [row["region"] for row in rows] == ["NCR", "ED", "ET", "TC", "WT"]
    whole = rows[-1]
    assert whole["title"] == "Whole tumour"
    assert whole["volume_mm3"] == pytest.approx(document["regions"]["WT"]["volume_mm3"], abs=1e-3)
    assert whole["volume_cm3"] == pytest.approx(whole["volume_mm3"] / 1000, abs=1e-3)
    assert whole["patient_id"] == cases.PATIENT_ID


def test_tables_bear_the_pseudonyms_where_they_name_nobody(result: StudyResult) -> None:
    nobody = Pseudonyms(bytes(KEY_BYTES), "patient", "study")
    document = measurements_document(result, anonymise=True, pseudonyms=nobody)
    assert document["study"] == {
        "study_uid": "",
        "patient_id": "",
        "study_date": "",
        "pseudonym": nobody.patient_id,
        "pseudonym_study": nobody.folder_name,
    }
    for row in measurement_rows(document):
        assert (row["pseudonym"], row["pseudonym_study"]) == (nobody.patient_id, nobody.folder_name)
        assert row["created"] == document["provenance"]["created"]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Seen in PID-77-α twice.", "Seen in [removed] twice."),
        ("zoë müller-łoś", "[removed]"),
        ("On 2024-02-29 and 20240229", "On [removed] and [removed]"),
        ("T2 registered to T1c, score 0.83", "T2 registered to T1c, score 0.83"),
        ("PID-77-αβ is another word", "PID-77-αβ is another word"),
        ("scan_PID-77-α_t2.nii.gz", "scan_[removed]_t2.nii.gz"),
    ],
)
def test_redaction(result: StudyResult, sentence: str, expected: str) -> None:
    assert Redactor.for_study(result.study).redact(sentence) == expected


def test_accession_number_is_redacted(result: StudyResult) -> None:
    redactor = Redactor.for_study(replace(result.study, accession_number="ACC-4711"))
    assert redactor.redact("Of ACC-4711: short") == "Of [removed]: short"


def test_paths_below_the_study_are_redacted_whole(result: StudyResult) -> None:
    path = result.roles[Sequence.T1C].instances[0].path
    redacted = Redactor.for_study(result.study).redact(f"File {path}: truncated.")
    assert redacted == "File [removed]: truncated."


@pytest.mark.parametrize(
    ("name", "sentence", "expected"),
    [
        ("Meier_Anna.dcm", "File Meier_Anna.dcm left out", "File [removed] left out"),
        ("Meier_Anna_t1c.nii.gz", "Meier_Anna_t1c is short", "[removed] is short"),
        ("t1c.nii.gz", "T1c moved by 2 mm", "T1c moved by 2 mm"),
        ("100.dcm", "100 slices", "100 slices"),
    ],
)
def test_file_names_are_redacted_unless_they_are_plain(
    result: StudyResult, name: str, sentence: str, expected: str
) -> None:
    series = make_series("1", instances=(InstanceRef(Path("export") / name),))
    study = replace(result.study, series=(series,))
    assert Redactor.for_study(study).redact(sentence) == expected


@pytest.mark.parametrize(
    ("name", "sentence", "expected"),
    [
        ("No^An", "No enhancing tumour is marked: not necrosis.", None),
        ("NON^TO", "T2 to T1c: non-enhancing core, in an hour.", None),
        ("Core^Long", "The core is long: 3 mm (long).", None),
        ("No^An", "Of No An, of NO^AN and an_no.", "Of [removed], of [removed] and [removed]."),
        ("No^An", "File /in/no/scan of NO_t1c", "File /in/[removed]/scan of [removed]_t1c"),
        ("Core^Li", "Core in /in/core/1: cores", "[removed] in /in/[removed]/1: cores"),
        ("core^li", "The core.", "The [removed]."),
        ("Łoś^Jo", "Of łoś and jo.", "Of [removed] and jo."),
        ("Non", "Non-enhancing core.", None),
    ],
)
def test_sentences_keep_words_that_are_names_elsewhere(
    result: StudyResult, name: str, sentence: str, expected: str | None
) -> None:
    study = replace(result.study, patient=replace(result.study.patient, name=name))
    assert Redactor.for_study(study).redact(sentence) == (expected or sentence)


def test_uid_that_visits_share_is_redacted_with_and_without_its_end(result: StudyResult) -> None:
    redactor = Redactor.for_study(replace(result.study, study_uid="1.2.34#0a1b2c3d"))
    for uid in ("1.2.34", "1.2.34#0a1b2c3d"):
        assert redactor.redact(f"Study identifier {uid}: two") == "Study identifier [removed]: two"
