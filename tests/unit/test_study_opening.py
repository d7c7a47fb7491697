"""Studies are found, offered and opened, by themselves or with a result."""

from pathlib import Path
from threading import Event
from unittest.mock import MagicMock

import pytest

from desktop_app.domain.study import Sequence
from desktop_app.errors import InputError
from desktop_app.io.scan import ScanResult
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.results.reopen import Reopened
from desktop_app.services.session_changes import ResultAwaited
from tests.study_cases import make_study, roles_of
from tests.study_scene import T1C, shown_as, shown_result
from ui.presenters import reopening, study_reading


def test_opening_shows_the_table_then_t1c_on_its_own_grid(scene):
    scene.open()
    header, slots = scene.view.show_study.call_args.args
    assert "ID7" in header.title
    assert [slot.sequence for slot in slots] == list(Sequence)
    assert scene.view.show_image.call_args.args == (T1C,)
    assert shown_as(scene) == (T1C, "t1c", Sequence.T1C)
    assert scene.actions.segment
    assert not scene.actions.export


def test_several_studies_are_offered_and_nothing_opens_without_a_choice(scene):
    other = make_study(name="other")
    scene.services["open_whole_study"].return_value = ScanResult((scene.study, other), ())
    scene.view.ask_study.return_value = None
    scene.open()
    scene.view.ask_study.assert_called_once_with((scene.study, other))
    assert scene.session.study is None
    scene.view.ask_study.return_value = other
    scene.open()
    assert scene.session.study is other


def test_another_study_of_the_scan_opens_without_a_new_scan(scene):
    other = make_study(name="other", study_uid="2", date="20260401")
    scene.services["open_whole_study"].return_value = ScanResult((scene.study, other), ())
    scene.view.ask_study.return_value = scene.study
    scene.open()
    assert scene.view.show_studies.call_args.args == (
        ("2026-01-31 · Brain", "2026-04-01 · Brain"),
        0,
    )
    scene.presenter.reading.choose_study(1)
    scene.settle()
    assert scene.session.study is other
    assert scene.session.loaded is not None
    assert scene.view.show_studies.call_args.args[1] == 1
    scene.services["open_whole_study"].assert_called_once()


@pytest.mark.parametrize("wanted", [True, False])
def test_what_was_opened_is_told_to_be_remembered(scene, wanted):
    told = []
    scene.presenter.on_opened = told.append
    if not wanted:
        other = make_study(name="other")
        scene.services["open_whole_study"].return_value = ScanResult((scene.study, other), ())
        scene.view.ask_study.return_value = None
    scene.open()
    assert told == ([Path("folder")] if wanted else [])


@pytest.mark.parametrize("end", ["found", "none wanted", "failed", "cancelled"])
@pytest.mark.parametrize("is_sample", [False, True])
def test_tools_wait_while_another_study_is_looked_for(scene, monkeypatch, tmp_path, end, is_sample):
    release, told = Event(), []

    def look(_path, *, progress, token):
        assert release.wait(10)
        token.raise_if_cancelled()
        if end == "failed":
            raise InputError("What.", "Where.", "Remedy.")
        return ScanResult((scene.study,) * (2 if end == "none wanted" else 1), ())

    for name in ("open_path", "open_whole_study"):
        monkeypatch.setattr(study_reading, name, look)
    monkeypatch.setattr(study_reading, "ensure_sample_study", lambda *_: tmp_path)
    scene.view.ask_study.return_value = None
    scene.session.subscribe(told.append)
    if is_sample:
        scene.presenter.reading.open_sample(tmp_path)
    else:
        scene.presenter.reading.open_path(tmp_path)
    assert told == [ResultAwaited(True)]
    if end == "cancelled":
        scene.presenter.cancel()
    release.set()
    scene.settle()
    awaited = [one for one in told if isinstance(one, ResultAwaited)]
    assert awaited == [ResultAwaited(True), ResultAwaited(False)]


def test_a_study_of_a_batch_opens_with_its_images_alone(scene):
    scene.presenter.reading.open_study(scene.study)
    scene.settle()
    assert scene.session.study is scene.study
    assert scene.session.loaded is not None
    assert scene.session.result is None
    scene.services["open_whole_study"].assert_not_called()


def test_a_finished_study_opens_while_the_compute_lane_is_busy(scene, monkeypatch):
    release = Event()
    scene.runner.submit(lambda progress, token: release.wait(10), lambda event: None)
    result = shown_result(scene.study)
    again = Reopened(LoadedStudy(roles_of(scene.study), {Sequence.T1C: T1C}, 1.0), result)
    monkeypatch.setattr(reopening, "reopen_result", lambda *_, **__: again)
    scene.presenter.open_result(scene.study, Path("out/study"))
    scene.settle()
    release.set()
    assert scene.session.result is result
    assert not scene.presenter.unsaved
    assert scene.session.written == {Path("out/study"): result}


def test_images_are_shown_where_a_result_cannot_be_opened(scene, monkeypatch):
    error = InputError("What.", "Where.", "Remedy.")
    monkeypatch.setattr(reopening, "reopen_result", MagicMock(side_effect=error))
    scene.presenter.open_result(scene.study, Path("out/study"))
    scene.settle()
    scene.view.show_error.assert_called_once_with(error)
    assert scene.session.loaded is not None
    assert scene.actions.segment
