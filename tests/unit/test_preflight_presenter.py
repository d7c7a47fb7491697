"""The table fills in behind the user's back and never with what belongs to another choice."""

from threading import Event
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.preflight import Aspect, Check, Light, Source
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.jobs.runner import JobRunner
from desktop_app.services.loaded_study import LoadedStudy
from desktop_app.services.preflight.pixels import PixelLook
from desktop_app.services.session import Session
from tests.study_cases import GEOMETRY, make_series, make_study, roles_of
from ui.presenters import preflight_presenter
from ui.presenters.preflight_presenter import PreflightPresenter
from ui.presenters.slots import slots_of
from ui.views.study_view import StudyView

VOLUME = Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY)
NOISY = Check(Aspect.QUALITY, Light.POOR, "Noisy.", Source.PIXELS)
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
        self.presenter = PreflightPresenter(self.view, self.session, runner, self.queue.append)
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

    def load(self):
        roles = roles_of(self.study)
        loaded = LoadedStudy(roles, dict.fromkeys(roles, VOLUME), 0.0)
        self.session.accept_loaded(loaded, self.session.generation)

    def settle(self):
        for job in tuple(self.presenter._jobs.values()):
            assert job.wait(10)
        while self.queue:
            self.queue.pop(0)()

    @property
    def flair(self):
        return self.view.show_slots.call_args.args[0][3]

    @property
    def verdict(self):
        return self.view.show_verdict.call_args.args[0]


@pytest.fixture
def scene(monkeypatch):
    runner = JobRunner()
    yield Scene(monkeypatch, runner)
    runner.close()


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
    scene.load()
    scene.settle()
    assert scene.presenter.can_compare
    scene.presenter.compare()
    comparison = scene.view.show_comparison.call_args.args[0]
    assert set(comparison.volumes) == {Sequence.T1C, Sequence.FLAIR}
    assert "not registered yet" in comparison.note


def test_too_few_series_are_refused_with_the_reason(scene):
    assert scene.presenter.can_segment
    scene.session.set_role(Sequence.FLAIR, None)
    assert not scene.presenter.can_segment
    assert scene.verdict.light is Light.POOR
    assert scene.verdict.sentence.startswith("Cannot be segmented")


def test_unusable_series_are_not_offered(scene):
    slot = slots_of(scene.study, scene.presenter._preflight(scene.study))[0]
    assert [choice.series_uid for choice in slot.choices] == ["", "t1c", "flair"]
    assert slot.choices[1].text == "5: t1c (240×240×40, 4.0 mm)"
