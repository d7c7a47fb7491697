"""Series that no header names are named by their images, behind the study that is shown."""

from dataclasses import replace
from pathlib import Path
from threading import Event
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.preflight import Light
from desktop_app.domain.study import RoleProposal, Sequence
from desktop_app.errors import InputError
from desktop_app.io.scan import ScanResult
from desktop_app.services.opening import sequence_naming
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.opening.sequence_naming import NamedStudy
from tests.study_cases import make_series, make_study
from tests.study_scene import T1C

WHOLE = Geometry((40, 240, 240), np.diag([1.0, 1.0, 4.0, 1.0]))


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


def test_what_is_prepared_for_named_series_is_what_segmenting_uses(nameless, monkeypatch):
    scene, completed = nameless
    monkeypatch.setattr(sequence_naming, "completed", completed)
    scene.cue.set()
    scene.open()
    scene.settle_until(lambda: scene.presenter.preflight.is_prepared)
    assert scene.services["prepare_study"].call_args.args[2] is scene.session.loaded


def test_series_without_a_description_are_named_behind_the_images_that_are_known(
    nameless, monkeypatch
):
    scene, completed = nameless
    monkeypatch.setattr(sequence_naming, "completed", completed)
    scene.presenter.reading.open_path(Path("folder"))
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
    scene.presenter.reading.open_path(Path("folder"))
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
