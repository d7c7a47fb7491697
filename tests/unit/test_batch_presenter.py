import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from desktop_app.domain.segmentation import Region
from desktop_app.errors import Cancelled, InputError, OutputError
from desktop_app.jobs.runner import JobRunner
from desktop_app.services.batch import Batch, BatchOutcome, CaseState, CaseStatus
from desktop_app.services.case import SavedResults
from desktop_app.services.export import ExportFormat
from tests.study_cases import make_study
from ui.presenters import batch_presenter
from ui.presenters.batch_presenter import BatchPresenter
from ui.views.batch_view import BatchView

CASES = (CaseState("one", "1"), CaseState("two", "2"))
DONE = CaseState(
    "one",
    "1",
    CaseStatus.DONE,
    seconds=12.0,
    volumes_mm3={Region.WT: 34_560.0, Region.ET: 40.0},
    files=("segmentation.nii.gz", "measurements.json"),
)
FAILED = CaseState("two", "2", CaseStatus.FAILED, reason="What.\nWhere.\nRemedy.", seconds=1.0)


@pytest.fixture
def scene():
    runner = JobRunner()
    view = MagicMock(spec=BatchView)
    batch = MagicMock(spec=Batch)
    batch.find.return_value = batch.cases = CASES
    batch.output = Path("out")
    batch.study.side_effect = lambda name: make_study(name=name)
    opened = MagicMock()
    queue = []
    listener = []

    def make_batch(root, output, on_case):
        listener.append(on_case)
        return batch

    presenter = BatchPresenter(
        view, runner, queue.append, make_batch=make_batch, open_result=opened
    )

    def settle():
        assert presenter._jobs._job is None or presenter._jobs._job.wait(10)
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
    assert [(row.name, row.state, row.can_open) for row in rows] == [
        ("one", "pending", False),
        ("two", "pending", False),
    ]
    status = view.show_status.call_args.args[0]
    assert status.text == "0 of 2 studies finished."
    assert status.can_start
    assert not status.running


def test_a_failure_is_counted_and_its_reason_shown(scene):
    presenter, view, batch, _, _, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    batch.cases = (DONE, FAILED)
    batch.run.return_value = BatchOutcome(batch.cases, Path("summary.csv"))
    presenter.start()
    settle()
    done, failed = view.show_cases.call_args.args[0]
    assert (done.whole_tumour, done.enhancing) == ("34.56", "0.04")
    assert (done.seconds, done.can_open) == ("12 s", True)
    assert (failed.style, failed.message) == ("poor", "What. Where. Remedy.")
    assert view.show_status.call_args.args[0].text == "2 of 2 studies finished, 1 failed."


def test_a_change_of_one_study_changes_its_row(scene):
    presenter, view, _, _, listener, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    listener[0](CaseState("two", "2", CaseStatus.RUNNING, fraction=0.25, stage="Segmenting"))
    settle()
    index, row = view.show_case.call_args.args
    assert (index, row.state, row.message) == (1, "25%", "Segmenting")


def test_only_finished_studies_open(scene):
    presenter, _, batch, opened, _, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    batch.cases = (DONE, FAILED)
    presenter.open(1)
    opened.assert_not_called()
    presenter.open(0)
    study, folder = opened.call_args.args
    assert study.name == "one"
    assert folder == Path("out/one")


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
    presenter.open(0)
    opened.assert_not_called()
    presenter.open(1)
    assert opened.call_args.args[0].name == "one"


def test_a_study_without_labels_on_disk_is_not_offered(scene):
    presenter, view, batch, opened, listener, settle = scene
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    only_pdf = replace(DONE, files=("report.pdf",))
    batch.cases = (only_pdf, CASES[1])
    listener[0](only_pdf)
    settle()
    assert not view.show_case.call_args.args[1].can_open
    presenter.open(0)
    opened.assert_not_called()


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
    batch.take_in.side_effect = lambda state: (listener[0](state), done.set())
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    for folder in (Path("elsewhere/one"), Path("out/one")):
        presenter.note_export(MagicMock(), SavedResults(folder, ()))
    assert done.wait(10)
    settle()
    batch.take_in.assert_called_once_with(corrected)
    row = view.show_case.call_args.args[1]
    assert (row.state, row.message) == ("done, corrected", "Kept aside.")


def test_what_cannot_be_noted_is_told(scene, monkeypatch):
    presenter, view, *_ = scene
    error, told = OutputError("What.", "Where.", "Remedy."), threading.Event()
    monkeypatch.setattr(batch_presenter, "note_export", MagicMock(side_effect=error))
    presenter._dispatch = lambda act: (act(), told.set())
    presenter.note_export(MagicMock(), SavedResults(Path("out/one"), ()))
    assert told.wait(10)
    view.show_error.assert_called_once_with(error)


def test_other_files_are_written_from_the_next_start_on(scene):
    presenter, _, batch, _, _, settle = scene
    presenter.write_as(("nifti",))
    presenter.choose_folders(Path("in"), Path("out"))
    settle()
    presenter.write_as(())
    presenter.write_as(("nifti", "rtstruct"))
    batch.write_as.assert_called_once_with((ExportFormat.NIFTI, ExportFormat.RTSTRUCT))


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
