"""The self-test notices what it is there to notice."""

from dataclasses import replace

import numpy as np
import pytest

from desktop_app.domain.volume import Volume
from desktop_app.services.selftest import compare_with_truth, dice
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study

SHAPE = GEOMETRY.shape_kji


def nested_labels() -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 0:3, 0:3] = 2
    labels[1:3, 0:2, 0:2] = 3
    labels[1, 0, 0] = 1
    return labels


def verdicts(labels: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]) -> dict[str, bool]:
    truth = Volume(nested_labels(), GEOMETRY)
    checks = compare_with_truth(make_result(make_study(), labels), truth)
    return {check.name: check.passed for check in checks}


def test_the_truth_itself_passes() -> None:
    assert verdicts(nested_labels()) == {"grid": True, "WT": True, "TC": True, "ET": True}


@pytest.mark.parametrize("axis", [1, 2])
def test_a_mirrored_result_fails(axis: int) -> None:
    found = verdicts(np.ascontiguousarray(np.flip(nested_labels(), axis)))
    assert found["grid"]
    assert not found["WT"]
    assert not found["ET"]


def test_nothing_found_fails() -> None:
    assert not any(
        passed for name, passed in verdicts(np.zeros(SHAPE, np.uint8)).items() if name != "grid"
    )


def test_labels_that_are_too_large_fail() -> None:
    assert not verdicts(np.full(SHAPE, 2, np.uint8))["WT"]


def test_another_grid_fails() -> None:
    shifted = GEOMETRY.affine_lps_mm.copy()
    shifted[0, 3] += 1
    truth = Volume(nested_labels(), replace(GEOMETRY, affine_lps_mm=shifted))
    checks = list(compare_with_truth(make_result(make_study(), nested_labels()), truth))
    assert [(check.name, check.passed) for check in checks] == [("grid", False)]


def test_overlap() -> None:
    a = np.array([True, True, False, False])
    assert dice(a, np.array([True, False, True, False])) == 0.5
    assert dice(a, ~a) == 0.0
    assert dice(~a & a, ~a & a) == 1.0
