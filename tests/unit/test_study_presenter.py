import time
from dataclasses import replace
from pathlib import Path
from threading import Event
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.measurement import Measurement, MeasurementKind
from desktop_app.domain.preflight import Light
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import NO_TUMOUR_FOUND, Region, Segmentation
from desktop_app.domain.study import RoleProposal, Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, InputError
from desktop_app.io.scan import ScanResult
from desktop_app.jobs.runner import JobRunner
from desktop_app.services import sequence_naming
from desktop_app.services.loaded_study import LoadedStudy
from desktop_app.services.reopen import Reopened
from desktop_app.services.saved_results import SavedResults
from desktop_app.services.segment import Segmenter, SegmentOptions
from desktop_app.services.sequence_naming import NamedStudy
from desktop_app.services.session import Session
from desktop_app.services.session_changes import ResultAwaited
from desktop_app.services.targets import TARGETS_LOST
from tests.study_cases import GEOMETRY, PROVENANCE, make_series, make_study, roles_of
from ui.presenters import (
    export_presenter,
    other_series,
    preparation,
    reopening,
    study_presenter,
    study_reading,
)
from ui.presenters.study_presenter import StudyPresenter
from ui.views.study_view import StudyView

WHOLE = Geometry((40, 240, 240), np.diag([1.0, 1.0, 4.0, 1.0]))
T1C = Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY, source="t1c")
FLAIR = Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY, source="flair")

WHERE = {
    "open_whole_study": study_reading,
    "load_study": study_reading,
    "prepare_study": preparation,
    "segment_study": study_presenter,
}


def make_result(study, *, empty=False):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    if not empty:
        labels[1, 2, 3] = 3
    prepared = PreparedStudy(
        image_ckji=np.zeros((4, *GEOMETRY.shape_kji), np.float32),
        work_geometry=GEOMETRY,
        brain_kji=np.ones(GEOMETRY.shape_kji, bool),
        reference=T1C,
        reference_sequence=Sequence.T1C,
        volumes={Sequence.T1C: T1C, Sequence.FLAIR: FLAIR},
        registrations={},
    )
    warnings = (NO_TUMOUR_FOUND,) if empty else ()
    return StudyResult(
        study,
        roles_of(study),
        prepared,
        Segmentation(labels, GEOMETRY, PROVENANCE, warnings=warnings),
        (Measurement(MeasurementKind.VOLUME, 5.0, "mm3", Region.ET),),
    )


class Scene:
    """A presenter with services that answer at once; `settle` plays the GUI thread."""

    def __init__(self, monkeypatch, runner):
        self.runner = runner
        self.study = make_study()
        self.queue = []
        self.view = MagicMock(spec=StudyView)
        self.session = Session()
        self.services = {
            "open_whole_study": MagicMock(return_value=ScanResult((self.study,), ())),
            "load_study": MagicMock(
                side_effect=lambda roles, **_: LoadedStudy(
                    roles, {Sequence.T1C: T1C, Sequence.FLAIR: FLAIR}, 1.0
                )
            ),
            "prepare_study": MagicMock(return_value=make_result(self.study).prepared),
            "segment_study": MagicMock(return_value=make_result(self.study)),
        }
        for name, service in self.services.items():
            monkeypatch.setattr(WHERE[name], name, service)
        self.presenter = StudyPresenter(
            self.view,
            self.session,
            runner,
            MagicMock(spec=Segmenter),
            self.queue.append,
            options=SegmentOptions,
            page_renderer=MagicMock(),
        )

    def settle(self):
        while (front := self.presenter._jobs._front) is not None:
            assert front.job.wait(10)
            while self.queue:
                self.queue.pop(0)()

    def settle_until(self, is_so):
        """Play the GUI thread until something is so, whatever else still runs."""
        stop = time.monotonic() + 10
        while not is_so():
            assert time.monotonic() < stop
            time.sleep(0.01)
            while self.queue:
                self.queue.pop(0)()

    def open(self):
        self.presenter.open_path(Path("folder"))
        self.settle()

    @property
    def actions(self):
        return self.view.show_actions.call_args.args[0]


@pytest.fixture
def scene(monkeypatch):
    runner = JobRunner()
    yield Scene(monkeypatch, runner)
    runner.close()


def shown_as(scene):
    """Return grid, series and sequence of the image shown last."""
    said = scene.view.show_image.call_args.kwargs
    return said["reference"], said["series_uid"], said["sequence"]


def test_opening_shows_the_table_then_t1c_on_its_own_grid(scene):
    scene.open()
    header, slots = scene.view.show_study.call_args.args
    assert "ID7" in header.title
    assert [slot.sequence for slot in slots] == list(Sequence)
    assert scene.view.show_image.call_args.args == (T1C,)
    assert shown_as(scene) == (T1C, "t1c", Sequence.T1C)
    assert scene.actions.segment
    assert not scene.actions.export


def test_a_study_is_prepared_ahead_as_it_will_be_segmented(scene):
    scene.open()
    scene.presenter.choose_role(Sequence.FLAIR, "flair")
    scene.settle_until(lambda: scene.presenter.preflight.is_prepared)
    scene.presenter.segment()
    scene.settle()
    ahead = scene.services["prepare_study"].call_args
    asked = scene.services["segment_study"].call_args
    study, roles, loaded, options, _ = ahead.args
    assert (study, roles, options) == asked.args[:3]
    assert loaded is asked.kwargs["loaded"]
    assert ahead.kwargs["chosen_by_user"] == asked.kwargs["chosen_by_user"] == {Sequence.FLAIR}


def test_a_cancelled_preparation_leaves_the_network_warm(scene):
    started = Event()

    def prepare(*_, token, **__):
        started.set()
        while not token.cancelled:
            time.sleep(0.001)
        token.raise_if_cancelled()

    scene.services["prepare_study"].side_effect = prepare
    scene.open()
    scene.settle_until(started.is_set)
    scene.presenter._segmenter.warm.assert_not_called()
    scene.presenter.preflight.cancel()
    scene.settle_until(lambda: scene.presenter._segmenter.warm.called)


def test_what_is_prepared_for_named_series_is_what_segmenting_uses(nameless, monkeypatch):
    scene, completed = nameless
    monkeypatch.setattr(sequence_naming, "completed", completed)
    scene.cue.set()
    scene.open()
    scene.settle_until(lambda: scene.presenter.preflight.is_prepared)
    assert scene.services["prepare_study"].call_args.args[2] is scene.session.loaded


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


def test_segmenting_shows_labels_volumes_and_the_brain(scene):
    scene.open()
    scene.presenter.segment()
    assert not scene.actions.segment
    scene.settle()
    assert scene.view.show_segmentation.call_args.args[0].labels_kji[1, 2, 3] == 3
    assert scene.view.show_brain.call_args.args[0].all()
    (findings,) = scene.view.show_findings.call_args.args
    assert len(findings.rows) == 5
    assert findings.origin == "Network model on CPU"
    assert not findings.headline
    assert scene.actions.export
    assert scene.presenter.unsaved


def test_target_lesions_are_asked_for_until_some_are_chosen(scene):
    found = make_result(scene.study)
    lost = replace(found.segmentation, warnings=(TARGETS_LOST,))
    scene.services["segment_study"].return_value = replace(found, segmentation=lost)
    scene.open()
    scene.presenter.segment()
    scene.settle()
    for targets, told in (((), (TARGETS_LOST,)), ((1,), ()), ((), (TARGETS_LOST,))):
        scene.session.choose_targets(targets)
        (findings,) = scene.view.show_findings.call_args.args
        assert findings.warnings == told


def test_no_tumour_is_said_in_words(scene):
    scene.services["segment_study"].return_value = make_result(scene.study, empty=True)
    scene.open()
    scene.presenter.segment()
    scene.settle()
    (findings,) = scene.view.show_findings.call_args.args
    assert findings.headline == "No tumour found"
    assert "does not rule out" in findings.explanation
    assert findings.rows == ()
    assert NO_TUMOUR_FOUND not in findings.warnings


def test_a_failed_segmentation_tells_why_and_can_be_tried_again(scene):
    error = InputError("What.", "Where.", "Remedy.")
    scene.services["segment_study"].side_effect = error
    scene.open()
    scene.presenter.segment()
    scene.settle()
    scene.view.show_error.assert_called_once_with(error)
    assert scene.actions.segment


def test_overruling_a_role_loads_anew_and_drops_the_result(scene):
    scene.open()
    scene.presenter.segment()
    scene.settle()
    scene.presenter.choose_role(Sequence.FLAIR, "")
    scene.settle()
    assert scene.session.result is None
    assert set(scene.session.loaded.volumes) == {Sequence.T1C}
    scene.view.show_segmentation.assert_called_with(None)
    flair = scene.view.show_slots.call_args.args[0][3]
    assert (flair.word, flair.sentence) == ("missing", "Left out by you.")


def test_exchanged_series_are_not_read_again_and_the_views_stay(scene):
    scene.open()
    scene.presenter.show_sequence(Sequence.FLAIR)
    scene.view.show_image.reset_mock()
    scene.presenter.choose_role(Sequence.T1C, "flair")
    assert dict(scene.session.loaded.volumes) == {Sequence.T1C: FLAIR, Sequence.FLAIR: T1C}
    assert scene.session.chosen_by_user == {Sequence.T1C, Sequence.FLAIR}
    scene.settle()
    scene.services["load_study"].assert_called_once()
    shown = [call.kwargs["reference"] for call in scene.view.show_image.call_args_list]
    assert all(reference is not None for reference in shown)
    assert scene.presenter.shown is Sequence.FLAIR
    assert scene.view.show_image.call_args.args == (T1C,)


def test_another_series_is_read_beside_those_that_are_there(scene):
    series = (*scene.study.series, make_series("other"))
    scene.study = make_study(series=series)
    scene.services["open_whole_study"].return_value = ScanResult((scene.study,), ())
    scene.open()
    before = scene.session.loaded
    scene.view.show_job.reset_mock()
    scene.view.show_image.reset_mock()
    scene.presenter.choose_role(Sequence.T2, "other")
    assert scene.view.show_job.call_args.args[0].can_choose
    assert scene.view.show_image.call_args.args == (None,)
    assert shown_as(scene) == (T1C, "", None)
    scene.settle()
    assert scene.services["load_study"].call_args.kwargs["known"] is before


def test_images_that_cannot_be_read_leave_empty_views(scene):
    series = (*scene.study.series, make_series("other"))
    scene.study = make_study(series=series)
    scene.services["open_whole_study"].return_value = ScanResult((scene.study,), ())
    scene.open()
    scene.services["load_study"].side_effect = InputError("What.", "Where.", "Remedy.")
    scene.presenter.choose_role(Sequence.T2, "other")
    scene.settle()
    assert scene.view.show_image.call_args.args == (None,)
    assert shown_as(scene) == (None, "", None)


@pytest.fixture
def with_swi(scene, monkeypatch):
    """The study with a series that serves as nothing, and what reads it."""
    scene.study = make_study(series=(*scene.study.series, make_series("swi", number=9)))
    scene.services["open_whole_study"].return_value = ScanResult((scene.study,), ())
    load = MagicMock(return_value=Volume(T1C.array_kji, GEOMETRY, source="file"))
    monkeypatch.setattr(other_series, "load_one", load)
    scene.open()
    return scene, load


def other_choices(scene):
    choices, current, note = scene.view.show_other_series.call_args.args
    return [choice.series_uid for choice in choices], current, note


def test_a_series_without_a_role_is_shown_and_marked(with_swi):
    scene, _ = with_swi
    assert other_choices(scene) == (["swi"], "", "")
    scene.presenter.others.choose("swi")
    assert other_choices(scene) == (["swi"], "swi", "Reading …")
    scene.settle_until(lambda: scene.presenter.others.volume is not None)
    shown = scene.view.show_image.call_args
    assert shown.args[0].source == "Not used for segmentation: swi"
    # Its own, so that its window is there when it is looked at again
    assert shown_as(scene) == (T1C, "swi", None)
    assert scene.view.show_sequences.call_args.args[1] is None
    assert other_choices(scene)[2] == "Not used for segmentation: swi"
    scene.presenter.show_sequence(Sequence.FLAIR)
    assert scene.view.show_image.call_args.args == (FLAIR,)
    assert other_choices(scene) == (["swi"], "", "")


def test_a_series_that_is_given_a_role_is_no_other_any_more(with_swi):
    scene, _ = with_swi
    scene.presenter.others.choose("swi")
    scene.presenter.choose_role(Sequence.T2, "swi")
    scene.settle()
    assert other_choices(scene) == ([], "", "")
    assert scene.presenter.others.volume is None


def test_a_series_that_cannot_be_shown_is_told(with_swi):
    scene, load = with_swi
    error = load.side_effect = InputError("What.", "Where.", "Remedy.")
    scene.presenter.others.choose("swi")
    scene.settle_until(lambda: scene.view.show_error.called)
    scene.view.show_error.assert_called_once_with(error)
    assert other_choices(scene) == (["swi"], "", "")


def test_another_study_of_the_scan_opens_without_a_new_scan(scene):
    other = make_study(name="other", study_uid="2", date="20260401")
    scene.services["open_whole_study"].return_value = ScanResult((scene.study, other), ())
    scene.view.ask_study.return_value = scene.study
    scene.open()
    assert scene.view.show_studies.call_args.args == (
        ("2026-01-31 · Brain", "2026-04-01 · Brain"),
        0,
    )
    scene.presenter.choose_study(1)
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


def test_to_overrule_the_pixels_by_the_headers_choice_drops_the_result(scene):
    """The table shows the result's series; the headers' choice is another one then."""
    scene.open()
    by_headers = dict(scene.session.roles)
    exchanged = {
        Sequence.T1C: by_headers[Sequence.FLAIR],
        Sequence.FLAIR: by_headers[Sequence.T1C],
    }
    result = replace(make_result(scene.study), roles=exchanged)
    scene.services["segment_study"].return_value = result
    scene.presenter.segment()
    scene.settle()
    assert scene.session.result is result
    scene.presenter.choose_role(Sequence.T1C, by_headers[Sequence.T1C].series_uid)
    scene.settle()
    assert scene.session.result is None
    assert dict(scene.session.roles) == by_headers
    assert Sequence.T1C in scene.session.chosen_by_user


def test_images_that_were_not_read_are_read_when_segmenting(scene):
    scene.services["load_study"].side_effect = InputError("What.", "Where.", "Remedy.")
    scene.open()
    assert scene.session.loaded is None
    assert scene.actions.segment
    scene.presenter.segment()
    scene.settle()
    assert scene.services["segment_study"].call_args.kwargs["loaded"] is None
    assert scene.session.result is not None
    assert scene.actions.export


def test_tools_wait_while_a_result_is_on_its_way(scene):
    told = []
    scene.session.subscribe(told.append)
    scene.open()
    told.clear()
    scene.presenter.segment()
    scene.settle()
    assert [one for one in told if isinstance(one, ResultAwaited)] == [
        ResultAwaited(True),
        ResultAwaited(False),
    ]


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
        scene.presenter.open_sample(tmp_path)
    else:
        scene.presenter.open_path(tmp_path)
    assert told == [ResultAwaited(True)]
    if end == "cancelled":
        scene.presenter.cancel()
    release.set()
    scene.settle()
    awaited = [one for one in told if isinstance(one, ResultAwaited)]
    assert awaited == [ResultAwaited(True), ResultAwaited(False)]


@pytest.mark.parametrize("other", ["chosen", "opened"])
def test_files_are_written_whatever_is_opened(scene, monkeypatch, tmp_path, other):
    scene.open()
    scene.session.accept_result(make_result(scene.study), scene.session.generation)
    release, saved = Event(), MagicMock()

    def save(*_args, token, **_options):
        assert release.wait(10)
        token.raise_if_cancelled()
        return SavedResults(tmp_path, ())

    monkeypatch.setattr(export_presenter, "save_results", save)
    scene.presenter.exporting.on_exported = saved
    scene.presenter.exporting.export(tmp_path, ("csv",), anonymise=False)
    if other == "chosen":
        scene.session.set_studies((scene.study, make_study(name="other")))
        scene.presenter.choose_study(1)
    else:
        scene.presenter.open_path(tmp_path)
    assert "being written" in scene.presenter.exporting.what_runs
    release.set()
    scene.settle()
    saved.assert_called_once()
    assert not scene.presenter.exporting.what_runs


def test_closing_stops_what_is_written_behind_another_job(scene, monkeypatch, tmp_path):
    scene.open()
    scene.session.accept_result(make_result(scene.study), scene.session.generation)
    begun, stopped = Event(), Event()

    def save(*_args, token, **_options):
        begun.set()
        try:
            token.wait(10)
        except Cancelled:
            stopped.set()
            raise

    monkeypatch.setattr(export_presenter, "save_results", save)
    scene.presenter.exporting.export(tmp_path, ("csv",), anonymise=False)
    assert begun.wait(10)
    scene.presenter.open_path(tmp_path)
    scene.presenter.close()
    assert stopped.wait(10)
    scene.settle()


def test_a_result_of_an_earlier_choice_is_dropped(scene):
    scene.open()
    result, generation = make_result(scene.study), scene.session.generation
    scene.presenter.choose_role(Sequence.FLAIR, "")
    scene.settle()
    assert not scene.session.accept_result(result, generation)
    assert scene.session.result is None


def test_another_sequence_keeps_the_planes_of_the_reference(scene):
    scene.open()
    scene.presenter.show_sequence(Sequence.FLAIR)
    assert scene.view.show_image.call_args.args == (FLAIR,)
    assert shown_as(scene) == (T1C, "flair", Sequence.FLAIR)
    scene.view.show_image.reset_mock()
    scene.presenter.show_sequence(Sequence.T2)
    scene.view.show_image.assert_not_called()


def test_a_study_of_a_batch_opens_with_its_images_alone(scene):
    scene.presenter.open_study(scene.study)
    scene.settle()
    assert scene.session.study is scene.study
    assert scene.session.loaded is not None
    assert scene.session.result is None
    scene.services["open_whole_study"].assert_not_called()


def test_a_finished_study_opens_while_the_compute_lane_is_busy(scene, monkeypatch):
    release = Event()
    scene.runner.submit(lambda progress, token: release.wait(10), lambda event: None)
    result = make_result(scene.study)
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


@pytest.fixture
def nameless(scene):
    """A study with T1c and FLAIR by their headers, two series that no header names, and one cue.

    The cue holds back what the pixels are asked until it is set.
    """
    bare = [make_series(uid, geometry=WHOLE) for uid in ("x", "y")]
    known = [make_series(uid, geometry=WHOLE) for uid in ("t1c", "flair")]
    scene.study = make_study(series=(*known, *bare))
    scene.services["open_whole_study"].return_value = ScanResult((scene.study,), ())
    scene.cue = Event()

    def completed(study, roles, *, loaded, **_):
        assert scene.cue.wait(10)
        named = {Sequence.T1: bare[0], **roles, Sequence.T2: bare[1]}
        proposals = {
            sequence: RoleProposal(named[sequence].series_uid, 0.5, "Look.", by_pixels=True)
            for sequence in (Sequence.T1, Sequence.T2)
        }
        everything = LoadedStudy(named, {**loaded.volumes, Sequence.T1: T1C}, 2.0)
        return NamedStudy(replace(study, roles={**study.roles, **proposals}), named, everything)

    return scene, completed


def test_series_without_a_description_are_named_behind_the_images_that_are_known(
    nameless, monkeypatch
):
    scene, completed = nameless
    monkeypatch.setattr(sequence_naming, "completed", completed)
    scene.presenter.open_path(Path("folder"))
    scene.settle_until(lambda: scene.session.loaded is not None)
    assert scene.view.show_image.call_args.args == (T1C,)
    assert not scene.actions.segment
    verdict = scene.view.show_verdict.call_args.args[0]
    assert (verdict.light, verdict.is_looking) == (Light.UNKNOWN, True)
    scene.cue.set()
    scene.settle()
    assert scene.view.show_verdict.call_args.args[0].light is not Light.UNKNOWN
    assert set(scene.session.roles) == set(Sequence)
    assert not scene.session.chosen_by_user
    assert scene.actions.segment
    slots = scene.view.show_slots.call_args.args[0]
    assert [slot.chosen_uid for slot in slots] == ["x", "t1c", "y", "flair"]
    chosen = [next(c.text for c in s.choices if c.series_uid == s.chosen_uid) for s in slots]
    assert [text.startswith("By its image") for text in chosen] == [True, False, True, False]
    scene.presenter.segment()
    scene.settle()
    assert scene.services["segment_study"].call_args.args[0].roles[Sequence.T1].by_pixels


def test_a_choice_while_the_images_are_looked_at_stays(nameless, monkeypatch):
    scene, completed = nameless
    monkeypatch.setattr(sequence_naming, "completed", completed)
    scene.presenter.open_path(Path("folder"))
    scene.settle_until(lambda: scene.session.loaded is not None)
    scene.presenter.choose_role(Sequence.T1, "y")
    scene.cue.set()
    scene.settle()
    assert scene.session.roles[Sequence.T1].series_uid == "y"
    assert Sequence.T2 not in scene.session.roles
    assert scene.actions.segment


def test_what_the_images_do_not_tell_is_told_and_asked_once(nameless, monkeypatch):
    scene, _ = nameless
    error = InputError("What.", "Where.", "Remedy.")
    naming = MagicMock(side_effect=error)
    monkeypatch.setattr(sequence_naming, "completed", naming)
    scene.open()
    scene.view.show_error.assert_called_once_with(error)
    assert scene.actions.segment
    scene.presenter.choose_role(Sequence.T1, "x")
    scene.settle()
    naming.assert_called_once()
