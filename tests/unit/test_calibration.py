"""Calibrated chances, ranges of volumes, and what a card may say of them."""

import json
import math

import numpy as np
import pytest

from model.calibration import (
    CALIBRATION_SCHEMA,
    MEASURED_REGIONS,
    NOTHING_BELOW,
    Calibration,
    RegionDoubt,
    Scaling,
    VolumeDoubt,
    measured_shares,
    undecided_shares,
)
from model.evaluate.out_of_fold import codes_of, probabilities_of

SPACING = (1.0, 1.0, 1.0)


def card(**changes):
    section = {
        "schema": CALIBRATION_SCHEMA,
        "scaling": {
            "slope": {"TC": 0.5, "WT": 1.0, "ET": 2.0},
            "bias": {"TC": 0.0, "WT": 0.0, "ET": 1.0},
        },
        "volume": {
            "coverage": 0.9,
            "offset_mm3": 1000.0,
            "patients": 22,
            "voxel_mm": 1.0,
            "regions": {
                name: {"floor": 0.1, "gain": 1.0, "quantile": 2.0} for name in MEASURED_REGIONS
            },
        },
    }
    return json.loads(json.dumps({"calibration": section | changes}))


def test_scaling_is_a_sigmoid_of_the_logit():
    p = np.linspace(0.001, 0.999, 50).astype(np.float16).reshape(1, 1, 1, -1).repeat(3, axis=0)
    scaled = Scaling((0.5, 1.0, 2.0), (0.0, 0.0, 1.0)).apply(p).astype(float)
    logit = np.log(p.astype(float) / (1 - p.astype(float)))
    for row, (slope, bias) in zip(scaled, ((0.5, 0), (1, 0), (2, 1)), strict=True):
        expected = 1 / (1 + np.exp(-(slope * logit[0] + bias)))
        np.testing.assert_allclose(row, expected, atol=1e-3)


def test_scaling_keeps_order_and_ends():
    p = np.array([0, 1e-4, 0.3, 0.31, 0.9, 1], np.float16).reshape(1, 1, 1, -1).repeat(3, axis=0)
    scaled = Scaling((0.3, 1.0, 3.0), (-1.0, 0.0, 2.0)).apply(p)
    assert scaled.dtype == np.float32
    assert (np.diff(scaled.astype(float), axis=-1) >= 0).all()
    assert (scaled[..., 0] == 0).all()
    assert (scaled[..., -1] == 1).all()


def test_a_decided_network_has_no_undecided_share():
    p = np.zeros((3, 10, 10, 10), np.float32)
    assert set(measured_shares(p, SPACING).values()) == {0.0}
    p[:, 2:8, 2:8, 2:8] = 1
    assert set(measured_shares(p, SPACING).values()) == {0.0}


def test_undecided_shares_by_hand():
    p = np.zeros((3, 20, 20, 20), np.float32)
    tc, wt, et = p
    wt[:10] = 1.0  # 4000 mm³
    tc[:5] = 0.5  # 2000 mm³
    et[:5] = 0.25
    shares = measured_shares(p, SPACING)
    assert shares["WT"] == 0
    assert shares["TC"] == pytest.approx(2000 * 0.25 / (1000 + 1000))
    assert shares["ET"] == pytest.approx(2000 * 0.1875 / (500 + 1000))
    assert shares["NCR"] == pytest.approx(2000 * 0.1875 / (500 + 1000))
    assert shares["ED"] == pytest.approx(2000 * 0.25 / (1000 + 2000 + 1000))
    double = measured_shares(p, (2.0, 1.0, 1.0))
    assert double["TC"] == pytest.approx(4000 * 0.25 / (2000 + 1000))


def test_shares_of_an_answer_are_those_of_its_chances():
    rng = np.random.default_rng(0)
    p = np.zeros((3, 20, 20, 20), np.float16)
    p[:, 5:12, 6:14, 3:9] = rng.uniform(0.001, 1, (3, 7, 8, 6))
    scaling = Scaling((0.6, 1.0, 1.4), (0.1, 0.0, -0.3))
    expected = measured_shares(scaling.apply(p), SPACING)
    assert undecided_shares(scaling, p, SPACING) == pytest.approx(expected, rel=1e-4)
    assert set(undecided_shares(scaling, np.zeros_like(p), SPACING).values()) == {0.0}


@pytest.mark.parametrize("slope", [0.4, 1.0, 1.5])
def test_kept_answers_are_as_undecided_as_fresh_ones(slope):
    """The doubt is fitted to codes and used on the numbers themselves."""
    rng = np.random.default_rng(1)
    p = rng.uniform(5e-5, 1.5e-3, (3, 40, 40, 40)).astype(np.float16)
    p[:, 10:20, 10:20, 10:20] = rng.uniform(0.02, 0.99, (3, 10, 10, 10))
    p[:, 12:18, 12:18, 12:18] = 1.0
    p[:, 0, 0, 0] = p[:, -1, -1, -1] = 0.02
    scaling = Scaling((slope,) * 3, (0.2, 0.0, -0.2))
    kept = probabilities_of(codes_of(p))
    fresh = undecided_shares(scaling, p, SPACING)
    assert undecided_shares(scaling, kept, SPACING) == pytest.approx(fresh, rel=0.01)


def test_what_codes_cannot_tell_from_zero_counts_as_zero():
    every = np.arange(2**15, dtype=np.uint16).view(np.float16)
    every = every[every <= 1]
    assert ((codes_of(every) == 0) == (every.astype(np.float32) < NOTHING_BELOW)).all()
    assert (probabilities_of(codes_of(every))[every == 1] == 1).all()
    assert (codes_of(every)[every < 1] < 255).all()


def test_ranges_are_proportional_above_a_millilitre_and_absolute_below():
    doubt = VolumeDoubt(0.9, 1000.0, {"WT": np.log(1.25)}, 22, 1.0)
    low, high = doubt.range_mm3("WT", 99_000.0)
    assert (low, high) == (pytest.approx(79_000), pytest.approx(124_000))
    assert doubt.range_mm3("WT", 0.0) == (0.0, pytest.approx(250.0))


def test_a_range_too_wide_to_tell_anything_is_not_given():
    doubt = VolumeDoubt(0.9, 1000.0, {"WT": math.log(2.9), "TC": math.log(3.1)}, 22, 1.0)
    assert doubt.range_mm3("WT", 50_000.0) is not None
    assert doubt.range_mm3("TC", 50_000.0) is None


def test_a_small_volume_keeps_a_range_beyond_three_times_itself():
    """The limit is on volumes with a millilitre added, as the documentation says."""
    doubt = VolumeDoubt(0.9, 1000.0, {"ET": math.log(2.9), "TC": math.log(3.1)}, 22, 1.0)
    assert doubt.range_mm3("ET", 200.0) == (0.0, pytest.approx(2480.0))
    assert doubt.range_mm3("TC", 200.0) is None


def test_a_card_without_calibration_says_nothing():
    assert Calibration.from_card({}) is None


def test_more_doubt_makes_a_wider_range():
    calibration = Calibration.from_card(card())
    image = np.ones((4, 20, 20, 20), np.float32)
    sure, unsure = (np.zeros((3, 20, 20, 20), np.float16) for _ in range(2))
    sure[:, 5:15], unsure[:, 5:15] = 1.0, 0.7
    one, other = (calibration.judge(image, p, SPACING).volume for p in (sure, unsure))
    assert one.coverage == 0.9
    assert one.log_half_width["WT"] == pytest.approx(0.2)
    assert other.log_half_width["WT"] > one.log_half_width["WT"]


def test_the_card_says_of_whom_its_ranges_are_drawn():
    image, nothing = np.ones((4, 20, 20, 20), np.float32), np.zeros((3, 20, 20, 20), np.float16)
    drawn = Calibration.from_card(card()).judge(image, nothing, SPACING).volume
    assert drawn.patients == 22
    assert drawn.holds_for((1.5, 0.5, 0.5))
    assert not drawn.holds_for((0.5, 2.0, 0.5))


def test_no_range_where_a_sequence_is_missing():
    calibration = Calibration.from_card(card())
    image = np.ones((4, 20, 20, 20), np.float32)
    image[1] = 0
    assert calibration.judge(image, np.zeros((3, 20, 20, 20), np.float16), SPACING).volume is None


def test_no_range_for_an_unfamiliar_study():
    usual = {"statistics": {"brain volume": {"mean": 5.0, "deviation": 0.1}}, "limit": 3.0}
    calibration = Calibration.from_card(card(familiarity=usual))
    image = np.ones((4, 20, 20, 20), np.float32)
    doubt = calibration.judge(image, np.zeros((3, 20, 20, 20), np.float16), SPACING)
    assert doubt.unfamiliarity.is_unfamiliar
    assert doubt.volume is None


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "other"},
        {"scaling": {"slope": {"TC": 1, "WT": 1, "ET": -1}, "bias": {"TC": 0, "WT": 0, "ET": 0}}},
        {"scaling": {}},
        {"volume": card()["calibration"]["volume"] | {"regions": {}}},
        {"volume": {"coverage": 0.9, "offset_mm3": 1000, "regions": {}}},
        {"volume": None},
        {"familiarity": {"statistics": {}}},
    ],
)
def test_a_senseless_section_is_refused(changes):
    with pytest.raises(ValueError, match=r"calibration|slopes|doubts|familiarity"):
        Calibration.from_card(card(**changes))


@pytest.mark.parametrize("values", [(-0.1, 1, 1), (0, 0, 1), (0.1, 0.1, -1)])
def test_senseless_doubts_are_refused(values):
    with pytest.raises(ValueError, match="negative"):
        RegionDoubt(*values)
