"""The presenter of a batch: studies are listed, opened, and what is exported is noted."""

import threading
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from desktop_app.domain.study import RoleProposal, Sequence
from desktop_app.errors import OutputError
from desktop_app.services.batch import (
    BatchOutcome,
    CaseState,
    CaseStatus,
)
from desktop_app.services.results.saved_results import SavedResults
from tests.batch_scene import CASES, DONE, FAILED, batch_scene
from tests.study_cases import make_study
from ui.presenters import batch_presenter
from ui.views.batch_view import Figure


@pytest.fixture
def scene():
    with batch_scene() as made:
        yield made


def test_lists_the_studies_of_a_folder(scene):
    presenter, view, *_, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    assert presenter.running
    assert not presenter.what_runs
    settle()
    view.show_folders.assert_called_once_with("in", "out")
    rows = view.show_cases.call_args.args[0]
    assert [(row.name, row.state, row.where) for row in rows] == [
        ("one", "pending", "ward"),
        ("two", "pending", "ward"),
    ]
    status = view.show_status.call_args.args[0]
    assert status.text == "0 of 2 studies finished."
    assert status.can_start
    assert not status.running


@pytest.mark.parametrize("is_stopped", [False, True])
def test_where_results_go_is_found_out_beside_the_window(scene, monkeypatch, is_stopped):
    presenter, view, *_, settle = scene
    asked = []

    def propose(root, _home):
        asked.append(threading.current_thread())
        return root.with_name("proposed")

    monkeypatch.setattr(batch_presenter, "proposed_output", propose)
    presenter.choose_folders(Path("in"), None)
    assert presenter.running
    if is_stopped:
        presenter.stop()
    settle()
    settle()
    assert threading.main_thread() not in asked
    if is_stopped:
        view.show_folders.assert_not_called()
    else:
        view.show_folders.assert_called_once_with("in", "proposed")
        assert len(view.show_cases.call_args.args[0]) == 2
    assert not presenter.running


def test_what_cannot_be_segmented_is_told_before_the_start(scene):
    presenter, view, batch, _, listener, settle = scene
    t2_alone = make_study(name="two", roles={Sequence.T2: RoleProposal("t1c", 0.9, "Named.")})
    whole = batch.study.side_effect
    batch.study.side_effect = lambda name: t2_alone if name == "two" else whole(name)
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    one, two = view.show_cases.call_args.args[0]
    assert (one.state, one.style) == ("pending", "")
    assert one.message == "Without T1c and T2: the result will be less certain."
    assert (two.state, two.style) == ("not possible", "poor")
    assert two.message.startswith("Cannot be segmented: that takes T1c or FLAIR")
    status = view.show_status.call_args.args[0]
    assert status.text == "0 of 2 studies finished, 1 cannot be segmented."
    batch.cases = (DONE, FAILED)
    for case in batch.cases:
        listener[0](case)
    settle()
    assert view.show_case.call_args.args[1].message == "What. Where. Remedy."
    presenter.show_options()
    status = view.show_status.call_args.args[0]
    assert status.text == "2 of 2 studies finished, 1 failed."


def test_a_failure_is_counted_and_its_reason_shown(scene):
    presenter, view, batch, _, _, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    batch.cases = (DONE, FAILED)
    batch.run.return_value = BatchOutcome(batch.cases, Path("summary.csv"))
    presenter.start()
    settle()
    done, failed = view.show_cases.call_args.args[0]
    assert (done.whole_tumour, done.enhancing) == (Figure("34.56", 34_560.0), Figure("0.04", 40.0))
    assert (done.seconds, done.core) == (Figure("12 s", 12.0), Figure())
    assert (failed.style, failed.message) == ("poor", "What. Where. Remedy.")
    assert view.show_status.call_args.args[0].text == "2 of 2 studies finished, 1 failed."


def test_a_change_of_one_study_changes_its_row(scene):
    presenter, view, batch, _, listener, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    running = CaseState("two", "2", CaseStatus.RUNNING, fraction=0.25, stage="Segmenting")
    batch.cases = (CASES[0], running)
    listener[0](running)
    settle()
    index, row = view.show_case.call_args.args
    assert (index, row.state, row.message) == (1, "25 %", "Segmenting")


def test_every_study_opens_with_its_result_or_its_images(scene):
    presenter, _, batch, opened, _, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    batch.cases = (DONE, FAILED)
    presenter.open("two")
    study, folder = opened.images.call_args.args
    assert (study.name, folder) == ("two", Path("out/two"))
    opened.result.assert_not_called()
    presenter.open("one")
    study, folder = opened.result.call_args.args
    assert (study.name, folder) == ("one", Path("out/one"))
    batch.cases = CASES
    presenter.open("one")
    assert opened.images.call_args.args[1] == Path("out/one")
    opened.result.assert_called_once()


def test_a_study_that_came_late_gets_a_row_and_the_right_one_opens(scene):
    presenter, view, batch, opened, listener, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    batch.cases = (CaseState("late", "0"), DONE, CASES[1])
    listener[0](DONE)
    settle()
    assert [row.name for row in view.show_cases.call_args.args[0]] == ["late", "one", "two"]
    presenter.open(presenter.name_of(1))
    assert opened.result.call_args.args[0].name == "one"


def test_of_a_study_without_labels_on_disk_the_images_open(scene):
    presenter, _, batch, opened, _, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    batch.cases = (replace(DONE, files=("report.pdf",)), CASES[1])
    presenter.open("one")
    opened.result.assert_not_called()
    opened.images.assert_called_once()


def test_a_corrected_result_is_told_in_the_table(scene, monkeypatch):
    presenter, view, batch, _, listener, settle = scene
    corrected = replace(DONE, corrected=True, notes=("Kept aside.",))
    done = threading.Event()
    monkeypatch.setattr(batch_presenter, "note_export", lambda *_: corrected)

    def take_in(state):
        batch.cases = (state, CASES[1])
        listener[0](state)
        done.set()

    batch.take_in.side_effect = take_in
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    for folder in (Path("elsewhere/one"), Path("out/one")):
        presenter.note_export(MagicMock(), SavedResults(folder, ()))
    assert done.wait(10)
    settle()
    batch.expected.assert_called_once_with("one")
    batch.take_in.assert_called_once_with(corrected)
    row = view.show_case.call_args.args[1]
    assert (row.state, row.message) == ("done, corrected", "Kept aside.")


def test_what_cannot_be_noted_is_told(scene, monkeypatch):
    presenter, view, *_ = scene
    error, told = OutputError("What.", "Where.", "Remedy."), threading.Event()
    monkeypatch.setattr(batch_presenter, "note_export", MagicMock(side_effect=error))
    presenter.notes._dispatch = lambda act: (act(), told.set())
    presenter.note_export(MagicMock(), SavedResults(Path("out/one"), ()))
    assert told.wait(10)
    view.show_error.assert_called_once_with(error)


def test_a_study_that_a_watch_no_longer_lists_does_no_harm(scene):
    presenter, view, batch, opened, _, settle = scene
    batch.study.side_effect = KeyError
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    presenter.open("one")
    assert not opened.mock_calls
    assert [row.where for row in view.show_cases.call_args.args[0]] == ["", ""]
    view.show_crash.assert_not_called()
