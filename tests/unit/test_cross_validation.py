"""From answers of networks to scores, chosen settings and a calibration that keeps its promise."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from model.calibration import Calibration
from model.evaluate import cross_report
from model.evaluate.bootstrap import bootstrap_mean
from model.evaluate.cross_validation import cross_validate, region_volumes_mm3, score_patient
from model.evaluate.figures import ET_ABSENT, ET_PRESENT
from model.evaluate.metrics import WORST_HAUSDORFF_MM
from model.evaluate.out_of_fold import codes_of, probabilities_of
from model.evaluate.reliability import count_codes, fit_reliability
from model.evaluate.tune import (
    GRID,
    best_choice,
    choices,
    chosen_settings,
    dice_table,
    regions_that_gain,
    settings_without,
)
from model.postprocess import PostprocessSettings
from model.spec import Region
from tests.fold_cases import made_up_patient

DEFAULT = PostprocessSettings()
FOLD_OF = {f"P{n:02}": "abc"[n % 3] for n in range(12)}


@pytest.fixture(scope="module")
def patients():
    return [made_up_patient(seed, enhances=seed % 4 != 0) for seed in range(12)]


@pytest.fixture(scope="module")
def found(patients):
    return cross_validate(patients, DEFAULT, fold_of=FOLD_OF, tune=True)


def test_codes_keep_probabilities_and_the_middle():
    p = np.linspace(0, 1, 2001)
    back = probabilities_of(codes_of(p)).astype(float)
    assert np.abs(back - p).max() < 0.009
    assert ((back > 0.5) == (p >= 0.5)).all()
    assert back[0] == 0
    assert probabilities_of(codes_of(np.array([1e-9])))[0] == 0


def test_scores_are_those_of_the_labels(patients):
    result = score_patient(patients[1], DEFAULT)
    assert result.enhances
    assert 0.7 < result.regions[Region.WT].dice <= 1
    assert result.lesions[Region.WT].dice == pytest.approx(result.regions[Region.WT].dice)
    assert result.true_mm3 == region_volumes_mm3(patients[1].reference_kji, 1.0)
    assert result.true_mm3["WT"] == (patients[1].reference_kji > 0).sum()
    assert result.true_mm3["WT"] == result.true_mm3["TC"] + result.true_mm3["ED"]


def test_a_speck_of_enhancement_where_there_is_none_counts_as_nothing(patients):
    result = score_patient(patients[0], DEFAULT)
    assert not result.enhances
    assert result.regions[Region.ET].dice == 0
    assert result.regions[Region.ET].hd95_mm == WORST_HAUSDORFF_MM


def test_choosing_finds_the_least_total(found, patients):
    """Twelve voxels of false enhancement go, with the patient judged having no say in it."""
    assert found.tuning is not None
    assert found.tuning.gain > 0.05
    without = [one for one in found.tuning.scores if not one.enhances]
    assert [one.regions[Region.ET].dice for one in without] == [1.0] * len(without)
    et = 2
    chosen = found.tuning.settings
    assert max(chosen.min_total_mm3[et], chosen.min_component_mm3[et], chosen.min_peak[et]) > 0
    assert found.scores is found.tuning.scores


def test_the_table_of_choices_is_what_the_labels_give(patients):
    grid = choices(DEFAULT)
    table = dice_table(patients[:3], grid)
    for row, patient in enumerate(patients[:3]):
        result = score_patient(patient, DEFAULT)
        for region, dice in result.regions.items():
            assert table[region][row, 0] == pytest.approx(dice.dice)


def test_a_patient_has_no_part_in_its_own_choice():
    grid = choices(DEFAULT)
    tables = {region: np.full((3, len(options)), 0.5) for region, options in grid.items()}
    tables[Region.ET][0, 5] = 1.0
    assert best_choice(tables[Region.ET], Region.ET) == 5
    assert chosen_settings(tables, grid) != DEFAULT
    assert settings_without("a", tables, grid, patients=["a", "b", "c"]) == DEFAULT


def test_the_default_stays_where_little_is_gained():
    means = np.full((1, 1 + math.prod(GRID[Region.ET].shape)), 0.9)
    means[0, 7] = 0.904
    assert best_choice(means, Region.ET) == 0
    means[0, 7] = 0.906
    assert best_choice(means, Region.ET) == 7


def test_of_choices_that_do_as_well_the_middle_one_is_taken():
    """A plateau of thresholds 0.4 to 0.6, with a peak a hair higher at its edge."""
    shape = GRID[Region.WT].shape
    grid = np.full(shape, 0.5)
    grid[1:4] = 0.8
    grid[3, 0, 0, 0] = 0.804
    found = best_choice(np.concatenate([[0.5], grid.ravel()])[None], Region.WT)
    choice = list(GRID[Region.WT])[found - 1]
    assert choice.threshold == 0.5
    grid[3, 0, 0, 0] = 0.81  # more than chance
    found = best_choice(np.concatenate([[0.5], grid.ravel()])[None], Region.WT)
    assert list(GRID[Region.WT])[found - 1].threshold == 0.6


@pytest.mark.parametrize("region", list(Region))
def test_every_choice_is_a_setting(region):
    axes = GRID[region]
    assert len(list(axes)) == math.prod(axes.shape) <= 420
    default = choices(DEFAULT)[region][0]
    alike = [c for c in axes if c == default]
    assert len(alike) == 1  # what nobody tuned lies on the grid too


@pytest.mark.parametrize("patient", [0, 1, 2])
def test_the_table_agrees_with_the_labels_for_other_choices(patients, patient):
    """Also where doubtful enhancement is dropped, and the core's threshold is another."""
    settings = PostprocessSettings(
        (0.6, 0.4, 0.7), (20.0, 50.0, 10.0), (0.0, 500.0, 100.0), 0.8, (0.0, 0.9, 0.95)
    )
    table = dice_table([patients[patient]], choices(settings))
    scores = score_patient(patients[patient], settings)
    for region, one in scores.regions.items():
        assert table[region][0, 0] == pytest.approx(one.dice)


def test_a_region_changes_only_where_patients_left_out_gain():
    """ET gains in every patient, TC in one alone, whom the others cannot help."""
    grid = choices(DEFAULT)
    tables = {region: np.full((5, len(options)), 0.5) for region, options in grid.items()}
    tables[Region.ET][:, 3] = 0.9
    tables[Region.TC][0, 4] = 1.0
    tables[Region.TC][1:, 4] = 0.4
    regions = regions_that_gain(tables, "abcde")
    assert regions == {Region.ET}
    chosen = chosen_settings(tables, grid, regions)
    assert chosen.thresholds[:2] == DEFAULT.thresholds[:2]
    assert chosen.min_component_mm3[:2] == DEFAULT.min_component_mm3[:2]


def test_overconfidence_is_found_and_mended():
    patients = [made_up_patient(seed, error=2.0) for seed in range(20)]
    found = fit_reliability([count_codes(one) for one in patients], [one.name for one in patients])
    wt = 1
    assert found.error_after[wt] < found.error_before[wt]
    assert found.scaling.slope[wt] < 1
    for said, true, voxels in found.diagram_after[wt]:
        assert voxels > 0
        assert abs(said - true) < 0.15


def test_a_calibrated_answer_is_left_alone():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.02, 0.98, (3, 60, 60, 60))
    truth = np.zeros(p.shape[1:], np.uint8)
    truth[rng.random(truth.shape) < p[1]] = 2
    patient = made_up_patient(0)
    codes = codes_of(p)
    one = type(patient)("x", patient.conditions, codes, truth, (1.0, 1.0, 1.0), {})
    found = fit_reliability([count_codes(one), count_codes(one)], ["a", "b"])
    assert found.error_before[1] < 0.01
    assert found.scaling.slope[1] == pytest.approx(1, abs=0.03)
    assert found.scaling.bias[1] == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(("scans", "draws"), [(1, 60), (2, 30)])
def test_choosing_among_equals_gains_nothing_on_average(scans, draws):
    """Every choice is as good in truth: what is reported must not be the luck of the choice.

    Two like scans of a patient must not choose for each other: that would gain 0.4.
    """
    rng = np.random.default_rng(11)
    grid = choices(DEFAULT)
    patients = [str(n // scans) for n in range(6 * scans)]
    gains = []
    for _ in range(draws):
        tables = {
            region: rng.binomial(1, 0.5, (6, len(options))).astype(float).repeat(scans, axis=0)
            for region, options in grid.items()
        }
        for one, patient in enumerate(patients):
            chosen = choices(settings_without(patient, tables, grid, patients=patients))
            for region, table in tables.items():
                gains.append(table[one, grid[region].index(chosen[region][0])] - table[one, 0])
    assert abs(np.mean(gains)) < 0.08


def test_a_brain_without_tumour_has_no_say_in_what_it_is_labelled_by(patients):
    """It has a say for the others, and they alone decide for it."""
    normal = replace(patients[0], name="N0", reference_kji=np.zeros_like(patients[0].reference_kji))
    enhancing = [one for n, one in enumerate(patients) if n % 4]
    found = cross_validate(
        enhancing, DEFAULT, fold_of={one.name: "a" for one in enhancing}, tune=True, normal=[normal]
    )
    alone = cross_validate(
        enhancing, DEFAULT, fold_of={one.name: "a" for one in enhancing}, tune=True
    )
    assert found.tuning.normal == (alone.tuning.settings,)
    assert found.tuning.settings != alone.tuning.settings


def test_scans_of_one_patient_are_one_patient(patients):
    """Twice the scans are no more patients, and tell no more."""
    names = [f"BraTS-GLI-{n:05}" for n in range(12)]
    twice = [
        replace(one, name=f"{name}-{scan:03}")
        for scan in range(2)
        for name, one in zip(names, patients, strict=True)
    ]
    fold_of = {one.name: FOLD_OF[f"P{n % 12:02}"] for n, one in enumerate(twice)}
    found = cross_validate(twice, DEFAULT, fold_of=fold_of, tune=False)
    once = cross_validate(patients, DEFAULT, fold_of=FOLD_OF, tune=False)
    document = cross_report.as_document(found, {})
    assert (document["patients"], document["scans"]) == (12, 24)
    assert document["mean"] == cross_report.as_document(once, {})["mean"]
    assert found.reliability.error_after == pytest.approx(once.reliability.error_after)
    assert found.typical.model.limit == pytest.approx(once.typical.model.limit, rel=0.05)
    assert found.typical.false_flags == once.typical.false_flags


def test_scaling_is_judged_on_patients_without_a_part_in_it():
    """One patient is told the opposite: no fit to the others mends that, and one with it might."""
    codes = codes_of(np.full((3, 20, 20, 20), 0.7))
    rng = np.random.default_rng(2)

    def patient(share):
        one = made_up_patient(0)
        labels = np.where(rng.random(codes.shape[1:]) < share, 2, 0).astype(np.uint8)
        return count_codes(type(one)("x", one.conditions, codes, labels, (1.0, 1.0, 1.0), {}))

    counts = [patient(0.9), patient(0.1)]
    wt = 1
    together = fit_reliability(counts, ["a", "a"])
    apart = fit_reliability(counts, ["a", "b"])
    assert apart.error_after[wt] > 0.7
    assert apart.scaling == together.scaling


def test_too_few_patients_promise_nothing(patients):
    few = cross_validate(patients[:4], DEFAULT, fold_of=FOLD_OF, tune=False)
    assert few.ranges is None
    assert cross_report.calibration_section(few) is None
    assert few.scores is few.default


def test_the_sections_are_what_a_card_can_hold(found):
    section = json.loads(json.dumps(cross_report.calibration_section(found)))
    calibration = Calibration.from_card({"calibration": section})
    assert calibration is not None
    assert calibration.scaling.slope == pytest.approx(found.reliability.scaling.slope, abs=1e-4)
    assert calibration.familiarity is not None
    volume = section["volume"]
    assert (volume["patients"], volume["scans"], volume["voxel_mm"]) == (12, 12, 1.0)
    for one in volume["regions"].values():
        # The rank of 90 % among 12 is the twelfth.
        assert one["out_of_fold"]["covered"] == 12
        assert 8 <= one["other_folds"]["covered"] <= 12
        assert one["other_folds"]["shown_covered"] <= one["other_folds"]["shown"] <= 12
    settings = PostprocessSettings.from_card({"postprocess": found.tuning.settings.as_section()})
    assert settings == found.tuning.settings


def test_document_separates_patients_with_and_without_enhancement(found):
    document = json.loads(json.dumps(cross_report.as_document(found, {}), allow_nan=False))
    mean = document["mean"]
    assert mean["ET"]["dice"]["patients"] == 12
    assert mean[ET_PRESENT]["dice"]["patients"] == 9
    assert mean[ET_ABSENT]["dice"] == {
        "mean": 1.0,
        "low": 1.0,
        "high": 1.0,
        "patients": 3,
    }
    assert document["tuning"]["default"][ET_ABSENT]["dice"]["mean"] == 0
    assert mean["WT"]["dice"]["low"] < mean["WT"]["dice"]["mean"] < mean["WT"]["dice"]["high"]
    assert set(document["cases"]) == {f"P{n:02}" for n in range(12)}


def test_bootstrap_interval_is_that_of_the_mean():
    values = list(np.random.default_rng(1).normal(0.8, 0.1, 50))
    names = [str(n) for n in range(50)]
    mean = bootstrap_mean(values, names)
    assert mean.value == pytest.approx(np.mean(values))
    error = np.std(values) / np.sqrt(50)
    assert mean.low == pytest.approx(mean.value - 1.96 * error, abs=0.3 * error)
    assert mean.high == pytest.approx(mean.value + 1.96 * error, abs=0.3 * error)
    assert bootstrap_mean(values, names) == mean
    assert bootstrap_mean([], []) is None


def test_bootstrap_draws_patients_with_all_their_scans():
    values = list(np.random.default_rng(0).beta(8, 2, 20))
    names = [str(n) for n in range(20)]
    once = bootstrap_mean(values, names)
    twice = bootstrap_mean(values * 2, names * 2)
    assert twice.patients == 20
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))
