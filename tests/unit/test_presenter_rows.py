import numpy as np
import pytest

from desktop_app.domain.measurement import Measurement, MeasurementKind
from desktop_app.domain.registration import Registration
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.study import PatientSummary, Sequence
from tests.study_cases import GEOMETRY, PROVENANCE, make_study, roles_of
from ui.presenters.rows import header_of, region_rows, slots_of
from ui.views.study_view import Light


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


def test_lights_follow_confidence_and_absence():
    study = make_study()
    slots = {slot.sequence: slot for slot in slots_of(study, roles_of(study), frozenset(), {})}
    assert slots[Sequence.T1C].light is Light.GOOD
    assert "95% sure" in slots[Sequence.T1C].sentence
    assert slots[Sequence.FLAIR].light is Light.FAIR
    assert slots[Sequence.T2].light is Light.POOR
    assert slots[Sequence.T2].chosen_uid == ""


def test_unusable_series_are_not_offered():
    study = make_study()
    slot = slots_of(study, roles_of(study), frozenset(), {})[0]
    assert [choice.series_uid for choice in slot.choices] == ["", "t1c", "flair"]
    assert slot.choices[1].text == "5: t1c (6×5×4, 5.0 mm)"


def test_the_users_choice_is_told_as_such():
    study = make_study()
    chosen = frozenset({Sequence.FLAIR, Sequence.T1})
    slots = {slot.sequence: slot for slot in slots_of(study, roles_of(study), chosen, {})}
    assert slots[Sequence.FLAIR].light is Light.GOOD
    assert slots[Sequence.T1].sentence == "Left out by you."


def test_a_failed_registration_turns_the_light_red():
    study = make_study()
    failed = Registration(GEOMETRY, 0.1, ok=False, translation_mm=60, rotation_deg=3, message="No.")
    slots = slots_of(study, roles_of(study), frozenset(), {Sequence.T1C: failed})
    assert slots[1].light is Light.POOR
    assert slots[1].sentence.endswith("No.")


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
