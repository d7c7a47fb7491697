"""What stands in the views of the sequences: registered images, others, and why there is none."""

from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.session import Session
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study, roles_of
from ui.presenters.sequence_presenter import NOT_REGISTERED, SequencePresenter
from ui.views.sequences_view import SequenceImage, SequencesView
from ui.views.study_view import Comparison

STUDY = make_study()


def volume() -> Volume:
    return Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY)


class Scene:
    def __init__(self) -> None:
        self.view = MagicMock(spec=SequencesView)
        self.session = Session()
        self.registered: Comparison | None = None
        self.presenter = SequencePresenter(self.view, self.session, lambda: self.registered)
        self.session.set_studies((STUDY,))
        self.session.open_study(STUDY)

    @property
    def shown(self) -> dict[Sequence, SequenceImage]:
        images: dict[Sequence, SequenceImage] = self.view.show_sequence_images.call_args.args[0]
        return images

    def load(self) -> dict[Sequence, Volume]:
        volumes = {sequence: volume() for sequence in roles_of(STUDY)}
        loaded = LoadedStudy(roles_of(STUDY), volumes, 1.0)
        assert self.session.accept_loaded(loaded, self.session.generation)
        return volumes


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_images_as_loaded_say_that_they_are_not_registered(scene: Scene) -> None:
    volumes = scene.load()
    assert set(scene.shown) == set(Sequence)
    flair = scene.shown[Sequence.FLAIR]
    assert flair.volume is volumes[Sequence.FLAIR]
    assert (flair.series_uid, flair.note) == ("flair", NOT_REGISTERED)


def test_a_missing_sequence_says_so(scene: Scene) -> None:
    scene.load()
    assert scene.shown[Sequence.T2].volume is None
    assert scene.shown[Sequence.T2].note == "No series of this study is chosen for T2."


def test_what_is_registered_ahead_takes_their_place_and_keeps_the_series(scene: Scene) -> None:
    scene.load()
    moved = volume()
    scene.registered = Comparison({Sequence.FLAIR: moved}, GEOMETRY, "After registration.", {})
    scene.presenter.show()
    assert scene.shown[Sequence.FLAIR].volume is moved
    assert scene.shown[Sequence.FLAIR].series_uid == "flair"
    assert scene.shown[Sequence.FLAIR].note == ""


def test_an_image_that_could_not_be_registered_is_not_shown_as_if_it_were(scene: Scene) -> None:
    scene.load()
    message = "Could not be registered: the images share only 40 % of the head."
    scene.registered = Comparison(
        {Sequence.T1C: volume()}, GEOMETRY, "After registration.", {Sequence.FLAIR: message}
    )
    scene.presenter.show()
    assert scene.shown[Sequence.FLAIR].volume is None
    assert scene.shown[Sequence.FLAIR].note == f"Left out. {message}"


def test_a_result_and_another_study_are_followed(scene: Scene) -> None:
    scene.load()
    result = make_result(STUDY, np.zeros(GEOMETRY.shape_kji, np.uint8))
    scene.registered = Comparison(result.prepared.volumes, GEOMETRY, "After registration.", {})
    scene.session.accept_result(result, scene.session.generation)
    assert scene.shown[Sequence.T1C].volume is result.prepared.volumes[Sequence.T1C]
    scene.registered = None
    scene.session.open_study(None)
    assert all(one.volume is None and not one.note for one in scene.shown.values())
