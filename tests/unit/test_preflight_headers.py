"""What the headers say before segmenting: thresholds, words, and what cannot be segmented."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.preflight import (
    Aspect,
    Check,
    Light,
    Preflight,
    SequencePreflight,
    Source,
)
from desktop_app.domain.study import RoleProposal, Sequence, Series
from desktop_app.errors import InputError
from desktop_app.services.preflight.headers import check_headers, field_lps_mm
from desktop_app.services.preflight.slices import check_gap, check_orientation, check_spacing
from desktop_app.services.segmenting.segment import require_sequences
from tests.study_cases import make_series, make_study


def grid(
    shape_kji: tuple[int, int, int] = (30, 240, 240),
    spacing_kji: tuple[float, float, float] = (5.0, 1.0, 1.0),
    axes_lps: np.ndarray | None = None,
) -> Geometry:
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if axes_lps is None else axes_lps) * spacing_kji[::-1]
    return Geometry(shape_kji, affine)


SAGITTAL = np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])


def study_of(**series: Series):
    roles = {
        Sequence(name): RoleProposal(one.series_uid, 0.9, "So.") for name, one in series.items()
    }
    return make_study(series=tuple(series.values()), roles=roles)


def headers_of(**series: Series) -> Preflight:
    study = study_of(**series)
    return check_headers(study, {Sequence(name): one for name, one in series.items()})


def answer(preflight: Preflight, sequence: Sequence, aspect: Aspect) -> Check:
    return next(c for c in preflight.sequences[sequence].checks if c.aspect is aspect)


@pytest.mark.parametrize(
    ("spacing_mm", "light", "words"),
    [
        ((1.0, 1.0, 1.0), Light.GOOD, "Voxels of 1.0 × 1.0 × 1.0 mm."),
        ((4.0, 0.9, 0.9), Light.GOOD, "Slices 4.0 mm apart"),
        ((4.1, 0.9, 0.9), Light.FAIR, "small lesions can be missed"),
        ((3.0, 1.6, 1.6), Light.FAIR, "outlines are coarse"),
        ((10.5, 0.9, 0.9), Light.POOR, "below 21 mm"),
    ],
)
def test_spacing_follows_the_consensus_protocol(spacing_mm, light, words):
    check = check_spacing(grid(spacing_kji=spacing_mm))
    assert check.light is light
    assert words in check.sentence


def test_spacing_is_that_of_the_slices_in_whatever_order_the_axes_come():
    assert "Slices 6.0 mm apart" in check_spacing(grid((240, 30, 240), (1.0, 6.0, 1.0))).sentence


@pytest.mark.parametrize(
    ("thickness_mm", "light", "words"),
    [
        (5.0, Light.GOOD, "without gap"),
        (4.6, Light.GOOD, "0.4 mm gap"),
        (4.0, Light.FAIR, "4.0 mm slices with 1.0 mm gap: small lesions can be missed."),
        (2.5, Light.POOR, "half of the brain"),
        (6.0, Light.GOOD, "without gap"),
        (None, Light.UNKNOWN, "not known"),
        (0.0, Light.UNKNOWN, "not known"),
    ],
)
def test_a_gap_is_told_with_its_width(thickness_mm, light, words):
    check = check_gap(grid(), thickness_mm)
    assert check.light is light
    assert words in check.sentence


def test_thick_slices_of_another_plane_are_amber_thin_ones_are_not():
    thick = check_orientation(grid(axes_lps=SAGITTAL))
    assert (thick.light, thick.sentence[:15]) == (Light.FAIR, "Sagittal slices")
    assert (
        check_orientation(grid(spacing_kji=(1.0, 1.0, 1.0), axes_lps=SAGITTAL)).light is Light.GOOD
    )


@pytest.mark.parametrize(
    ("degrees", "light"), [(0, Light.GOOD), (20, Light.GOOD), (40, Light.FAIR)]
)
def test_a_tilt_is_told_and_a_steep_one_is_amber(degrees, light):
    turn = np.radians(degrees)
    axes = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    check = check_orientation(grid(axes_lps=axes))
    assert check.light is light
    assert (f"tilted by {degrees}°" in check.sentence) == (degrees > 0)


def test_the_field_is_given_to_the_nearest_patient_axes():
    np.testing.assert_allclose(field_lps_mm(grid(axes_lps=SAGITTAL)), (150, 240, 240))


@pytest.mark.parametrize(
    ("slices", "light", "words"),
    [
        (30, Light.GOOD, "room for a whole brain"),
        (22, Light.FAIR, "Only 110 mm from bottom to top"),
        (15, Light.POOR, "much of the brain is outside"),
    ],
)
def test_a_short_stack_is_told(slices, light, words):
    check = answer(
        headers_of(FLAIR=make_series("f", geometry=grid((slices, 240, 240)))),
        Sequence.FLAIR,
        Aspect.COVERAGE,
    )
    assert check.light is light
    assert words in check.sentence


@pytest.mark.parametrize(
    ("sequence", "attributes", "light"),
    [
        (Sequence.T1C, {"ContrastBolusAgent": "Gadovist"}, Light.GOOD),
        (Sequence.T1C, {"ContrastBolusAgent": "NONE"}, Light.FAIR),
        (Sequence.T1C, {}, Light.FAIR),
        (Sequence.T1C, {"ContrastAdministered": "YES"}, Light.GOOD),
        (Sequence.T1C, {"ContrastBolusAgent": "X", "ContrastAdministered": "NO"}, Light.FAIR),
        (Sequence.T1, {}, Light.GOOD),
        (Sequence.T1, {"ContrastBolusAgent": "Gadovist"}, Light.UNKNOWN),
        (Sequence.T1, {"ContrastAdministered": "YES"}, Light.FAIR),
    ],
)
def test_contrast_agent_of_the_header(sequence, attributes, light):
    series = make_series("s", geometry=grid(), attributes=attributes)
    check = answer(headers_of(**{sequence.value: series}), sequence, Aspect.CONTRAST)
    assert (check.light, check.source) == (light, Source.HEADERS)


def test_contrast_agent_is_not_asked_of_t2():
    preflight = headers_of(T2=make_series("s", geometry=grid()))
    assert all(c.aspect is not Aspect.CONTRAST for c in preflight.sequences[Sequence.T2].checks)


def test_confidence_absence_and_repairs_decide_the_light():
    study = make_study()
    roles = {s: study.series_by_uid(p.series_uid) for s, p in study.roles.items()}
    sequences = check_headers(study, roles).sequences
    flair = answer(check_headers(study, roles), Sequence.FLAIR, Aspect.SERIES)
    assert (flair.light, flair.sentence) == (Light.FAIR, "Only the text says so. (40 % sure)")
    assert (sequences[Sequence.T2].light, sequences[Sequence.T2].word) == (Light.UNKNOWN, "missing")
    repaired = make_series("t1c", geometry=grid(), problems=("2 slices missing; filled in.",))
    check = answer(headers_of(T1c=repaired), Sequence.T1C, Aspect.SERIES)
    assert check.light is Light.FAIR
    assert check.sentence.startswith("2 slices missing")


def test_what_may_hide_behind_a_missing_name_is_told():
    bare = [make_series(uid, geometry=grid()) for uid in ("x", "y")]
    study = make_study(series=(*make_study().series, *bare))
    roles = {s: study.series_by_uid(p.series_uid) for s, p in study.roles.items()}
    check = check_headers(study, roles).sequences[Sequence.T2].worst
    assert check.sentence == (
        "No header names it; one of the 2 series without a description may be it."
    )
    named = replace(
        study, roles={Sequence.T2: RoleProposal("x", 0.5, "By its image.", by_pixels=True)}
    )
    check = answer(check_headers(named, {Sequence.T2: bare[0]}), Sequence.T2, Aspect.SERIES)
    assert (check.light, check.sentence, check.source) == (
        Light.FAIR,
        "By its image.",
        Source.PIXELS,
    )


def test_the_users_choice_is_told_as_such():
    study = make_study()
    chosen = frozenset({Sequence.FLAIR, Sequence.T1})
    preflight = check_headers(study, {Sequence.FLAIR: study.series_by_uid("flair")}, chosen)
    check = answer(preflight, Sequence.FLAIR, Aspect.SERIES)
    assert (check.light, check.sentence, check.source) == (
        Light.GOOD,
        "Chosen by you.",
        Source.USER,
    )
    assert preflight.sequences[Sequence.T1].worst.sentence == "Left out by you."


@pytest.mark.parametrize("count", range(5))
def test_refuses_exactly_what_segmenting_refuses(count):
    study = make_study()
    for chosen in combinations(Sequence, count):
        roles = {sequence: make_series(sequence.value) for sequence in chosen}
        try:
            require_sequences(study, roles)
            refused = False
        except InputError:
            refused = True
        assert bool(check_headers(study, roles).refusal) == refused, chosen


def test_the_verdict_names_what_to_check():
    good = make_series("t1c", geometry=grid(spacing_kji=(4.0, 1, 1), shape_kji=(40, 240, 240)))
    good.attributes["ContrastBolusAgent"] = "Gadovist"
    poor = make_series("flair", geometry=grid((12, 240, 240), (12.0, 1, 1)))
    preflight = headers_of(T1c=good, FLAIR=poor)
    assert preflight.light is Light.POOR
    assert preflight.sentence.startswith("Can be segmented, but FLAIR may spoil")
    assert preflight.sentence_afterwards.startswith("Segmented, but FLAIR")
    assert preflight.sentence_beside_labels.startswith("Labels opened from a file. Can be segm")
    fair = headers_of(T1c=good, FLAIR=make_series("f", geometry=grid()))
    assert fair.sentence == (
        "Ready to segment; please check FLAIR; without T1 and T2 the result is less certain."
    )
    assert headers_of(T1c=good).light is Light.POOR


@pytest.mark.parametrize("missing", [(), *((one,) for one in Sequence), (Sequence.T1, Sequence.T2)])
def test_a_sequence_that_is_missing_is_no_green_light(missing):
    good = Check(Aspect.SPACING, Light.GOOD, "Voxels of 1.0 × 1.0 × 1.0 mm.")
    unknown = Check(Aspect.SERIES, Light.UNKNOWN, "No such series was found.")
    sequences = {
        one: SequencePreflight(one, "", (unknown,))
        if one in missing
        else SequencePreflight(one, one.value, (good,))
        for one in Sequence
    }
    preflight = Preflight(sequences)
    assert preflight.light is (Light.FAIR if missing else Light.GOOD)
    assert (preflight.sentence == "Ready to segment.") is not bool(missing)
    for one in missing:
        assert preflight.sequences[one].light is Light.UNKNOWN


def test_later_answers_replace_earlier_ones_to_the_same_question():
    preflight = headers_of(FLAIR=make_series("f", geometry=grid()))
    seen = Check(Aspect.COVERAGE, Light.POOR, "Cut.", Source.PIXELS)
    updated = preflight.updated({Sequence.FLAIR: (seen,), Sequence.T1: (seen,)})
    flair = updated.sequences[Sequence.FLAIR]
    assert [c for c in flair.checks if c.aspect is Aspect.COVERAGE] == [seen]
    assert [c.aspect for c in flair.checks] == sorted(
        (c.aspect for c in flair.checks), key=list(Aspect).index
    )
    assert flair.worst is seen
    assert updated.sequences[Sequence.T1].is_missing
