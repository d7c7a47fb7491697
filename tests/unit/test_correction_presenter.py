"""From the hand over the slices to the session, without a window."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.chances import Chances
from desktop_app.domain.correction import Tool, ToolSettings
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence
from desktop_app.services.session import Session
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui.presenters.correction_presenter import CorrectionPresenter
from ui.views.correction_view import CorrectionView

AXIAL = np.array([0.0, 0.0, 1.0])
BRUSH = ToolSettings(Tool.BRUSH, 3, 1.5)
MIDDLE = GEOMETRY.to_patient_mm(np.array([2.0, 2.0, 3.0]))


class Scene:
    def __init__(self, folder):
        self.folder = folder
        self.start()

    def start(self):
        self.view = MagicMock(spec=CorrectionView)
        self.session = Session()
        self.presenter = CorrectionPresenter(self.view, self.session, self.folder)
        self.session.open_study(make_study())

    def segment(self, study=None):
        result = make_result(study or make_study(), np.zeros(GEOMETRY.shape_kji, np.uint8))
        self.session.accept_result(result, self.session.generation)
        return result

    def stroke(self):
        self.presenter.set_active(True)
        self.presenter.begin(BRUSH, MIDDLE, AXIAL)
        self.presenter.extend(MIDDLE + 0.5)
        self.presenter.finish()

    def export(self, *, holds_labels=True):
        result, lineage = self.session.result, self.session.lineage
        self.session.note_written(result, Path("out/study"), lineage, holds_labels=holds_labels)

    @property
    def state(self):
        return self.view.show_correction.call_args.args[0]


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_there_is_nothing_to_correct_before_a_result(scene):
    assert not scene.state.is_possible
    scene.stroke()
    assert not scene.state.is_active
    scene.segment()
    assert scene.state.is_possible
    assert not scene.state.is_active
    labels, before, geometry = scene.view.show_live_labels.call_args.args
    assert labels.shape == geometry.shape_kji
    assert before is scene.session.result.segmentation.labels_kji


def test_the_tools_are_told_where_nothing_divides_the_core(scene):
    result = scene.segment()
    assert not scene.state.is_core_whole
    undivided = replace(result.segmentation, shows_enhancement=False)
    scene.session.accept_result(replace(result, segmentation=undivided), scene.session.generation)
    assert scene.state.is_core_whole


def test_a_stroke_changes_the_shown_labels_in_place_and_the_result(scene):
    original = scene.segment()
    labels, *_ = scene.view.show_live_labels.call_args.args
    scene.presenter.set_active(True)
    scene.presenter.begin(BRUSH, MIDDLE, AXIAL)
    assert labels[2, 2, 3] == 3
    scene.view.refresh_labels.assert_called_once_with()
    assert scene.session.result is original
    scene.presenter.finish()
    assert scene.session.result.segmentation.labels_kji[2, 2, 3] == 3
    assert scene.presenter.is_unsaved
    assert scene.state.undo_title == "Paint enhancing tumour"
    scene.presenter.undo()
    assert scene.session.result is original
    assert not scene.presenter.is_unsaved
    assert scene.state.redo_title == "Paint enhancing tumour"
    scene.presenter.redo()
    assert labels[2, 2, 3] == 3


def test_with_the_tools_away_nothing_is_painted(scene):
    original = scene.segment()
    scene.presenter.begin(BRUSH, MIDDLE, AXIAL)
    scene.presenter.extend(MIDDLE)
    scene.presenter.finish()
    assert scene.session.result is original


def test_a_stroke_that_is_given_up_leaves_no_trace(scene, tmp_path):
    original = scene.segment()
    labels, *_ = scene.view.show_live_labels.call_args.args
    scene.presenter.set_active(True)
    scene.presenter.begin(BRUSH, MIDDLE, AXIAL)
    scene.presenter.extend(MIDDLE + 0.5)
    assert labels.any()
    scene.view.refresh_labels.reset_mock()
    scene.presenter.cancel()
    assert not labels.any()
    scene.view.refresh_labels.assert_called_once_with()
    scene.presenter.finish()
    assert scene.session.result is original
    assert not scene.state.undo_title
    assert not scene.state.drawn_plane
    assert not list(tmp_path.iterdir())
    scene.stroke()
    scene.presenter.undo()
    assert not labels.any()


def test_whole_region_changes_reach_the_session(scene):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[:2] = 2
    labels[3, 0, 0] = 3
    scene.session.accept_result(make_result(make_study(), labels), scene.session.generation)
    before = scene.session.result
    scene.presenter.remove_specks()
    assert scene.session.result is not before
    assert not scene.session.result.segmentation.labels_kji[3].any()
    assert scene.state.outcome == "1 part removed, 0.01 cm³."
    scene.presenter.fill_between(BRUSH)
    assert scene.state.undo_title == "Remove small parts"
    assert scene.state.outcome.startswith("Nothing to fill")
    assert not scene.state.drawn_plane
    scene.stroke()
    assert scene.state.drawn_plane == "axial"
    assert not scene.state.outcome


def test_corrections_of_a_crashed_window_are_offered(scene):
    scene.segment()
    scene.stroke()
    corrected = scene.session.result.segmentation.labels_kji
    scene.start()  # as after a crash: nothing was closed
    scene.segment()
    _started, count, answer = scene.view.offer_restore.call_args.args
    assert count == 1
    answer(True)
    assert np.array_equal(scene.session.result.segmentation.labels_kji, corrected)
    assert scene.presenter.is_unsaved


def test_corrections_that_are_kept_are_told_when_the_study_is_opened(scene):
    scene.segment()
    scene.stroke()
    scene.start()  # as after a crash
    told = scene.state.outcome
    assert "never exported" in told
    assert "Segment on series 5, or open its result, to" in told
    assert not scene.state.is_possible
    scene.session.set_role(Sequence.T1C, "flair")
    assert scene.state.outcome == told
    study = scene.session.study
    other = replace(
        make_result(study, np.zeros(GEOMETRY.shape_kji, np.uint8)),
        roles={Sequence.T1C: study.series_by_uid("flair")},
    )
    scene.session.accept_result(other, scene.session.generation)
    scene.view.offer_restore.assert_not_called()
    assert scene.state.outcome == told
    scene.stroke()
    assert not scene.state.outcome
    scene.session.open_study(make_study(study_uid="2"))
    assert not scene.state.outcome


def test_corrections_are_told_no_more_once_they_were_asked_for(scene):
    scene.segment()
    scene.stroke()
    scene.start()
    scene.segment()
    scene.view.offer_restore.assert_called_once()
    assert not scene.state.outcome


def test_corrections_given_up_are_not_told_as_kept(scene):
    scene.segment()
    scene.stroke()
    scene.session.open_study(make_study())
    assert not scene.state.outcome


def test_kept_corrections_are_told_no_more_once_all_are_forgotten(scene):
    scene.segment()
    scene.stroke()
    scene.start()
    scene.presenter.forget()
    assert not scene.state.outcome


def test_declined_exported_and_left_corrections_are_not_offered_again(scene, tmp_path):
    scene.segment()
    scene.stroke()
    scene.start()
    scene.segment()
    scene.view.offer_restore.call_args.args[2](False)
    assert not list(tmp_path.iterdir())
    scene.stroke()
    assert list(tmp_path.iterdir())
    scene.export()
    assert not list(tmp_path.iterdir())
    assert not scene.presenter.is_unsaved
    scene.stroke()
    scene.presenter.undo()
    scene.stroke()
    assert list(tmp_path.iterdir())
    scene.session.open_study(make_study(study_uid="2"))
    assert not list(tmp_path.iterdir())
    assert not scene.state.is_possible


def test_what_cannot_be_written_down_is_told_once_and_stays(tmp_path):
    (tmp_path / "file").touch()
    scene = Scene(tmp_path / "file")
    scene.segment()
    scene.stroke()
    assert "written down" in scene.view.show_error.call_args.args[0].title
    assert scene.session.result.segmentation.labels_kji.any()
    scene.presenter.undo()
    scene.view.show_error.assert_called_once()
    scene.presenter.close()


def test_an_answer_that_comes_too_late_changes_nothing(scene):
    scene.segment()
    scene.stroke()
    scene.start()
    scene.segment()
    answer = scene.view.offer_restore.call_args.args[2]
    other = scene.segment()
    answer(True)
    assert scene.session.result is other


def test_an_offer_that_nobody_answered_is_made_again(scene):
    scene.segment()
    scene.stroke()
    scene.start()
    scene.segment()
    scene.presenter.close()
    scene.start()
    scene.segment()
    scene.view.offer_restore.assert_called_once()


def test_a_change_that_changes_nothing_leaves_the_export_valid(scene):
    scene.segment()
    scene.stroke()
    scene.export()
    scene.presenter.redo()
    scene.presenter.fill_between(BRUSH)
    scene.presenter.begin(BRUSH, MIDDLE, AXIAL)
    scene.presenter.finish()
    assert scene.session.saved


def test_corrections_stay_written_down_until_their_labels_are_exported(scene, tmp_path):
    scene.segment()
    scene.stroke()
    scene.export(holds_labels=False)
    assert list(tmp_path.iterdir())
    assert scene.presenter.is_unsaved
    scene.export()
    assert not list(tmp_path.iterdir())
    assert not scene.presenter.is_unsaved


@pytest.mark.parametrize("end", ["put away", "exported", "moved on"])
def test_what_a_command_did_is_told_until_its_user_goes_on(scene, end):
    scene.segment()
    scene.stroke()
    if end == "moved on":
        scene.presenter.set_active(False)
    scene.presenter.undo()
    scene.presenter.redo()
    assert scene.state.outcome.startswith("Done again")
    if end == "put away":
        scene.presenter.move_on()
        assert scene.state.outcome.startswith("Done again")
        scene.presenter.set_active(False)
    elif end == "exported":
        scene.export()
    else:
        scene.presenter.move_on()
    assert not scene.state.outcome
    scene.presenter.set_active(True)
    scene.presenter.begin(BRUSH, MIDDLE, AXIAL)
    scene.presenter.cancel()
    assert not scene.state.outcome


def test_nothing_is_drawn_that_a_result_on_its_way_would_take_away(scene):
    scene.segment()
    scene.stroke()
    drawn = scene.session.result
    scene.session.await_result(True)
    assert not scene.state.is_possible
    assert not scene.state.is_active
    scene.stroke()
    scene.presenter.undo()
    assert scene.session.result is drawn
    scene.session.await_result(False)
    assert scene.state.is_possible
    scene.presenter.undo()
    assert not scene.session.result.segmentation.provenance.edited


def test_the_networks_limits_are_told_while_their_sliders_are_out(scene):
    original = scene.segment()
    scene.presenter.set_active(True)
    scene.presenter.show_limits(True)
    assert scene.state.limits is None  # these labels came without the network's chances
    chances = np.full((3, *GEOMETRY.shape_kji), 0.4, np.float16)
    result = replace(original, chances=Chances(chances, GEOMETRY))
    scene.session.accept_result(result, scene.session.generation)
    scene.presenter.set_active(True)
    assert set(scene.state.limits) == {Region.WT, Region.TC, Region.ET}
    scene.presenter.show_limits(False)
    assert scene.state.limits is None


def test_a_slide_becomes_one_correction_when_it_ends(scene):
    chances = np.full((3, *GEOMETRY.shape_kji), 0.4, np.float16)
    result = replace(scene.segment(), chances=Chances(chances, GEOMETRY))
    scene.session.accept_result(result, scene.session.generation)
    scene.presenter.redraw(Region.TC, 0.2)
    assert scene.session.result is result  # the tools are not out
    scene.presenter.set_active(True)
    scene.presenter.show_limits(True)
    scene.view.refresh_labels.reset_mock()
    scene.presenter.redraw(Region.TC, 0.5)
    scene.presenter.redraw(Region.TC, 0.2)
    scene.view.refresh_labels.assert_called_once_with()
    assert scene.session.result is result
    scene.presenter.finish_redraw()
    assert scene.session.result.segmentation.labels_kji.all()
    assert scene.presenter.is_unsaved
    assert scene.state.limits[Region.TC] == 0.2
    assert "more than 20 % sure" in scene.state.outcome
    scene.presenter.undo()
    assert scene.session.result is result


def test_putting_the_tools_away_ends_a_slide(scene):
    chances = np.full((3, *GEOMETRY.shape_kji), 0.4, np.float16)
    result = replace(scene.segment(), chances=Chances(chances, GEOMETRY))
    scene.session.accept_result(result, scene.session.generation)
    scene.presenter.set_active(True)
    scene.presenter.redraw(Region.TC, 0.2)
    scene.presenter.set_active(False)
    assert scene.session.result.segmentation.provenance.edited


@pytest.fixture
def sliding(scene):
    """A scene whose tools are out and whose network knew of something everywhere."""
    chances = np.full((3, *GEOMETRY.shape_kji), 0.4, np.float16)
    result = replace(scene.segment(), chances=Chances(chances, GEOMETRY))
    scene.session.accept_result(result, scene.session.generation)
    scene.presenter.set_active(True)
    return scene


def shown_labels(scene):
    labels, *_ = scene.view.show_live_labels.call_args.args
    return labels


def test_a_stroke_that_is_given_up_leaves_the_slide_before_it(sliding):
    sliding.presenter.redraw(Region.TC, 0.2)
    sliding.presenter.begin(BRUSH, MIDDLE, AXIAL)
    sliding.presenter.cancel()
    assert shown_labels(sliding).all()
    assert np.array_equal(shown_labels(sliding), sliding.session.result.segmentation.labels_kji)


@pytest.mark.parametrize(
    "command",
    [
        lambda one: one.redo(),
        lambda one: one.undo(),
        lambda one: one.smooth(),
        lambda one: one.remove_specks(),
        lambda one: one.fill_between(BRUSH),
    ],
)
def test_a_command_ends_a_slide_and_the_result_follows(sliding, command):
    sliding.stroke()
    sliding.presenter.undo()
    sliding.presenter.redraw(Region.TC, 0.2)
    command(sliding.presenter)
    assert np.array_equal(shown_labels(sliding), sliding.session.result.segmentation.labels_kji)
