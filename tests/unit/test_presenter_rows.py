from dataclasses import replace

import numpy as np
import pytest

from desktop_app.domain.measurement import Measurement, MeasurementKind
from desktop_app.domain.provenance import UNKNOWN, Provenance
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.study import PatientSummary
from desktop_app.services.preflight.headers import check_headers
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, PROVENANCE, make_series, make_study, roles_of
from ui.presenters.rows import findings_of, header_of, region_rows, study_titles
from ui.presenters.slots import series_text, slots_of


def test_header_names_patient_date_and_what_was_left_out():
    header = header_of(make_study())
    assert header.title == "Müller, Änne · ID7"
    assert header.subtitle == "2026-01-31 · Brain · 3 series"
    assert header.note == "1 item was left out."
    assert header.left_out == (("a.txt", "not an image"),)


def test_what_belongs_to_no_study_is_listed_with_the_open_one():
    header = header_of(make_study(), (("b.pdf", "not an image"),))
    assert header.note == "2 items were left out."
    assert header.left_out[-1] == ("b.pdf", "not an image")


def test_header_falls_back_to_the_study_name():
    assert header_of(make_study(patient=PatientSummary())).title == "study"


def test_studies_are_told_apart_by_their_date_and_of_several_patients_by_name():
    first, second = make_study(), make_study(date="", description="", name="second")
    assert study_titles((first, second)) == ("2026-01-31 · Brain", "second")
    other = make_study(patient=PatientSummary("8", "Doe^Jo"))
    assert study_titles((first, other))[1] == "2026-01-31 · Brain · Doe, Jo"


def test_a_series_is_told_with_the_time_it_was_acquired():
    series = make_series("a", number=5, acquired="2026-01-31T10:11:12")
    assert series_text(series) == "5: a, 10:11 (6×5×4, 5.0 mm)"
    assert series_text(make_series("a")) == "a (6×5×4, 5.0 mm)"


def test_a_series_gives_way_to_less_of_it():
    study = make_study()
    (slot, *_) = slots_of(study, check_headers(study, roles_of(study)))
    whole = next(one for one in slot.choices if one.series_uid == "t1c")
    assert whole.text.startswith("5: t1c")
    assert whole.shorter[-1] == "5: t1c"


def test_region_rows_show_cubic_centimetres_and_colours():
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 2, 3] = 3
    segmentation = Segmentation(labels, GEOMETRY, PROVENANCE)
    measured = (Measurement(MeasurementKind.VOLUME, 1500.0, "mm3", Region.ET),)
    rows = {row.region: row for row in region_rows(segmentation, measured)}
    assert rows[Region.ET].volume_cm3 == pytest.approx(1.5)
    assert rows[Region.ET].label_value == 3
    assert rows[Region.WT].label_value is None
    assert rows[Region.WT].rgb is None


def test_of_labels_that_came_alone_no_network_is_named():
    result = make_result(make_study(), np.ones(GEOMETRY.shape_kji, np.uint8))
    assert findings_of(result).origin.startswith("Network model on CPU")
    nobody = Provenance(UNKNOWN, "", UNKNOWN, UNKNOWN, UNKNOWN)
    alone = replace(result, segmentation=replace(result.segmentation, provenance=nobody))
    assert findings_of(alone).origin == "Network not known"
