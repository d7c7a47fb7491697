"""Correcting a result: strokes, undo, the corrected result."""

from dataclasses import replace

import numpy as np
import pytest

from desktop_app.domain.correction import PaintOver, Tool, ToolSettings
from desktop_app.domain.measurement import MeasurementKind
from desktop_app.domain.segmentation import (
    NO_ENHANCEMENT,
    NO_TUMOUR_FOUND,
    NO_TUMOUR_LEFT,
    Region,
)
from desktop_app.services.measuring.measure import volumes_mm3
from tests.correction_cases import AXIAL, BRUSH, at, middle, result_of, stroke
from tests.study_cases import GEOMETRY


def test_a_stroke_ends_up_in_the_result_and_its_volumes(correction):
    original = result_of(warnings=(NO_TUMOUR_FOUND, "Thick slices."))
    one = correction(original)
    assert one.result() is original
    assert stroke(one, BRUSH, at(*middle()), at(*middle(0, 0, 1)))
    corrected = one.result()
    voxels = int((corrected.segmentation.labels_kji == 3).sum())
    assert voxels > 0
    assert volumes_mm3(corrected.measurements)[Region.ET] == pytest.approx(
        voxels * GEOMETRY.voxel_volume_mm3
    )
    assert corrected.segmentation.warnings == ("Thick slices.",)
    assert corrected.segmentation.provenance.edited
    assert "by hand in 1 step" in corrected.segmentation.provenance.steps[-1]
    assert not original.segmentation.labels_kji.any()


def test_what_was_corrected_has_no_range(correction):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    volumes = [m for m in one.result().measurements if m.kind is MeasurementKind.VOLUME]
    assert all(volume.interval is None for volume in volumes)


def test_taking_everything_back_gives_the_original(correction):
    original = result_of()
    one = correction(original)
    stroke(one, BRUSH, at(*middle()))
    before = one.result()
    assert one.undo_title == "Paint enhancing tumour"
    assert one.undo()
    assert one.result() is original
    assert one.redo()
    assert np.array_equal(one.result().segmentation.labels_kji, before.segmentation.labels_kji)
    assert not one.redo()


def test_a_result_already_given_away_does_not_change(correction):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    given = one.result().segmentation.labels_kji.copy()
    kept = one.result()
    stroke(one, ToolSettings(value=0, radius_mm=50, is_ball=True), at(*middle()))
    assert np.array_equal(kept.segmentation.labels_kji, given)


def test_erasing_all_says_that_a_person_did(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[tuple(middle())] = 2
    one = correction(result_of(labels))
    stroke(one, ToolSettings(value=0), at(*middle()))
    assert one.result().segmentation.warnings == (NO_TUMOUR_LEFT,)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flat_brush_follows_the_plane_it_is_used_in(axis, correction):
    one = correction(result_of())
    normal = GEOMETRY.direction_lps[:, 2 - axis]
    stroke(one, BRUSH, at(*middle()), normal=normal)
    places = np.argwhere(one.labels_kji)
    assert set(places[:, axis].tolist()) == {middle()[axis]}
    assert len(places) > 1


def test_an_outline_is_filled_when_it_ends(correction):
    one = correction(result_of())
    outline = ToolSettings(Tool.OUTLINE, 2)
    k, j, i = middle()
    corners = [at(k, j - 2, i - 2), at(k, j - 2, i + 2), at(k, j + 2, i + 2), at(k, j + 2, i - 2)]
    assert not one.begin(outline, corners[0], AXIAL)
    for corner in corners[1:]:
        assert not one.extend(corner)
    assert one.finish()
    assert one.labels_kji[k, j, i] == 2
    assert one.undo_title == "Outline oedema"


def test_a_part_is_renamed_by_region_and_removed_whole(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    k, j, i = middle()
    labels[k, j - 2 : j + 3, i - 2 : i + 3] = 2
    labels[k, j, i] = 3
    labels[0, 0, 0] = 3
    one = correction(result_of(labels))
    assert stroke(one, ToolSettings(Tool.PART, 1), at(k, j, i))
    assert (one.labels_kji[k, j, i], one.labels_kji[0, 0, 0]) == (1, 3)
    assert stroke(one, ToolSettings(Tool.PART, 0), at(k, j, i))
    assert np.argwhere(one.labels_kji).tolist() == [[0, 0, 0]]
    assert not stroke(one, ToolSettings(Tool.PART, 0), at(k, j, i))
    assert not stroke(one, ToolSettings(Tool.PART, 0), at(-9, 0, 0))


def test_paint_can_be_held_inside_the_tumour(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    k, j, i = middle()
    labels[k, j, i] = 2
    one = correction(result_of(labels))
    stroke(one, ToolSettings(value=1, radius_mm=9, over=PaintOver.TUMOUR), at(k, j, i))
    assert (one.labels_kji == 1).sum() == 1


def test_a_part_is_meant_whole_whatever_drawing_may_change(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[tuple(middle())] = 2
    one = correction(result_of(labels))
    assert stroke(one, ToolSettings(Tool.PART, 1, over=PaintOver.BACKGROUND), at(*middle()))
    assert one.labels_kji[tuple(middle())] == 1


def test_whole_regions_wait_for_the_end_of_a_stroke(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[0, 0, 0] = 2
    one = correction(result_of(labels))
    one.begin(BRUSH, at(*middle()), AXIAL)
    assert not one.remove_specks(1e9)
    assert not one.undo()
    assert one.finish()
    assert one.remove_specks(1e9)


def test_whole_regions_are_changed_in_one_step_each(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[-1, 0, 0] = 3
    oedema = ToolSettings(value=2, radius_mm=1.2)
    one = correction(result_of(labels))
    for k in (0, 2):
        stroke(one, oedema, at(k, 2, 2))
    before = one.labels_kji.copy()
    assert one.fill_between(oedema)
    assert one.labels_kji[1, 2, 2] == 2
    assert one.undo_title == "Fill oedema between slices"
    assert one.remove_specks(2 * GEOMETRY.voxel_volume_mm3)
    assert not one.labels_kji[-1].any()
    for _ in range(2):
        assert one.undo()
    assert np.array_equal(one.labels_kji, before)


def test_a_core_without_enhancement_is_not_called_necrosis(correction):
    """The remark follows the labels: a person's enhancement takes it away, and undo brings it."""
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    k, j, i = middle()
    labels[k, j, i] = 1
    one = correction(result_of(labels, (NO_ENHANCEMENT, "Thick slices.")))
    stroke(one, replace(BRUSH, over=PaintOver.BACKGROUND), at(k, j, i))
    assert one.result().segmentation.warnings == ("Thick slices.",)
    stroke(one, replace(BRUSH, value=1), at(k, j, i))
    assert one.result().segmentation.warnings == (NO_ENHANCEMENT, "Thick slices.")
