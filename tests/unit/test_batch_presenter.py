import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import InstanceRef, RoleProposal, Sequence
from desktop_app.errors import Cancelled, InputError, OutputError
from desktop_app.jobs.runner import JobRunner
from desktop_app.services.batch import (
    Batch,
    BatchOptions,
    BatchOutcome,
    CaseState,
    CaseStatus,
    ReviewState,
)
from desktop_app.services.case import CaseOptions
from desktop_app.services.saved_results import SavedResults
from desktop_app.services.segment import SegmentOptions
from tests.study_cases import make_series, make_study
from ui.presenters import batch_presenter
from ui.presenters.batch_presenter import BatchPresenter
from ui.presenters.batch_rows import next_to_check, row_of
from ui.views.batch_view import BatchView, Figure, Review

CASES = (CaseState("one", "1"), CaseState("two", "2"))
DONE = CaseState(
    "one",
    "1",
    CaseStatus.DONE,
    seconds=12.0,
    volumes_mm3={Region.WT: 34_560.0, Region.ET: 40.0},
    files=("segmentation.nii.gz", "measurements.json"),
)
WARNED = replace(DONE, warnings=("No tumour found.",))
ACCEPTED, REJECTED = ReviewState.ACCEPTED, ReviewState.REJECTED
FAILED = CaseState("two", "2", CaseStatus.FAILED, reason="What.\nWhere.\nRemedy.", seconds=1.0)


@pytest.fixture
def scene():
    runner = JobRunner()
    view = MagicMock(spec=BatchView)
    batch = MagicMock(spec=Batch)
    batch.find.return_value = batch.cases = CASES
    batch.root, batch.output = Path("in"), Path("out")
    batch.options = BatchOptions()
    files = (InstanceRef(Path("in/ward/t1/1.dcm")), InstanceRef(Path("in/ward/t2/1.dcm")))
    series = tuple(make_series(f"s{n}", instances=(file,)) for n, file in enumerate(files))
    named = zip(Sequence, ("s0", "", "", "s1"), strict=True)
    roles = {one: RoleProposal(uid, 0.9, "Named.") for one, uid in named if uid}
    batch.study.side_effect = lambda name: make_study(name=name, series=series, roles=roles)
    opened, wanted = MagicMock(), MagicMock(return_value=BatchOptions())
    queue = []
    listener = []

    def make_batch(root, output, on_case):
        listener.append(on_case)
        return batch

    presenter = BatchPresenter(
        view,
        runner,
        queue.append,
        make_batch=make_batch,
        options=wanted,
        open_result=opened.result,
        open_images=opened.images,
    )
    presenter.wanted, presenter.lanes = wanted, runner

    def settle():
        assert presenter._jobs._front is None or presenter._jobs._front.job.wait(10)
        while queue:
            queue.pop(0)()

    yield presenter, view, batch, opened, listener, settle
    runner.close()


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


def test_a_study_that_a_watch_no_longer_lists_does_no_harm(scene):
    presenter, view, batch, opened, _, settle = scene
    batch.study.side_effect = KeyError
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    presenter.open("one")
    assert not opened.mock_calls
    assert [row.where for row in view.show_cases.call_args.args[0]] == ["", ""]
    view.show_crash.assert_not_called()


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
