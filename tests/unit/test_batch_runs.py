"""Batches begin, stop, go on and keep watching; nothing else waits for them."""

import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.errors import Cancelled, InputError
from desktop_app.services.batch import (
    BatchOptions,
    BatchOutcome,
    CaseState,
)
from desktop_app.services.case import CaseOptions
from desktop_app.services.segmenting.segment import SegmentOptions
from tests.batch_scene import CASES, DONE, FAILED, batch_scene


@pytest.fixture
def scene():
    with batch_scene() as made:
        yield made


def test_stopping_leaves_the_batch_ready_to_go_on(scene):
    presenter, view, batch, _, _, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()

    def run(progress, token):
        while True:
            token.raise_if_cancelled()

    batch.run.side_effect = run
    presenter.start()
    assert "being segmented" in presenter.what_runs
    presenter.stop()
    settle()
    status = view.show_status.call_args.args[0]
    assert status.can_start
    assert not status.running


def test_a_run_holds_up_no_study_in_the_window(scene):
    presenter, _, batch, _, _, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    runs, release = threading.Event(), threading.Event()

    def run(progress, token):
        runs.set()
        assert release.wait(10)
        return BatchOutcome(CASES, Path("summary.csv"))

    batch.run.side_effect = run
    presenter.start()
    assert runs.wait(10)
    try:
        single = presenter.lanes.submit(lambda *_: None, lambda _: None)
        assert single.wait(10)
    finally:
        release.set()
    settle()


def test_a_start_goes_by_what_is_chosen_then(scene):
    presenter, _, batch, _, _, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    batch.run.return_value = BatchOutcome(CASES, Path("summary.csv"))
    chosen = BatchOptions(CaseOptions(SegmentOptions("cpu", "fp32", "heavier")))
    presenter.wanted.return_value = chosen
    presenter.start()
    settle()
    batch.use.assert_called_once_with(chosen)
    presenter.start(again=True)
    settle()
    batch.use.assert_called_with(replace(chosen, resume=False))


def test_another_network_puts_what_is_done_out_of_date(scene):
    presenter, view, batch, _, listener, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    batch.cases = (DONE,)
    listener[0](DONE)
    settle()
    assert not view.show_status.call_args.args[0].can_start
    presenter.wanted.return_value = BatchOptions(CaseOptions(SegmentOptions(model_name="heavier")))
    presenter.show_options()
    status = view.show_status.call_args.args[0]
    assert status.can_start
    assert "Another network was chosen" in status.text


def test_states_that_a_run_lists_anew_are_shown_at_once(scene):
    presenter, view, batch, _, _, settle = scene
    batch.cases = batch.find.return_value = (DONE, FAILED)
    presenter.choose_folders(Path("in"), Path("out"))
    settle()

    def run(progress, token):
        batch.cases = CASES
        progress(0.0, "one: Segmenting")
        return BatchOutcome(CASES, Path("summary.csv"))

    batch.run.side_effect = run
    presenter.start()
    settle()
    shown = [call.args for call in view.show_case.call_args_list]
    assert [(index, row.state) for index, row in shown] == [(0, "pending"), (1, "pending")]


def test_watching_runs_beside_single_studies_until_it_is_stopped(scene):
    presenter, view, batch, _, _, settle = scene
    waiting = threading.Event()

    def watch(progress, token):
        batch.cases = (*CASES, CaseState("three", "3"))
        progress(0.0, "Waiting for new studies")
        waiting.set()
        with suppress(Cancelled):
            token.wait(10)

    batch.watch.side_effect = watch
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    presenter.start(keep_watching=True)
    assert waiting.wait(10)
    assert "watched" in presenter.what_runs
    presenter.stop()
    settle()
    assert not presenter.what_runs
    told = [call.args[0] for call in view.show_status.call_args_list]
    assert "0 of 3 studies finished · Waiting for new studies." in [one.text for one in told]
    assert all(one.seconds_left is None for one in told)
    assert [row.name for row in view.show_cases.call_args.args[0]] == ["one", "two", "three"]
    assert not presenter.running
    batch.run.assert_not_called()


def test_an_empty_folder_can_be_watched(scene):
    presenter, view, batch, _, _, settle = scene
    batch.cases = ()
    batch.find.side_effect = InputError("The folder is empty.", "in", "Choose another.")
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    view.show_error.assert_called_once()
    status = view.show_status.call_args.args[0]
    assert status.can_watch
    assert not status.can_start


@pytest.mark.parametrize("is_started", [False, True])
def test_a_look_that_ended_without_studies_is_not_called_unfinished(scene, is_started):
    presenter, view, batch, _, _, settle = scene
    batch.cases = batch.find.return_value = ()
    if is_started:
        batch.find.side_effect = Cancelled
        batch.run.side_effect = InputError("The folder is empty.", "in", "Choose another.")
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    if is_started:
        assert "not looked for" in view.show_status.call_args.args[0].text
        presenter.start()
        settle()
    status = view.show_status.call_args.args[0]
    assert "not looked for" not in status.text
    assert not status.can_start


def test_listing_that_is_stopped_leaves_a_page_that_starts(scene):
    presenter, view, batch, _, _, settle = scene
    batch.cases = ()
    looks = threading.Event()

    def find(progress, token):
        looks.set()
        token.wait(10)
        token.raise_if_cancelled()

    batch.find.side_effect = find
    presenter.choose_folders(Path("in"), Path("out"))
    assert looks.wait(10)
    presenter.stop()
    settle()
    status = view.show_status.call_args.args[0]
    assert (status.running, status.can_start, status.can_watch) == (False, True, True)
    assert "not looked for to the end" in status.text
    batch.cases = CASES
    batch.run.return_value = BatchOutcome(CASES, Path("summary.csv"))
    presenter.start()
    settle()
    assert [row.name for row in view.show_cases.call_args.args[0]] == ["one", "two"]
    assert "not looked for" not in view.show_status.call_args.args[0].text
