"""A person accepts or rejects results: states and summary of the batch tell it."""

from dataclasses import replace
from datetime import datetime

import pytest

from desktop_app.errors import OutputError
from desktop_app.services.batch import BatchOptions, CaseState, ReviewState, note_review
from desktop_app.services.batch import reviewed as reviewed_module
from desktop_app.services.batch.records import read_state, write_state
from desktop_app.services.case import CaseOptions
from desktop_app.services.results.saved_results import ExportOptions
from tests.batch_cases import Stage
from tests.services.test_batch_corrected import export_corrected

ACCEPTED, REJECTED, OPEN = ReviewState.ACCEPTED, ReviewState.REJECTED, ReviewState.OPEN
COLUMNS = ("review", "reviewed_at", "review_reason")


def reviewed(stage: Stage, review: ReviewState, reason: str = "") -> CaseState:
    state = note_review(stage.output, stage.studies[0], review, reason)
    assert state is not None
    return state


def test_the_summary_tells_what_was_accepted_and_rejected_and_when(stage: Stage) -> None:
    stage.batch().run()
    assert tuple(stage.summary()[0])[-3:] == COLUMNS
    assert [stage.summary()[0][name] for name in COLUMNS] == ["open", "", ""]
    reviewed(stage, REJECTED, " sinus taken\nfor tumour ")
    first, *others = stage.summary()
    assert (first["review"], first["review_reason"]) == ("rejected", "sinus taken for tumour")
    assert datetime.fromisoformat(first["reviewed_at"]).tzinfo is not None
    assert {row["review"] for row in others} == {"open"}
    reviewed(stage, ACCEPTED)
    assert (stage.summary()[0]["review"], stage.summary()[0]["review_reason"]) == ("accepted", "")


def test_what_was_said_stays_until_the_study_is_done_anew(stage: Stage) -> None:
    stage.batch().run()
    reviewed(stage, ACCEPTED)
    again = stage.batch()
    again.run()
    assert again.cases[0].review is ACCEPTED
    assert stage.summary()[0]["review"] == "accepted"
    stage.batch(BatchOptions(resume=False)).run()
    assert stage.summary()[0]["review"] == "open"
    assert stage.summary()[0]["reviewed_at"] == ""


def test_a_batch_that_is_open_takes_the_word_in(stage: Stage) -> None:
    batch = stage.batch()
    batch.run()
    batch.take_in(reviewed(stage, ACCEPTED))
    assert batch.cases[0].review is ACCEPTED
    assert stage.told[-1].review is ACCEPTED


@pytest.mark.parametrize(("is_changed", "then"), [(True, OPEN), (False, ACCEPTED)])
def test_other_labels_ask_for_a_word_again(
    stage: Stage, is_changed: bool, then: ReviewState
) -> None:
    case = stage.batch().run().cases[0]
    if not is_changed:
        export_corrected(stage, case)
    reviewed(stage, ACCEPTED)
    export_corrected(stage, case)
    kept = read_state(stage.output, case.name)
    assert kept is not None
    assert kept.review is then


def test_no_word_is_taken_of_a_study_without_a_result(stage: Stage) -> None:
    study = stage.studies[0]
    assert note_review(stage.output, study, ACCEPTED) is None
    batch = stage.batch()
    batch.run()
    write_state(stage.output, replace(batch.expected(study.name) or batch.cases[0]))
    assert note_review(stage.output, study, ACCEPTED) is None


def test_a_reason_names_nobody_where_names_are_left_out(stage: Stage) -> None:
    options = BatchOptions(CaseOptions(export=ExportOptions(anonymise=True)))
    batch = stage.batch(options)
    name = batch.run().cases[0].name
    study = batch.study(name)
    study = replace(study, patient=replace(study.patient, name="Mustermann^Anna"))
    state = note_review(stage.output, study, REJECTED, "Mustermann moved")
    assert state is not None
    assert "Mustermann" not in state.review_reason
    assert "moved" in state.review_reason
    (row,) = (row for row in stage.summary() if row["study"] == name)
    assert row["review_reason"] == state.review_reason


def test_what_cannot_be_kept_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.batch().run()

    def refuse(*_: object) -> None:
        raise OutputError("What.", "Where.", "Remedy.")

    monkeypatch.setattr(reviewed_module, "write_state", refuse)
    with pytest.raises(OutputError):
        reviewed(stage, ACCEPTED)
    assert stage.summary()[0]["review"] == "open"
