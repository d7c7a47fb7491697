"""The table fills in behind the user's back and never with what belongs to another choice."""

import time
from dataclasses import replace
from threading import Event
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.preflight import Aspect, Check, Light, Source
from desktop_app.domain.provenance import UNKNOWN
from desktop_app.domain.registration import Registration
from desktop_app.domain.result import PreparedStudy
from desktop_app.domain.sequence_choice import Finding, PixelFinding
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.jobs.runner import Lane
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.preflight.pixels import PixelLook
from desktop_app.services.session import Session
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_series, make_study, roles_of
from ui.presenters import preflight_presenter
from ui.presenters.preflight_presenter import PreflightPresenter
from ui.presenters.slots import slots_of
from ui.views.study_view import StudyView

VOLUME = Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY)
NOISY = Check(Aspect.QUALITY, Light.POOR, "Noisy.", Source.PIXELS)
SHARED = Registration(GEOMETRY, 0.9, True, 1.0, 0.5, "Moved by 1.0 mm.")
PREPARED = PreparedStudy(
    np.ones((4, *GEOMETRY.shape_kji), np.float32),
    GEOMETRY,
    np.ones(GEOMETRY.shape_kji, bool),
    VOLUME,
    Sequence.T1C,
    {Sequence.T1C: VOLUME, Sequence.FLAIR: replace(VOLUME)},
    {Sequence.FLAIR: SHARED},
)
WHOLE = Geometry((40, 240, 240), np.diag([1.0, 1.0, 4.0, 1.0]))
PICTURE = np.zeros((8, 8), np.uint8)


class Scene:
    def __init__(self, monkeypatch, runner):
        self.queue = []
        self.view = MagicMock(spec=StudyView)
        self.session = Session()
        self.look = MagicMock(
            side_effect=lambda volumes, **_: {s: PixelLook((NOISY,), PICTURE) for s in volumes}
        )
        monkeypatch.setattr(preflight_presenter, "look_at_pixels", self.look)
        self.prepare = MagicMock(side_effect=self._prepared)
        self.presenter = PreflightPresenter(
            self.view, self.session, runner, self.queue.append, self._preparation
        )
        self.session.subscribe(self.presenter.on_change)
        self.study = make_study(
            series=(
                make_series("t1c", number=5, geometry=WHOLE),
                make_series("flair", geometry=WHOLE),
                make_series("bad", usable=False),
            )
        )
        self.session.set_studies((self.study,))
        self.session.open_study(self.study)

    def _preparation(self):
        return None if self.session.loaded is None else self.prepare

    def _prepared(self, _progress, _token):
        return PREPARED

    def load(self):
        roles = roles_of(self.study)
        loaded = LoadedStudy(roles, dict.fromkeys(roles, VOLUME), 0.0)
        self.session.accept_loaded(loaded, self.session.generation)

    def settle(self):
        self.run_until(lambda: not self.presenter._jobs and not self.queue)

    def run_until(self, condition):
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            if self.queue:
                self.queue.pop(0)()
            time.sleep(0.001)

    @property
    def flair(self):
        return self.view.show_slots.call_args.args[0][3]

    @property
    def verdict(self):
        return self.view.show_verdict.call_args.args[0]


@pytest.fixture
def scene(monkeypatch, runner):
    return Scene(monkeypatch, runner)


def test_headers_are_shown_at_once_without_a_job(scene):
    assert scene.flair.light is Light.FAIR
    assert scene.flair.thumbnail_yx is None
    assert not scene.verdict.is_looking
    scene.look.assert_not_called()


def test_pixels_are_looked_at_in_the_background_and_filled_in(scene):
    go = Event()
    looked = scene.look.side_effect
    scene.look.side_effect = lambda volumes, **_: go.wait(10) and looked(volumes)
    scene.load()
    assert scene.verdict.is_looking
    assert NOISY not in scene.flair.checks
    go.set()
    scene.settle()
    assert not scene.verdict.is_looking
    assert (scene.flair.light, scene.flair.sentence) == (Light.POOR, "Noisy.")
    assert scene.flair.thumbnail_yx is PICTURE
    assert "Can be segmented, but" in scene.verdict.sentence


def test_a_look_at_an_earlier_choice_is_dropped(scene):
    go = Event()
    looked = scene.look.side_effect
    scene.look.side_effect = lambda volumes, **_: go.wait(10) and looked(volumes)
    scene.load()
    job = scene.presenter._jobs["look"]
    scene.session.set_role(Sequence.FLAIR, None)
    go.set()
    assert job.wait(10)
    scene.settle()
    assert not scene.presenter.busy
    assert scene.flair.word == "missing"
    assert scene.view.show_slots.call_args.args[0][1].thumbnail_yx is None


def test_a_defect_while_looking_is_told(scene):
    scene.look.side_effect = ZeroDivisionError
    scene.load()
    scene.settle()
    assert "ZeroDivisionError" in scene.view.show_crash.call_args.args[0]
    assert not scene.verdict.is_looking


def test_two_images_can_be_laid_over_each_other_as_their_headers_place_them(scene):
    assert not scene.presenter.can_compare
    scene.prepare.side_effect = InputError("Doubtful.", "", "")
    scene.load()
    scene.settle()
    assert scene.presenter.can_compare
    scene.presenter.compare()
    comparison = scene.view.show_comparison.call_args.args[0]
    assert set(comparison.volumes) == {Sequence.T1C, Sequence.FLAIR}
    assert "not registered yet" in comparison.note


def test_the_study_is_prepared_once_its_pixels_were_looked_at(scene):
    scene.prepare.side_effect = lambda *_: scene.look.assert_called_once() or PREPARED
    scene.load()
    scene.settle()
    scene.prepare.assert_called_once()
    registered = [c for c in scene.flair.checks if c.aspect is Aspect.REGISTRATION]
    assert [check.sentence for check in registered] == ["Moved by 1.0 mm."]
    scene.presenter.compare()
    comparison = scene.view.show_comparison.call_args.args[0]
    assert comparison.volumes == dict(PREPARED.volumes)
    assert comparison.note == "After registration."


def test_registered_images_are_told_once_they_are_there_and_forgotten_with_them(scene):
    told = []
    scene.presenter.on_prepared = lambda: told.append(scene.presenter.registered)
    scene.load()
    assert scene.presenter.registered is None
    scene.settle()
    assert [one.volumes for one in told] == [PREPARED.volumes]
    assert told[0].messages == {Sequence.FLAIR: "Moved by 1.0 mm."}
    scene.load()
    assert scene.presenter.registered is None


def test_nothing_is_prepared_that_could_not_be_segmented(scene):
    scene.session.set_role(Sequence.FLAIR, None)
    scene.load()
    scene.settle()
    scene.look.assert_called_once()
    scene.prepare.assert_not_called()


def test_nothing_is_prepared_before_every_series_is_named(scene):
    scene.load()
    scene.presenter.set_naming(True)
    scene.settle()
    scene.prepare.assert_not_called()
    scene.presenter.set_naming(False)
    scene.settle()
    scene.prepare.assert_called_once()


def test_a_doubt_is_said_until_the_choice_is_confirmed(scene):
    scene.prepare.side_effect = InputError("It is not certain which is which.", "", "")
    scene.load()
    scene.settle()
    assert scene.verdict.light is Light.POOR
    assert scene.verdict.sentence == "It is not certain which is which."
    scene.view.show_error.assert_not_called()
    scene.prepare.side_effect = lambda *_: PREPARED
    scene.session.set_role(Sequence.FLAIR, "flair")
    scene.presenter.reconsider()
    scene.settle()
    assert "Can be segmented" in scene.verdict.sentence


def test_a_choice_made_meanwhile_drops_what_was_prepared_for_another(scene):
    started, go = Event(), Event()
    scene.prepare.side_effect = lambda *_: (started.set(), go.wait(10), PREPARED)[-1]
    scene.load()
    scene.run_until(started.is_set)
    job = scene.presenter._jobs["prepare"]
    scene.session.set_role(Sequence.FLAIR, None)
    go.set()
    assert job.wait(10)
    scene.settle()
    assert scene.presenter._ahead is None
    assert not scene.presenter.busy


def test_images_that_would_change_places_are_judged_by_the_names_they_have(scene):
    swapped = {
        one: PixelFinding(given, Finding.CORRECTED, 5.0, "Swapped.")
        for one, given in ((Sequence.T1C, Sequence.FLAIR), (Sequence.FLAIR, Sequence.T1C))
    }
    scene.prepare.side_effect = lambda *_: replace(PREPARED, findings=swapped)
    scene.load()
    scene.settle()
    scene.view.show_crash.assert_not_called()
    # What serves as FLAIR and was registered is in the row of T1c yet.
    t1c = scene.view.show_slots.call_args.args[0][1]
    assert "Moved by 1.0 mm." in [check.sentence for check in t1c.checks]
    assert "Swapped." in [check.sentence for check in scene.flair.checks]
    scene.presenter.compare()
    compared = scene.view.show_comparison.call_args.args[0]
    assert compared.volumes[Sequence.T1C] is PREPARED.volumes[Sequence.FLAIR]
    assert compared.messages == {Sequence.T1C: "Moved by 1.0 mm."}


def test_a_choice_confirmed_meanwhile_asks_again_without_stopping_what_runs(scene):
    started, go = Event(), Event()
    scene.prepare.side_effect = lambda *_: (started.set(), go.wait(10), PREPARED)[-1]
    scene.load()
    scene.run_until(started.is_set)
    job = scene.presenter._jobs["prepare"]
    scene.session.set_role(Sequence.FLAIR, "flair")
    scene.presenter.reconsider()
    assert scene.presenter._jobs["prepare"] is job
    go.set()
    scene.settle()
    assert scene.prepare.call_count == 2
    assert scene.presenter.is_prepared


def test_images_read_anew_are_prepared_anew(scene):
    scene.load()
    scene.settle()
    scene.load()
    scene.settle()
    assert scene.prepare.call_count == 2


def test_the_study_is_prepared_beside_a_batch(scene, runner):
    busy = Event()
    runner.submit(lambda *_: busy.wait(10), lambda _: None, lane=Lane.COMPUTE)
    scene.load()
    scene.settle()
    busy.set()
    assert scene.presenter.is_prepared


def test_too_few_series_are_refused_with_the_reason(scene):
    assert scene.presenter.can_segment
    scene.presenter.show()
    assert not scene.verdict.refuses
    scene.session.set_role(Sequence.FLAIR, None)
    assert not scene.presenter.can_segment
    assert scene.verdict.refuses
    assert scene.verdict.light is Light.POOR
    assert scene.verdict.sentence.startswith("Cannot be segmented")


def test_unusable_series_are_not_offered(scene):
    slot = slots_of(scene.study, scene.presenter._preflight(scene.study))[0]
    assert [choice.series_uid for choice in slot.choices] == ["", "t1c", "flair"]
    assert slot.choices[1].text == "5: t1c (240×240×40, 4.0 mm)"


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ({}, "Segmented"),
        ({"labels_of": "seg.nii.gz"}, "Labels opened from a file. "),
        ({"model_id": UNKNOWN}, "Labels opened from a file. "),
    ],
)
def test_labels_of_a_file_are_not_called_segmented(scene, origin, said):
    result = make_result(scene.study, np.ones(GEOMETRY.shape_kji, np.uint8))
    provenance = replace(result.segmentation.provenance, **origin)
    segmentation = replace(result.segmentation, provenance=provenance)
    result = replace(result, segmentation=segmentation)
    scene.session.accept_result(result, scene.session.generation)
    scene.settle()
    assert scene.verdict.sentence.startswith(said)
