"""Target lesions: the reader's choice, up to as many as RANO 2.0 adds up."""

from dataclasses import replace
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.lesion import Lesion
from desktop_app.services.session import Session
from tests.lesion_cases import LESIONS, lesion
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui.presenters.lesion_presenter import LesionPresenter
from ui.views.lesion_view import LesionListing, LesionRow, LesionView


class Scene:
    """A presenter whose view notes what is shown."""

    def __init__(self) -> None:
        self.view = MagicMock(spec=LesionView)
        self.session = Session()
        self.presenter = LesionPresenter(self.view, self.session)
        self.presenter.show(LESIONS)

    @property
    def listing(self) -> LesionListing:
        listing: LesionListing = self.view.show_lesions.call_args.args[0]
        return listing

    def row(self, number: int) -> LesionRow:
        return next(row for row in self.listing.rows if row.number == number)

    def tick(self, *numbers: int) -> None:
        for number in numbers:
            self.presenter.choose(number, True)

    @property
    def ticked(self) -> list[int]:
        shown = [row.number for row in self.listing.rows if row.is_target]
        assert shown == [one.number for one in self.presenter.targets]
        return shown


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_lesions_are_told_with_volume_diameters_and_worth(scene: Scene) -> None:
    one, thin = scene.row(1), scene.row(3)
    assert (one.volume_text, one.text) == ("5.00", "30 × 20 mm, axial slice 2")
    assert one.worth == "✓"
    assert one.middle == (15.0, 0.0, 100.0)
    assert "600 mm²" in one.note
    assert thin.worth == "too small"
    assert "shorter than 10 mm" in thin.note
    flat = replace(LESIONS[0].diameters, in_several_slices=False)
    scene.presenter.show((Lesion(1, 2000.0, flat),))
    assert scene.row(1).worth == "one slice"
    assert "None of them is measurable" in scene.listing.summary


def test_nothing_is_ticked_at_first(scene: Scene) -> None:
    assert scene.ticked == []
    assert "up to 3" in scene.listing.summary


def test_products_of_those_ticked_are_added_up(scene: Scene) -> None:
    scene.tick(2)
    assert "1 target lesion: 375 mm² (RANO 2.0" in scene.listing.summary
    scene.tick(1)
    assert scene.ticked == [1, 2]
    assert "2 target lesions: 975 mm²" in scene.listing.summary
    scene.presenter.choose(2, False)
    assert scene.ticked == [1]
    assert "600 mm²" in scene.listing.summary


def test_what_is_not_measurable_is_no_target(scene: Scene) -> None:
    assert not scene.row(3).can_be_chosen
    scene.tick(3)
    assert scene.ticked == []


def test_no_more_than_three(scene: Scene) -> None:
    scene.tick(1, 2, 4)
    assert [scene.row(n).can_be_chosen for n in (1, 2, 4, 5)] == [True, True, True, False]
    assert "at most" in scene.row(5).note
    scene.tick(5)
    assert scene.ticked == [1, 2, 4]
    scene.presenter.choose(1, False)
    assert scene.row(5).can_be_chosen


def test_ticks_stay_with_their_lesions_after_a_correction(scene: Scene) -> None:
    scene.tick(1, 2)
    scene.presenter.show(None)
    assert scene.listing is None
    # The second has become the largest, the first is gone, another one is new.
    grown = replace(lesion(2, 33, 24, at_mm=3.0), number=1, volume_mm3=9000.0)
    new = replace(lesion(9, 20, 15), number=2)
    scene.presenter.show((grown, new))
    assert scene.ticked == [1]
    assert "792 mm²" in scene.listing.summary


def test_one_lesion_inherits_one_tick(scene: Scene) -> None:
    near = replace(lesion(1, 20, 15, at_mm=4.0), number=2)
    scene.presenter.show((lesion(1, 30, 20), near))
    scene.tick(1, 2)
    scene.presenter.show((lesion(1, 34, 21, at_mm=2.0),))
    assert scene.ticked == [1]


def test_another_result_has_no_ticks(scene: Scene) -> None:
    scene.session.open_study(make_study())
    scene.tick(1)
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    scene.session.accept_result(make_result(make_study(), labels), scene.session.generation)
    assert scene.listing.rows == ()
    scene.presenter.show(LESIONS)
    assert scene.ticked == []


def open_result(scene: Scene, *targets: int) -> None:
    scene.session.open_study(make_study())
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    result = replace(make_result(make_study(), labels), targets=targets)
    scene.session.accept_result(result, scene.session.generation)


def test_the_choice_is_kept_with_the_result(scene: Scene) -> None:
    open_result(scene)
    scene.presenter.show(LESIONS)
    scene.tick(1, 2)
    assert scene.session.targets == (1, 2)
    scene.presenter.show((replace(lesion(2, 33, 24), number=1),))
    assert scene.session.targets == (1,)


def test_an_earlier_choice_is_ticked_once_the_lesions_are_measured(scene: Scene) -> None:
    open_result(scene, 2, 4)
    scene.presenter.show(None)
    assert scene.session.targets == (2, 4)
    scene.presenter.show(LESIONS)
    assert scene.ticked == [2, 4]
    assert scene.session.targets == (2, 4)
