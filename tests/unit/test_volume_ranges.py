"""Ranges of volumes keep their promise to patients that no network of theirs has read."""

import math

import numpy as np
import pytest

from model.calibration import MEASURED_REGIONS, WIDEST_FACTOR
from model.evaluate.volume_ranges import OFFSET_MM3, MeasuredVolume, RegionRange, fit_ranges


def measured(error: float, *, undecided: float = 0.0, true_mm3: float = 20_000.0) -> MeasuredVolume:
    """Return a volume that is off by a difference of logarithms."""
    volume_mm3 = (true_mm3 + OFFSET_MM3) * math.exp(-error) - OFFSET_MM3
    return MeasuredVolume(max(0.0, volume_mm3), true_mm3, undecided)


def fitted(
    volumes: list[MeasuredVolume], folds: list[str], patients: list[str] | None = None
) -> RegionRange:
    found = fit_ranges(
        [dict.fromkeys(MEASURED_REGIONS, one) for one in volumes],
        folds,
        patients or [str(n) for n in range(len(volumes))],
    )
    assert found is not None
    return found["WT"]


def drawn(rng: np.random.Generator, count: int) -> list[MeasuredVolume]:
    """Return errors that grow with the doubt."""
    doubts = rng.uniform(0, 0.3, count)
    return [
        measured(rng.normal(0, 0.05 + doubt), undecided=doubt, true_mm3=rng.uniform(2_000, 80_000))
        for doubt in doubts
    ]


def test_ranges_hold_what_they_promise() -> None:
    """About 90 % of new patients lie inside, wide or narrow."""
    rng = np.random.default_rng(5)
    found = fitted(drawn(rng, 60), ["abc"[n % 3] for n in range(60)])
    assert found.doubt.gain > 0
    assert 48 <= found.other_folds.covered <= 60
    inside = [
        abs(one.error) <= found.doubt.log_half_width(one.undecided) for one in drawn(rng, 400)
    ]
    assert 0.82 <= np.mean(inside) <= 0.98


def test_the_multiple_is_that_of_errors_out_of_fold() -> None:
    """What the other fold expects of the worse network is a fifth of what it does."""
    errors = {"a": 0.1, "b": 0.5}
    folds = ["a"] * 10 + ["b"] * 10
    found = fitted([measured(errors[fold]) for fold in folds], folds)
    # No doubt, so that half of the mean error is expected: 0.05 by fold a, 0.25 by fold b.
    assert found.doubt.floor == pytest.approx(0.15)
    assert found.doubt.quantile == pytest.approx(errors["b"] / 0.05)
    assert found.out_of_fold.covered == 20
    # Of one fold alone its own expectation is held against itself, and says twice.
    assert found.other_folds.covered == 10
    assert found.other_folds.median_factor == pytest.approx(math.exp((0.1 + 0.5) / 2), abs=0.01)


def test_a_fold_whose_network_errs_otherwise_is_not_covered() -> None:
    """Patient by patient all but the worst would be; another network's errors are larger."""
    rng = np.random.default_rng(3)
    folds = ["a"] * 10 + ["b"] * 10
    alike = fitted([measured(rng.normal(0, 0.05)) for _ in folds], folds)
    unlike = fitted([measured(rng.normal(0, 0.05 if one == "a" else 0.8)) for one in folds], folds)
    assert alike.other_folds.covered >= 16
    assert unlike.other_folds.covered <= 14
    # What is shipped knows of both.
    assert unlike.out_of_fold.covered >= 19


def test_ranges_nobody_would_be_shown_are_counted_apart() -> None:
    errors = [0.02 * n for n in range(30)]
    undecided = [0.0] * 20 + [60.0] * 10
    volumes = [measured(e, undecided=u) for e, u in zip(errors, undecided, strict=True)]
    found = fitted(volumes, ["abc"[n % 3] for n in range(30)])
    too_wide = [
        found.doubt.log_half_width(one.undecided) > math.log(WIDEST_FACTOR) for one in volumes
    ]
    assert too_wide == [False] * 20 + [True] * 10
    assert found.shown == found.out_of_fold.shown == 20
    assert found.out_of_fold.shown_covered == found.out_of_fold.covered - 10


def test_several_scans_of_a_patient_are_one_patient() -> None:
    """Else every patient's scans would vouch for each other, and the rank would be too low."""
    rng = np.random.default_rng(8)
    volumes = [measured(error) for error in rng.normal(0, 0.3, 20)]
    folds = ["a", "b"] * 10
    once = fitted(volumes, folds)
    twice = fitted(volumes * 2, folds * 2, [str(n) for n in range(20)] * 2)
    assert twice.doubt.quantile == pytest.approx(once.doubt.quantile)
    with_a_worse = fitted(
        [*volumes, measured(3.0)], [*folds, folds[0]], [*map(str, range(20)), "0"]
    )
    assert with_a_worse.doubt.quantile > once.doubt.quantile


def test_one_network_or_few_patients_promise_nothing() -> None:
    volumes = [dict.fromkeys(MEASURED_REGIONS, measured(0.1))] * 20
    names = [str(n) for n in range(20)]
    assert fit_ranges(volumes, ["a"] * 20, names) is None
    assert fit_ranges(volumes, ["a", "b"] * 10, [str(n % 9) for n in range(20)]) is None
