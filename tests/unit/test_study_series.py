"""Other series are chosen for a sequence, or looked at beside those that are used."""

from dataclasses import replace
from unittest.mock import MagicMock

import pytest

from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.io.scan import ScanResult
from tests.study_cases import GEOMETRY, make_series, make_study
from tests.study_scene import FLAIR, T1C, shown_as, shown_result
from ui.presenters import other_series


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
    scene.presenter.image.choose(Sequence.FLAIR)
    scene.view.show_image.reset_mock()
    scene.presenter.choose_role(Sequence.T1C, "flair")
    assert dict(scene.session.loaded.volumes) == {Sequence.T1C: FLAIR, Sequence.FLAIR: T1C}
    assert scene.session.chosen_by_user == {Sequence.T1C, Sequence.FLAIR}
    scene.settle()
    scene.services["load_study"].assert_called_once()
    shown = [call.kwargs["reference"] for call in scene.view.show_image.call_args_list]
    assert all(reference is not None for reference in shown)
    assert scene.presenter.image.sequence is Sequence.FLAIR
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


def test_to_overrule_the_pixels_by_the_headers_choice_drops_the_result(scene):
    """The table shows the result's series; the headers' choice is another one then."""
    scene.open()
    by_headers = dict(scene.session.roles)
    exchanged = {
        Sequence.T1C: by_headers[Sequence.FLAIR],
        Sequence.FLAIR: by_headers[Sequence.T1C],
    }
    result = replace(shown_result(scene.study), roles=exchanged)
    scene.services["segment_study"].return_value = result
    scene.presenter.segment()
    scene.settle()
    assert scene.session.result is result
    scene.presenter.choose_role(Sequence.T1C, by_headers[Sequence.T1C].series_uid)
    scene.settle()
    assert scene.session.result is None
    assert dict(scene.session.roles) == by_headers
    assert Sequence.T1C in scene.session.chosen_by_user


def test_another_sequence_keeps_the_planes_of_the_reference(scene):
    scene.open()
    scene.presenter.image.choose(Sequence.FLAIR)
    assert scene.view.show_image.call_args.args == (FLAIR,)
    assert shown_as(scene) == (T1C, "flair", Sequence.FLAIR)
    scene.view.show_image.reset_mock()
    scene.presenter.image.choose(Sequence.T2)
    scene.view.show_image.assert_not_called()


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
    scene.presenter.image.others.choose("swi")
    assert other_choices(scene) == (["swi"], "swi", "Reading …")
    scene.settle_until(lambda: scene.presenter.image.others.volume is not None)
    shown = scene.view.show_image.call_args
    assert shown.args[0].source == "Not used for segmentation: swi"
    # Its own, so that its window is there when it is looked at again
    assert shown_as(scene) == (T1C, "swi", None)
    assert scene.view.show_sequences.call_args.args[1] is None
    assert other_choices(scene)[2] == "Not used for segmentation: swi"
    scene.presenter.image.choose(Sequence.FLAIR)
    assert scene.view.show_image.call_args.args == (FLAIR,)
    assert other_choices(scene) == (["swi"], "", "")


def test_a_series_that_is_given_a_role_is_no_other_any_more(with_swi):
    scene, _ = with_swi
    scene.presenter.image.others.choose("swi")
    scene.presenter.choose_role(Sequence.T2, "swi")
    scene.settle()
    assert other_choices(scene) == ([], "", "")
    assert scene.presenter.image.others.volume is None


def test_a_series_that_cannot_be_shown_is_told(with_swi):
    scene, load = with_swi
    error = load.side_effect = InputError("What.", "Where.", "Remedy.")
    scene.presenter.image.others.choose("swi")
    scene.settle_until(lambda: scene.view.show_error.called)
    scene.view.show_error.assert_called_once_with(error)
    assert other_choices(scene) == (["swi"], "", "")
