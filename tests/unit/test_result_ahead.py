"""The next result of a batch is read ahead: at once there, never in the way."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from desktop_app.errors import InputError
from desktop_app.jobs.runner import JobRunner, Lane
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.results.reopen import EarlierChoice, Reopened
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study, roles_of
from tests.study_scene import QueuedScene
from ui.presenters import reopening, result_ahead
from ui.presenters.job_line import JobLine
from ui.presenters.reopening import Reopening

LOOKED_AT, NEXT = make_study(study_uid="1", name="one"), make_study(study_uid="2", name="two")


class Scene(QueuedScene):
    """Opens results whose reading waits until it may go on."""

    def __init__(self, runner, monkeypatch, output):
        super().__init__()
        self.runner = runner
        self.goes_on = threading.Event()
        self.begun = threading.Event()
        self.read_by = []
        self.error = None
        self.folder = output / "two"
        self.folder.mkdir()
        (self.folder / "segmentation.nii.gz").write_bytes(b"labels")
        for module in (reopening, result_ahead):
            monkeypatch.setattr(module, "reopen_result", self.reopen)
        self.jobs = JobLine(self.view, runner, self.queue.append, lambda: None)
        self.reopening = Reopening(
            self.view,
            self.session,
            runner,
            self.queue.append,
            self.jobs,
            network=lambda: None,
            load=lambda: None,
            results_folder=lambda: None,
        )
        self.jobs.on_started = self.reopening.ahead.drop
        self.session.open_study(LOOKED_AT)

    def reopen(self, study, roles, _folder, *, progress, token, **_said):
        self.read_by.append(threading.current_thread().name.partition("_")[0])
        self.begun.set()
        progress(0.4, "Preparing the images")
        while not self.goes_on.wait(0.01):
            token.raise_if_cancelled()
            progress(0.5, "Preparing the images")
        if self.error is not None:
            raise self.error
        result = make_result(study, np.ones(GEOMETRY.shape_kji, np.uint8))
        return Reopened(LoadedStudy(roles_of(study), result.prepared.volumes, 1.0), result)

    def read_ahead(self):
        self.reopening.read_ahead(NEXT, self.folder)
        assert self.begun.wait(10)

    def end_reading(self):
        self.goes_on.set()
        self.settle_until(lambda: not self.runner.is_busy(Lane.AHEAD))

    def open_next(self):
        self.reopening.open(NEXT, self.folder)
        self.settle_until(lambda: not self.jobs.busy)

    @property
    def shown(self):
        result = self.session.result
        return result.study.name if result is not None else ""

    @property
    def stages(self):
        told = (call.args[0] for call in self.view.show_job.call_args_list)
        return [status.stage for status in told if status is not None]


@pytest.fixture
def scene(monkeypatch, tmp_path):
    runner = JobRunner()
    scene = Scene(runner, monkeypatch, tmp_path)
    yield scene
    scene.goes_on.set()
    runner.close()


def test_what_was_read_ahead_is_not_read_again(scene):
    scene.read_ahead()
    scene.reopening.read_ahead(NEXT, scene.folder)
    scene.end_reading()
    scene.open_next()
    assert scene.shown == "two"
    assert scene.session.saved
    assert dict(scene.session.written) == {scene.folder: scene.session.result}
    assert scene.read_by == ["ahead"]
    # Nothing of it is kept once it is shown.
    scene.session.open_study(LOOKED_AT)
    scene.open_next()
    assert scene.read_by == ["ahead", "io"]


def test_what_is_listed_anew_is_not_read_again_unless_its_files_differ(scene):
    relisted = replace(NEXT, series=tuple(replace(one) for one in NEXT.series))
    scene.read_ahead()
    scene.reopening.read_ahead(relisted, scene.folder)
    scene.end_reading()
    scene.reopening.open(relisted, scene.folder)
    scene.settle_until(lambda: not scene.jobs.busy)
    assert scene.shown == "two"
    assert scene.read_by == ["ahead"]
    scene.session.open_study(LOOKED_AT)
    scene.reopening.read_ahead(NEXT, scene.folder)
    scene.end_reading()
    scene.reopening.read_ahead(replace(NEXT, series=NEXT.series[:-1]), scene.folder)
    scene.end_reading()
    assert scene.read_by == ["ahead"] * 3


def test_whoever_opens_it_early_waits_for_the_rest_alone(scene):
    scene.read_ahead()
    scene.reopening.open(NEXT, scene.folder)
    scene.settle_until(lambda: "Preparing the images" in scene.stages)
    scene.goes_on.set()
    scene.settle_until(lambda: not scene.jobs.busy)
    assert scene.shown == "two"
    assert scene.read_by == ["ahead"]


def test_waiting_for_it_can_be_cancelled(scene):
    scene.read_ahead()
    scene.reopening.open(NEXT, scene.folder)
    scene.settle_until(lambda: "Preparing the images" in scene.stages)
    scene.jobs.cancel()
    scene.settle_until(lambda: not scene.jobs.busy and not scene.runner.is_busy(Lane.AHEAD))
    assert scene.shown == ""


@pytest.mark.parametrize("end", ["cancelled", "superseded", "failed", "another study"])
def test_it_is_left_where_its_opening_ends_before_it_is_waited_for(scene, monkeypatch, end):
    goes_on = threading.Event()

    def choice(*_asked):
        assert goes_on.wait(10)
        raise InputError("What.", "Where.", "Remedy.")

    if end == "another study":
        monkeypatch.setattr(reopening, "earlier_choice", lambda study, _: EarlierChoice(study, {}))
    else:
        monkeypatch.setattr(reopening, "earlier_choice", choice)
    scene.read_ahead()
    scene.reopening.open(NEXT, scene.folder)
    if end == "another study":
        scene.session.open_study(LOOKED_AT)
    elif end == "cancelled":
        scene.jobs.cancel()
    elif end == "superseded":
        scene.jobs.start("Segmenting", lambda *_: None, lambda _: None)
    else:
        goes_on.set()
    scene.settle_until(lambda: not scene.runner.is_busy(Lane.AHEAD))
    assert not scene.goes_on.is_set()
    goes_on.set()
    scene.settle_until(lambda: not scene.jobs.busy)
    assert scene.shown == ""


def test_what_goes_wrong_is_told_when_it_is_opened(scene):
    scene.error = InputError("What.", "Where.", "Remedy.")
    scene.read_ahead()
    scene.end_reading()
    scene.view.show_error.assert_not_called()
    scene.open_next()
    scene.view.show_error.assert_called_once_with(scene.error)
    scene.view.show_crash.assert_not_called()


def test_files_that_changed_meanwhile_are_read_anew(scene):
    scene.read_ahead()
    scene.end_reading()
    (scene.folder / "segmentation.nii.gz").write_bytes(b"other labels")
    scene.open_next()
    assert scene.shown == "two"
    assert scene.read_by == ["ahead", "io"]


def test_it_makes_way_for_whatever_is_asked_for(scene):
    scene.read_ahead()
    scene.jobs.start("Segmenting", lambda *_: None, lambda _: None)
    scene.settle_until(lambda: not scene.runner.is_busy(Lane.AHEAD) and not scene.jobs.busy)
    assert not scene.goes_on.is_set()
    goes_on = threading.Event()
    scene.jobs.start("Segmenting", lambda *_: goes_on.wait(10), lambda _: None)
    scene.reopening.read_ahead(NEXT, scene.folder)
    assert not scene.runner.is_busy(Lane.AHEAD)
    goes_on.set()
    scene.settle_until(lambda: not scene.jobs.busy)
    scene.goes_on.set()
    scene.open_next()
    assert scene.read_by == ["ahead", "io"]


def test_it_is_not_waited_for_behind_other_work(scene):
    goes_on = threading.Event()
    scene.runner.submit(lambda *_: goes_on.wait(10), lambda _: None, lane=Lane.AHEAD)
    scene.reopening.read_ahead(NEXT, scene.folder)
    scene.goes_on.set()
    scene.open_next()
    assert scene.read_by == ["io"]
    goes_on.set()
    scene.settle_until(lambda: not scene.runner.is_busy(Lane.AHEAD))
    assert scene.read_by == ["io"]


def test_nothing_is_read_ahead_where_memory_is_short(scene, monkeypatch):
    short = SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=10**9))
    monkeypatch.setattr(result_ahead, "psutil", short)
    scene.reopening.read_ahead(NEXT, scene.folder)
    assert not scene.runner.is_busy(Lane.AHEAD)
    scene.goes_on.set()
    scene.open_next()
    assert scene.read_by == ["io"]
