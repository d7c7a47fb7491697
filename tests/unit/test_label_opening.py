"""Labels of another program are asked about, and become the result of the open study."""

from pathlib import Path
from threading import Event
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.label_part import LabelPart
from desktop_app.domain.segmentation import Region
from desktop_app.errors import InputError
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.results.label_import import ForeignLabels
from desktop_app.services.results.reopen import Reopened
from desktop_app.services.session_changes import ResultAwaited
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study, roles_of
from tests.study_scene import QueuedScene
from ui.presenters import label_opening
from ui.presenters.job_line import JobLine
from ui.presenters.label_opening import LabelOpening

STUDY = make_study()
RESULT = make_result(STUDY, np.ones(GEOMETRY.shape_kji, np.uint8))
LOADED = LoadedStudy(roles_of(STUDY), RESULT.prepared.volumes, 1.0)
PARTS = (LabelPart(1, "", 5.0, Region.NCR),)
FILE = Path("elsewhere/seg.nii.gz")


class Scene(QueuedScene):
    def __init__(self, runner, monkeypatch):
        super().__init__()
        self.load = MagicMock()
        labels = ForeignLabels(FILE, GEOMETRY, PARTS, {1: np.ones(GEOMETRY.shape_kji, bool)})
        self.read = MagicMock(return_value=labels)
        self.lay = MagicMock(return_value=Reopened(LOADED, RESULT))
        monkeypatch.setattr(label_opening, "read_foreign", self.read)
        monkeypatch.setattr(label_opening, "open_labels", self.lay)
        self.jobs = JobLine(self.view, runner, self.queue.append, lambda: None)
        self.labels = LabelOpening(
            self.view,
            self.session,
            runner,
            self.queue.append,
            self.jobs,
            network=lambda: None,
            load=self.load,
        )
        self.session.open_study(STUDY)
        self.session.accept_loaded(LOADED, self.session.generation)

    def settle(self):
        self.settle_until(lambda: not self.jobs.busy)

    def answer(self, regions):
        self.view.ask_labels.call_args.args[2](regions)
        self.settle()


@pytest.fixture
def scene(monkeypatch, runner):
    return Scene(runner, monkeypatch)


def test_what_the_user_says_of_the_labels_counts(scene):
    scene.labels.open(FILE)
    scene.settle()
    assert scene.view.ask_labels.call_args.args[:2] == ("seg.nii.gz", PARTS)
    assert scene.session.result is None
    # As the presenter does once no job runs
    scene.session.await_result(False)
    told = []
    scene.session.subscribe(told.append)
    scene.answer({1: Region.ET})
    assert scene.lay.call_args.args[3] == {1: Region.ET}
    # Images that are there are not read again, and nothing is corrected meanwhile
    assert scene.lay.call_args.kwargs["known"] is LOADED
    assert told[0] == ResultAwaited(True)
    assert scene.session.result is RESULT
    # Nobody exported them yet
    assert not scene.session.saved
    assert not scene.session.written


def test_nothing_is_corrected_while_the_file_is_read(scene):
    told = []
    scene.session.subscribe(told.append)
    scene.labels.open(FILE)
    assert told == [ResultAwaited(True)]
    scene.settle()


def test_an_answer_that_comes_too_late_is_dropped(scene):
    scene.labels.open(FILE)
    scene.settle()
    scene.session.open_study(make_study(study_uid="2"))
    scene.answer({1: Region.ET})
    scene.lay.assert_not_called()
    assert scene.session.result is None


def test_what_cannot_be_used_is_told(scene):
    scene.read.side_effect = InputError("The labels mark nothing.", "seg.nii.gz", "Choose another.")
    scene.labels.open(FILE)
    scene.settle()
    assert scene.view.show_error.call_args.args == (scene.read.side_effect,)
    scene.view.ask_labels.assert_not_called()


@pytest.mark.parametrize("is_labels", [True, False])
def test_a_file_dropped_is_offered_as_labels_or_opened_as_what_it_is(scene, monkeypatch, is_labels):
    monkeypatch.setattr("desktop_app.io.label_maps.holds_labels", lambda _file: is_labels)
    otherwise = MagicMock()
    scene.labels.look(FILE, otherwise)
    scene.settle_until(lambda: otherwise.called or scene.view.offer_labels.called)
    assert otherwise.called is not is_labels
    assert scene.view.offer_labels.called is is_labels


def test_a_file_dropped_stops_nothing_that_goes_on(scene, monkeypatch):
    monkeypatch.setattr("desktop_app.io.label_maps.holds_labels", lambda _file: True)
    go_on = Event()
    scene.jobs.start("Segmenting", lambda *_: go_on.wait(30), lambda _result: None)
    scene.labels.look(FILE, MagicMock())
    scene.settle_until(lambda: scene.view.show_message.called)
    scene.view.offer_labels.assert_not_called()
    assert scene.jobs.busy
    go_on.set()
    scene.settle()
