"""What another process does to the folder of results while a batch runs there."""

import errno
import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Study
from desktop_app.errors import InputError, OutputError
from desktop_app.services.batch import BatchOptions, CaseStatus, note_export
from desktop_app.services.batch import journal as journal_module
from desktop_app.services.batch.journal import Entry, Journal
from desktop_app.services.batch.records import read_state
from desktop_app.services.batch.state import CaseState
from desktop_app.services.results.saved_results import SavedResults
from tests.batch_cases import NAMES, Stage, statuses
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY

VOXEL_MM3 = GEOMETRY.voxel_volume_mm3


def correct_elsewhere(stage: Stage, study: Study, expected: CaseState | None = None) -> None:
    """Export corrected labels, one voxel of enhancement, as a window of another process does."""
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 1, 1] = 3
    result = make_result(study, labels)
    provenance = replace(result.segmentation.provenance, edited=True)
    result = replace(result, segmentation=replace(result.segmentation, provenance=provenance))
    folder = stage.output / study.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "measurements.json"
    file.write_text("{}")
    assert note_export(result, SavedResults(folder, (file,)), expected) is not None


@pytest.mark.parametrize("resume", [True, False])
def test_the_summary_of_a_running_batch_follows_a_correction(stage: Stage, resume: bool) -> None:
    def correct(name: str) -> None:
        if name == "berta":
            correct_elsewhere(stage, stage.studies[0])

    stage.before = correct
    outcome = stage.batch(BatchOptions(resume=resume)).run()
    first, second, _ = stage.summary()
    assert (first["study"], first["corrected"], second["corrected"]) == ("anna", "yes", "")
    assert float(first["ET_mm3"]) == pytest.approx(VOXEL_MM3)
    assert outcome.kept[0].corrected
    assert outcome.cases[0].volumes_mm3[Region.ET] == pytest.approx(VOXEL_MM3)
    assert (stage.told[-1].name, stage.processed) == ("cäsar", list(NAMES))


def test_a_study_that_was_done_in_another_process_is_not_done_again(stage: Stage) -> None:
    def correct(name: str) -> None:
        if name == "anna":
            window = stage.batch()
            window.find()
            correct_elsewhere(stage, window.study("berta"), window.expected("berta"))

    stage.before = correct
    batch = stage.batch()
    batch.run()
    assert stage.processed == ["anna", "cäsar"]
    assert statuses(batch) == [CaseStatus.DONE] * 3
    assert [row["corrected"] for row in stage.summary()] == ["", "yes", ""]
    state = read_state(stage.output, "berta")
    assert state is not None
    assert state.corrected


def test_a_correction_of_a_study_whose_images_are_gone_is_in_the_summary(stage: Stage) -> None:
    stage.batch().run()
    gone = stage.studies.pop(0)
    stage.add("doris")
    stage.before = lambda name: correct_elsewhere(stage, gone)
    stage.batch().run()
    first = stage.summary()[0]
    assert (first["study"], first["corrected"]) == ("anna", "yes")


def test_what_is_to_be_done_anew_is_not_taken_for_done_elsewhere(stage: Stage) -> None:
    stage.batch().run()
    stage.processed.clear()
    stage.batch(BatchOptions(resume=False)).run()
    assert stage.processed == list(NAMES)


def test_states_are_told_while_the_disk_is_slow(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = stage.studies[0]
    journal = Journal(stage.output)
    journal.begin([Entry(study, CaseState(study.name, study.study_uid))])
    seen: list[CaseState] = []

    def asked_meanwhile(*_: object) -> None:
        # Of another thread, as the window's: it would wait for ever.
        thread = threading.Thread(target=lambda: seen.extend(journal.cases), daemon=True)
        thread.start()
        thread.join(10)

    monkeypatch.setattr(journal_module, "write_summary", asked_meanwhile)
    journal.sum_up()
    assert [state.name for state in seen] == ["anna"]


@pytest.fixture
def another_process() -> Iterator[psutil.Process]:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        yield psutil.Process(child.pid)
        child.kill()


def test_a_second_batch_into_the_same_folder_is_refused(
    stage: Stage, another_process: psutil.Process
) -> None:
    mark: dict[str, object] = {}

    def look(name: str) -> None:
        mark.update(json.loads((stage.output / ".gliascope" / "running.mark").read_text("utf-8")))

    stage.before = look
    stage.batch().run()
    assert mark["number"] == os.getpid()
    left = {"number": another_process.pid, "started": another_process.create_time()}
    file = stage.output / ".gliascope" / "running.mark"
    file.write_text(json.dumps(mark | left), "utf-8")
    stage.processed.clear()
    for start in (stage.batch(BatchOptions(resume=False)).run, stage.batch().watch):
        with pytest.raises(OutputError) as refused:
            start()
        assert refused.value.title == "Another batch writes to this folder."
        assert str(another_process.pid) in refused.value.detail
    assert stage.processed == []
    # It crashed, and left its mark.
    another_process.kill()
    another_process.wait(10)
    stage.batch(BatchOptions(resume=False)).run()
    assert stage.processed == list(NAMES)
    assert not file.exists()


def test_what_a_killed_batch_left_goes_with_the_next_one(stage: Stage) -> None:
    stage.batch().run()
    left = [stage.output / ".00aa11bb.part.summary.csv"]
    left.append(stage.output / ".gliascope" / ".00aa11bb.part.anna.json")
    for file in left:
        file.write_text("")
        os.utime(file, (0, 0))
    stage.batch().run()
    assert not any(file.exists() for file in left)


def test_a_batch_that_does_nothing_leaves_nothing(stage: Stage) -> None:
    stage.studies.clear()
    with pytest.raises(InputError):
        stage.batch().run()
    assert not stage.output.exists()


def test_of_two_batches_that_begin_at_once_one_is_refused(
    stage: Stage, another_process: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stage.output / ".gliascope" / "running.mark"
    theirs = {
        "computer": platform.node(),
        "number": another_process.pid,
        "started": another_process.create_time(),
    }
    link = os.link

    def they_are_first(written: Path, target: Path) -> None:
        if target == file:
            file.write_text(json.dumps(theirs), "utf-8")
        link(written, target)

    monkeypatch.setattr(os, "link", they_are_first)
    with pytest.raises(OutputError, match="Another batch writes"):
        stage.batch().run()
    assert json.loads(file.read_text("utf-8")) == theirs
    assert stage.processed == []


def test_where_files_have_no_second_names_a_batch_runs_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(written: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("desktop_app.services.batch.only_one.os.link", no_links)
    stage.batch().run()
    assert stage.processed == list(NAMES)
    assert not (stage.output / ".gliascope" / "running.mark").exists()
