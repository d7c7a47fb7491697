"""A study of a batch as a row of its table, and which one to check next."""

from dataclasses import replace

import pytest

from tests.batch_scene import ACCEPTED, CASES, DONE, FAILED, REJECTED, WARNED
from ui.presenters.batch_rows import next_to_check, row_of
from ui.views.batch_view import Review


@pytest.mark.parametrize(
    ("case", "reviews", "style"),
    [
        (CASES[0], {Review.ALL}, ""),
        (FAILED, {Review.ALL, Review.FAILED}, "poor"),
        (DONE, {Review.ALL, Review.DONE, Review.TO_CHECK}, "good"),
        (WARNED, {Review.ALL, Review.DONE, Review.TO_CHECK}, "fair"),
        # To correct is not to accept.
        (replace(WARNED, corrected=True), {Review.ALL, Review.DONE, Review.TO_CHECK}, "fair"),
        (replace(WARNED, review=ACCEPTED), {Review.ALL, Review.DONE, Review.ACCEPTED}, "good"),
        (replace(DONE, review=REJECTED), {Review.ALL, Review.DONE, Review.REJECTED}, "poor"),
    ],
)
def test_what_nobody_has_accepted_or_rejected_is_to_check(case, reviews, style):
    row = row_of(case, "ward")
    assert (row.reviews, row.style) == (reviews, style)
    assert row.is_warned is bool(case.warnings)


def test_the_table_says_what_was_said_of_a_result():
    rejected = replace(DONE, review=REJECTED, review_reason="sinus", warnings=("No T1.",))
    row = row_of(rejected, "ward")
    assert (row.state, row.message) == ("done, rejected", "Rejected: sinus. No T1.")


def test_results_with_warnings_are_checked_first_then_round_again():
    cases = [replace(DONE, name="a"), replace(WARNED, name="b"), FAILED, replace(WARNED, name="c")]
    order = ["b"]
    for _ in range(3):
        order.append(next_to_check(cases, order[-1]))
    assert order == ["b", "c", "a", "b"]
    cases[3] = replace(cases[3], review=REJECTED)
    assert next_to_check(cases, "b") == "a"
    assert next_to_check(cases, FAILED.name) == "b"
    assert next_to_check(cases[:1], "a") is None
