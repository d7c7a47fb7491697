"""A batch makes room: for a study that somebody waits for, and for what a person did meanwhile."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from desktop_app.errors import Cancelled
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.batch import Batch, BatchOptions, CaseStatus, LocalPlace, note_export
from desktop_app.services.models import ModelStore
from desktop_app.services.results.saved_results import SavedResults
from tests.batch_cases import NAMES, Stage, statuses
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY

WAITS = "Waiting until the study in the window is segmented"


@dataclass
class Urgent:
    """Whether a study in the window is being segmented."""

    wanted: threading.Event = field(default_factory=threading.Event)

    def batch(self, stage: Stage) -> Batch:
        return Batch(
            stage.root,
            stage.output,
            BatchOptions(),
            models=ModelStore(stage.weights, stage.weights / "none"),
            place=LocalPlace(stage.make_worker, gives_way=self.wanted.is_set),
        )


def test_no_study_begins_while_one_in_the_window_is_segmented(stage: Stage) -> None:
    urgent = Urgent()
    seen: list[tuple[list[str], bool]] = []

    def ask(name: str) -> None:
        if name == "anna":
            urgent.wanted.set()

    def listen(_fraction: float, text: str) -> None:
        if text == WAITS:
            seen.append((list(stage.processed), stage.workers[0].closed))
            urgent.wanted.clear()

    stage.before = ask
    outcome = urgent.batch(stage).run(listen)
    assert seen == [(["anna"], True)]
    assert stage.processed == list(NAMES)
    assert outcome.failed == ()
    assert all(worker.closed for worker in stage.workers)


def test_stopped_while_it_waits_the_rest_is_pending(stage: Stage) -> None:
    urgent, token = Urgent(), CancelToken()
    urgent.wanted.set()
    batch = urgent.batch(stage)

    def listen(_fraction: float, text: str) -> None:
        if text == WAITS:
            token.cancel()

    with pytest.raises(Cancelled):
        batch.run(listen, token)
    assert stage.processed == []
    assert statuses(batch) == [CaseStatus.PENDING] * 3


def test_a_study_that_a_person_did_meanwhile_is_not_done_again(stage: Stage) -> None:
    batch = stage.batch()

    def export(name: str) -> None:
        if name == "anna":
            segment_by_hand(stage, batch, "berta")

    stage.before = export
    outcome = batch.run()
    assert stage.processed == ["anna", "cäsar"]
    assert [case.status for case in outcome.cases] == [CaseStatus.DONE] * 3
    assert [row["study"] for row in stage.summary()] == list(NAMES)
    stage.processed.clear()
    stage.batch().run()
    assert stage.processed == []


def segment_by_hand(stage: Stage, batch: Batch, name: str) -> None:
    """Export a result of a study of the batch as the window does."""
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 1, 1] = 3
    folder = stage.output / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "segmentation.nii.gz"
    file.touch()
    result = make_result(batch.study(name), labels)
    state = note_export(result, SavedResults(folder, (Path(file),)), batch.expected(name))
    assert state is not None
    batch.take_in(state)
