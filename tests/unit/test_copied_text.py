"""What is copied of a result: a table for spreadsheets, without the patient."""

from dataclasses import replace

import numpy as np

from desktop_app.domain.measurement import Interval, MeasurementKind
from desktop_app.domain.result import StudyResult
from desktop_app.services.measuring.diameters import measure_diameters
from tests.lesion_cases import LESIONS
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui.presenters.copied_text import copied_text


def result_with(enhancing: int, *, edited: bool = False) -> StudyResult:
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1:3, 1:4, :enhancing] = 3
    labels[1:3, 4, :enhancing] = 2
    result = make_result(make_study(), labels)
    provenance = replace(result.segmentation.provenance, edited=edited)
    return replace(result, segmentation=replace(result.segmentation, provenance=provenance))


def cells(text: str) -> list[list[str]]:
    assert text.endswith("\n")
    return [line.split("\t") for line in text.splitlines()]


def test_regions_with_volumes_and_diameters() -> None:
    result = result_with(5)
    measured = measure_diameters(result.segmentation)
    head, *rows, model, notice = cells(copied_text(result, measured))
    assert head == ["Region", "Volume (cm³)", "Range (cm³)", "Diameters", "Slice"]
    assert [row[0] for row in rows] == [
        "Enhancing tumour (ET)",
        "Necrotic or non-enhancing core (NCR)",
        "Oedema (ED)",
        "Tumour core (TC)",
        "Whole tumour (WT)",
    ]
    assert all(len(row) == len(head) for row in rows)
    enhancing, *_, core, _whole = rows
    assert enhancing[1] == "0.15"
    assert " × " in enhancing[3]
    assert enhancing[4].startswith("axial S ")
    assert core[3:] == ["", ""]
    assert model == ["Model", "model"]
    assert notice == ["For research use. Not a medical device."]


def test_ranges_stand_in_their_column() -> None:
    result = result_with(5)
    measurements = tuple(
        replace(one, interval=Interval(100.0, 200.0, 0.9, 22))
        if one.kind is MeasurementKind.VOLUME
        else one
        for one in result.measurements
    )
    head, first, *_ = cells(copied_text(replace(result, measurements=measurements), {}))
    assert head[2] == "90 % range (cm³)"
    assert first[2] == "0.10–0.20"


def test_the_patient_is_not_in_it() -> None:
    result = result_with(5)
    text = copied_text(result, measure_diameters(result.segmentation))
    patient = result.study.patient
    for word in (*patient.name.split("^"), patient.patient_id, result.study.date):
        assert word
        assert word not in text


def test_targets_hands_and_what_is_still_measured() -> None:
    text = copied_text(result_with(5, edited=True), None, LESIONS[:2])
    assert "being measured" in text
    assert "Sum of products, target lesions 1, 2 (RANO 2.0)\tbeing measured" in text
    assert "Model\tmodel\tcorrected by hand" in text


def test_the_sum_of_ticked_targets() -> None:
    text = copied_text(result_with(5), {}, LESIONS[:2])
    assert "Sum of products, target lesions 1, 2 (RANO 2.0)\t975 mm²" in text


def test_nothing_found_is_said() -> None:
    lines = cells(copied_text(result_with(0), {}))
    assert lines[0] == ["No tumour found"]
    assert lines[-1] == ["For research use. Not a medical device."]
