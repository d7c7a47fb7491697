"""Earlier results are offered when their study is opened, unless one is opened anyway."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.study import Sequence
from desktop_app.errors import InputError
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.results.earlier_results import EarlierResult
from desktop_app.services.results.reopen import EarlierChoice, Reopened
from desktop_app.services.session_changes import ResultAwaited
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study, roles_of
from tests.study_scene import QueuedScene
from ui.presenters import reopening
from ui.presenters.job_line import JobLine
from ui.presenters.reopening import Reopening

STUDY = make_study()
FOUND = EarlierResult(Path("out/study"), datetime(2026, 1, 31, tzinfo=UTC), True)
RESULT = make_result(STUDY, np.ones(GEOMETRY.shape_kji, np.uint8))


class Scene(QueuedScene):
    def __init__(self, runner, monkeypatch):
        super().__init__()
        self.find = MagicMock(return_value=FOUND)
        self.output = Path("out")
        self.load = MagicMock()
        loaded = LoadedStudy(roles_of(STUDY), RESULT.prepared.volumes, 1.0)
        monkeypatch.setattr(reopening, "find_result", self.find)
        monkeypatch.setattr(reopening, "reopen_result", lambda *_, **__: Reopened(loaded, RESULT))
        self.jobs = JobLine(self.view, runner, self.queue.append, lambda: None)
        self.reopening = Reopening(
            self.view,
            self.session,
            runner,
            self.queue.append,
            self.jobs,
            network=lambda: None,
            load=self.load,
            results_folder=lambda: self.output,
        )

    def settle(self):
        """Let the look that has begun end."""
        self.settle_until(lambda: self.queue)
        self.play_queue()

    def answer(self, wanted):
        self.view.offer_result.call_args.args[2](wanted)
        self.settle_until(lambda: not self.jobs.busy)


@pytest.fixture
def scene(monkeypatch, runner):
    return Scene(runner, monkeypatch)


def test_the_result_of_an_opened_study_is_offered_and_opened(scene):
    scene.session.open_study(STUDY)
    scene.settle()
    assert scene.view.offer_result.call_args.args[:2] == (FOUND.written, True)
    scene.answer(True)
    assert scene.session.result is RESULT
    assert dict(scene.session.written) == {FOUND.folder: RESULT}
    assert scene.session.saved
    # What is opened is not offered once more.
    scene.find.assert_called_once_with(STUDY, Path("out"))


def test_a_result_whose_labels_were_changed_elsewhere_is_not_exported(scene, monkeypatch):
    loaded = LoadedStudy(roles_of(STUDY), RESULT.prepared.volumes, 1.0)
    changed = Reopened(loaded, RESULT, is_outdated=True)
    monkeypatch.setattr(reopening, "reopen_result", lambda *_, **__: changed)
    scene.session.open_study(STUDY)
    scene.settle()
    scene.answer(True)
    assert scene.session.result is RESULT
    assert not scene.session.saved
    # Its folder is known, so that an export goes there, and as that of another result.
    ((folder, there),) = scene.session.written.items()
    assert folder == FOUND.folder
    assert there is not RESULT


def test_a_refused_result_stays_closed(scene):
    scene.session.open_study(STUDY)
    scene.settle()
    scene.answer(False)
    assert scene.session.result is None


def test_an_offer_that_comes_too_late_is_dropped(scene):
    scene.session.open_study(STUDY)
    scene.settle_until(lambda: scene.find.called)
    scene.session.accept_result(RESULT, scene.session.generation)
    scene.reopening._offer(STUDY, FOUND)
    scene.session.open_study(make_study(study_uid="2"))
    scene.reopening._offer(STUDY, FOUND)
    scene.view.offer_result.assert_not_called()


def test_a_result_that_does_not_tell_opens_with_what_the_user_chose(scene, monkeypatch):
    scene.output = None
    asked = []
    loaded = LoadedStudy(roles_of(STUDY), RESULT.prepared.volumes, 1.0)

    def reopen(study, roles, folder, **said):
        asked.append(({s: one.series_uid for s, one in roles.items()}, said["chosen_by_user"]))
        return Reopened(loaded, RESULT)

    monkeypatch.setattr(reopening, "reopen_result", reopen)
    scene.session.open_study(STUDY)
    scene.session.set_role(Sequence.T1C, "flair")
    scene.reopening.open(STUDY, Path("nowhere"))
    scene.settle_until(lambda: not scene.jobs.busy)
    exchanged = {Sequence.T1C: "flair", Sequence.FLAIR: "t1c"}
    assert asked == [(exchanged, {Sequence.T1C, Sequence.FLAIR})]
    # Of another study it says nothing.
    scene.reopening.open(make_study(study_uid="2"), Path("nowhere"))
    scene.settle_until(lambda: not scene.jobs.busy)
    assert asked[1] == ({Sequence.T1C: "t1c", Sequence.FLAIR: "flair"}, set())


def test_no_folder_is_read_on_the_thread_of_the_window(scene, monkeypatch):
    scene.output = None
    readers = []

    def chosen(study, folder):
        readers.append(threading.current_thread())
        return FOUND

    def choice(study, folder):
        readers.append(threading.current_thread())
        return EarlierChoice(study, {})

    monkeypatch.setattr(reopening, "chosen_result", chosen)
    monkeypatch.setattr(reopening, "earlier_choice", choice)
    scene.session.open_study(make_study(study_uid="2"))
    scene.reopening.open(STUDY, Path("out/study"))
    # The one before is closed already.
    assert scene.session.study is STUDY
    scene.settle_until(lambda: not scene.jobs.busy)
    assert scene.session.result is RESULT
    scene.reopening.open_chosen(Path("out"))
    scene.settle_until(lambda: not scene.jobs.busy)
    assert len(readers) == 3
    assert threading.main_thread() not in readers


def test_a_folder_that_answers_too_late_changes_nothing(scene, monkeypatch):
    scene.output = None
    reads, answers = threading.Event(), threading.Event()

    def choice(study, folder):
        reads.set()
        assert answers.wait(10)
        return EarlierChoice(study, {})

    monkeypatch.setattr(reopening, "earlier_choice", choice)
    told = []
    scene.session.open_study(STUDY)
    scene.session.subscribe(told.append)
    scene.reopening.open(STUDY, Path("out/study"))
    assert reads.wait(10)
    # Meanwhile nothing is corrected that would be lost.
    assert told == [ResultAwaited(True)]
    other = make_study(study_uid="2")
    scene.session.open_study(other)
    answers.set()
    scene.settle_until(lambda: not scene.jobs.busy)
    assert scene.session.study is other
    assert scene.session.result is None


def test_no_look_without_a_folder_of_results(scene):
    scene.output = None
    scene.session.open_study(STUDY)
    scene.find.assert_not_called()


def test_the_result_in_a_chosen_folder_is_opened_or_refused_in_words(scene, monkeypatch):
    scene.output = None
    scene.reopening.open_chosen(Path("out"))
    error = InputError("What.", "Where.", "Remedy.")
    monkeypatch.setattr(reopening, "chosen_result", MagicMock(side_effect=[error, FOUND]))
    scene.session.open_study(STUDY)
    scene.reopening.open_chosen(Path("wrong"))
    scene.settle_until(lambda: not scene.jobs.busy)
    scene.view.show_error.assert_called_once_with(error)
    scene.reopening.open_chosen(Path("out"))
    scene.settle_until(lambda: not scene.jobs.busy)
    assert scene.session.result is RESULT
