"""A study is prepared and segmented, and what the window says of the result."""

import time
from dataclasses import replace
from threading import Event

from desktop_app.domain.segmentation import NO_TUMOUR_FOUND
from desktop_app.domain.study import Sequence
from desktop_app.errors import InputError
from desktop_app.services.measuring.targets import TARGETS_LOST
from desktop_app.services.session_changes import ResultAwaited
from tests.study_scene import shown_result


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
    found = shown_result(scene.study)
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
    scene.services["segment_study"].return_value = shown_result(scene.study, empty=True)
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


def test_a_result_of_an_earlier_choice_is_dropped(scene):
    scene.open()
    result, generation = shown_result(scene.study), scene.session.generation
    scene.presenter.choose_role(Sequence.FLAIR, "")
    scene.settle()
    assert not scene.session.accept_result(result, generation)
    assert scene.session.result is None
