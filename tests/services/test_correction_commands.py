"""Filling, smoothing and tidying up by command, and what is said of it."""

from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.correction import PaintOver, Tool, ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.measurement import AnatomicalPlane
from desktop_app.domain.segmentation import Region
from desktop_app.domain.volume import Volume
from desktop_app.services.correction.correction import Correction
from tests.result_cases import make_result
from tests.study_cases import make_study

GRID = Geometry((24, 40, 40), np.eye(4))
AXIAL, CORONAL = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
BRUSH = ToolSettings(Tool.BRUSH, 3, 5.0)


def at(k, j, i):
    return GRID.to_patient_mm(np.array([k, j, i], float))


def result_of(labels=None, image=None):
    labels = np.zeros(GRID.shape_kji, np.uint8) if labels is None else labels
    image = np.ones(GRID.shape_kji, np.float32) if image is None else image
    return make_result(make_study(), labels, image=Volume(image, GRID))


@pytest.fixture
def corrected_grid(tmp_path: Path):
    return lambda *given, **named: Correction(result_of(*given, **named), tmp_path)


def dab(one, k, j, i, settings=BRUSH, normal=AXIAL):
    one.begin(settings, at(k, j, i), normal)
    return one.finish()


def slices_of(labels, value=3):
    return np.flatnonzero((labels == value).any(axis=(1, 2))).tolist()


def oedema():
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[1:23, 4:36, 4:36] = 2
    return labels


def test_what_was_drawn_inside_oedema_is_filled_over_it(corrected_grid):
    one = corrected_grid(oedema())
    for level in (4, 8, 12):
        dab(one, level, 20, 20)
    assert one.drawn_plane is AnatomicalPlane.AXIAL
    assert one.fill_between(BRUSH)
    assert slices_of(one.labels_kji) == list(range(4, 13))
    assert one.outcome.startswith("Filled 6 axial slices: ET +0.")
    assert one.undo_title == "Fill enhancing tumour between slices"
    assert one.undo()
    assert slices_of(one.labels_kji) == [4, 8, 12]
    assert one.outcome.startswith("Undone: fill enhancing tumour between slices; ED ")


@pytest.mark.parametrize(
    "limit",
    [
        {"over": PaintOver.BACKGROUND},
        {"only_over": 1},
        {"hidden": frozenset({2})},
    ],
)
def test_filling_keeps_to_what_may_be_painted_over(limit, corrected_grid):
    one = corrected_grid(oedema())
    for level in (4, 8):
        dab(one, level, 20, 20)
    assert not one.fill_between(ToolSettings(value=3, **limit))
    assert "may not be changed" in one.outcome
    assert one.fill_between(ToolSettings(value=3, only_over=2))


def test_filling_keeps_to_similar_brightness(corrected_grid):
    image = np.full(GRID.shape_kji, 100.0, np.float32)
    image[:, :, 22:] = 200.0
    image[0] = 0.0
    one = corrected_grid(image=image)
    for level in (4, 8):
        dab(one, level, 20, 20)
    assert one.fill_between(ToolSettings(value=3, over=PaintOver.SIMILAR))
    filled = one.labels_kji[5:8] == 3
    assert filled[:, :, :22].any()
    assert not filled[:, :, 22:].any()


def test_another_lesion_marked_in_all_slices_neither_stops_nor_grows(corrected_grid):
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[2:22, 2:8, 2:8] = 3
    labels[[2, 20], 30:36, 2:8] = 3  # the network's own, far apart
    one = corrected_grid(labels)
    for level in (4, 8):
        dab(one, level, 20, 20)
    assert one.fill_between(BRUSH)
    changed = np.argwhere(one.labels_kji != labels)
    assert changed[:, 2].min() >= 15
    assert one.labels_kji[6, 20, 20] == 3


def test_an_eraser_in_another_plane_does_not_turn_the_filling(corrected_grid):
    one = corrected_grid()
    for level in (4, 8):
        dab(one, level, 20, 20)
    dab(one, 15, 3, 3, ToolSettings(value=0), CORONAL)
    assert one.drawn_plane is AnatomicalPlane.AXIAL
    assert one.fill_between(BRUSH)
    dab(one, 20, 30, 30, normal=CORONAL)
    assert one.drawn_plane is AnatomicalPlane.CORONAL


def test_what_was_taken_back_is_not_filled_towards(corrected_grid):
    one = corrected_grid()
    for level in (4, 8):
        dab(one, level, 20, 20)
    one.undo()
    assert not one.fill_between(BRUSH)
    assert one.outcome == (
        "Nothing to fill: draw enhancing tumour in two axial slices or more and leave some out "
        "between."
    )
    one.redo()
    assert one.fill_between(BRUSH)


def test_a_slice_drawn_over_as_it_was_counts_as_drawn(corrected_grid):
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[4, 12:28, 12:28] = 3
    one = corrected_grid(labels)
    assert not dab(one, 4, 20, 20)
    dab(one, 8, 20, 20)
    assert one.fill_between(BRUSH)
    assert slices_of(one.labels_kji) == [4, 5, 6, 7, 8]


def test_what_was_corrected_after_a_filling_stays(corrected_grid):
    one = corrected_grid()
    for level in (4, 8):
        dab(one, level, 20, 20)
    one.fill_between(BRUSH)
    dab(one, 6, 20, 20, ToolSettings(value=0, radius_mm=8.0))
    dab(one, 12, 20, 20)
    assert one.fill_between(BRUSH)
    assert slices_of(one.labels_kji) == [4, 5, 7, 8, 9, 10, 11, 12]


def test_before_any_stroke_there_is_nothing_to_fill(corrected_grid):
    one = corrected_grid(oedema())
    assert one.drawn_plane is None
    assert not one.fill_between(ToolSettings(value=2))
    assert one.outcome.startswith("Nothing to fill: draw oedema in two slices of one plane")


def test_smoothing_says_what_it_changed(corrected_grid):
    labels = oedema()
    labels[10, 36, 20] = 2  # a bump
    one = corrected_grid(labels)
    assert one.smooth()
    assert one.outcome.startswith("Borders smoothed: ED 22.5")
    assert not corrected_grid().smooth()
    assert one.smooth() or one.outcome == "No border was ragged: nothing changed."


def test_small_parts_are_counted(corrected_grid):
    labels = oedema()
    labels[1, 1, 1:3] = 3
    labels[22, 38, 38] = 2
    one = corrected_grid(labels)
    assert one.remove_specks()
    assert one.outcome == "2 parts removed, < 0.01 cm³."
    assert not one.remove_specks()
    assert one.outcome == "Nothing removed: no part but the largest is below 0.1 cm³."


def test_an_only_lesion_is_no_small_part(corrected_grid):
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[10:14, 10:14, 10:16] = 3
    one = corrected_grid(labels)
    assert not one.remove_specks()
    assert (one.labels_kji == 3).sum() == 96


def test_hidden_regions_stay_as_they_are(corrected_grid):
    labels = oedema()
    labels[10, 36, 20] = 2
    labels[1, 1, 1:3] = (3, 2)
    one = corrected_grid(labels)
    hidden = frozenset({2})
    assert not one.remove_specks(hidden=hidden)
    assert "hidden regions stay" in one.outcome
    one.smooth(hidden)
    assert np.array_equal(one.labels_kji == 2, labels == 2)
    dab(one, 10, 20, 20, ToolSettings(value=3, hidden=hidden))
    dab(one, 10, 20, 20, ToolSettings(Tool.PART, 0, hidden=hidden))
    assert np.array_equal(one.labels_kji == 2, labels == 2)
    assert dab(one, 10, 20, 20)


def test_of_one_region_a_part_is_erased_or_renamed_whole(corrected_grid):
    labels = oedema()
    labels[10, 18:22, 18:22] = 3
    one = corrected_grid(labels)
    assert dab(one, 10, 20, 20, ToolSettings(Tool.PART, 0, only_over=3))
    assert not (one.labels_kji == 3).any()
    assert np.array_equal(one.labels_kji == 2, labels == 2)
    one.undo()
    assert dab(one, 10, 20, 20, ToolSettings(Tool.PART, 1, only_over=2))
    assert np.array_equal(one.labels_kji == 1, labels == 3)


def test_a_brush_stops_at_an_edge_and_leaves_what_lies_beyond(corrected_grid):
    """Bright, a dark gap of 3 mm, equally bright: as a sulcus between two gyri."""
    image = np.full(GRID.shape_kji, 100.0, np.float32)
    image[:, :, 24:27] = 20.0
    image[0] = 0.0
    one = corrected_grid(image=image)
    wide = ToolSettings(value=3, radius_mm=8.0, over=PaintOver.SIMILAR)
    dab(one, 10, 20, 20, wide)
    painted = one.labels_kji == 3
    assert painted[10, 20, 12:24].all()
    assert not painted[:, :, 24:].any()
    # Aside of the gap, what hangs together with what was reached goes on being painted
    one.begin(wide, at(14, 20, 20), AXIAL)
    one.extend(at(14, 22, 25))
    assert one.finish()
    assert (one.labels_kji[14, 27:, :24] == 3).any()
    assert not (one.labels_kji[14, :, 24:] == 3).any()


GROW = ToolSettings(Tool.PART, 2, over=PaintOver.SIMILAR)


def bright_ball():
    """A bright ball of 6 mm radius with a dark middle, noisy, and another one apart."""
    places = np.indices(GRID.shape_kji)
    image = np.random.default_rng(0).normal(100, 3, GRID.shape_kji).astype(np.float32)
    ball, other = (
        np.linalg.norm(places - np.array(centre).reshape(3, 1, 1, 1), axis=0) < radius
        for centre, radius in (((12, 20, 20), 6), ((12, 34, 34), 4))
    )
    image[ball | other] += 100
    image[12, 20, 20] = 20
    image[0] = 0
    return image, ball


def test_a_click_on_unmarked_tissue_marks_what_hangs_together(corrected_grid):
    image, ball = bright_ball()
    one = corrected_grid(image=image)
    assert dab(one, 12, 20, 23, GROW)
    painted = one.labels_kji == 2
    assert 2 * (painted & ball).sum() / (painted.sum() + ball.sum()) > 0.97
    assert painted[12, 20, 20]  # enclosed
    assert one.outcome.startswith("Marked 0.8")
    assert one.undo_title == "Mark part as oedema"


def test_growing_leaves_what_is_marked_and_what_goes_on_and_on(tmp_path):
    wide = Geometry((10, 90, 90), np.eye(4))
    image = Volume(np.random.default_rng(0).normal(100, 3, wide.shape_kji).astype("f4"), wide)
    labels = np.zeros(wide.shape_kji, np.uint8)
    one = Correction(make_result(make_study(), labels, image=image), tmp_path)
    one.begin(GROW, wide.to_patient_mm(np.array([5.0, 45.0, 45.0])), AXIAL)
    assert not one.finish()
    assert one.outcome == (
        "Nothing was marked: what is as bright as here goes on for more than 30 mm."
    )


def test_growing_takes_nothing_from_other_regions(corrected_grid):
    image, _ = bright_ball()
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[:, :20] = 3
    one = corrected_grid(labels, image)
    assert dab(one, 12, 22, 22, GROW)
    assert np.array_equal(one.labels_kji == 3, labels == 3)


def test_a_click_beside_all_parts_says_why_nothing_happens(corrected_grid):
    one = corrected_grid()
    assert not dab(one, 12, 20, 20, ToolSettings(Tool.PART, 2))
    assert one.outcome.startswith("Nothing is marked there.")


def test_how_far_the_labels_were_changed_is_told_by_region(corrected_grid):
    labels = oedema()
    one = corrected_grid(labels)
    dab(one, 10, 20, 20)
    told = {found.region: found for found in one.result().segmentation.provenance.corrections}
    painted = int((one.labels_kji == 3).sum())
    assert (told[Region.ET].added_voxels, told[Region.ET].removed_voxels) == (painted, 0)
    assert told[Region.ET].dice == 0.0
    assert (told[Region.ED].added_voxels, told[Region.ED].removed_voxels) == (0, painted)
    before = int((labels == 2).sum())
    assert told[Region.ED].dice == pytest.approx(2 * (before - painted) / (2 * before - painted))
    assert (told[Region.WT].added_voxels, told[Region.WT].dice) == (0, 1.0)
    one.undo()
    assert not one.result().segmentation.provenance.corrections


def test_of_labels_corrected_before_it_is_not_known_how_far(tmp_path):
    first = Correction(result_of(), tmp_path)
    dab(first, 10, 20, 20)
    corrected = first.result()
    first.forget()
    again = Correction(corrected, tmp_path)
    dab(again, 14, 20, 20)
    assert not again.result().segmentation.provenance.corrections


def test_undo_and_redo_tell_what_they_changed(corrected_grid):
    one = corrected_grid()
    dab(one, 12, 20, 20)
    cm3 = (one.labels_kji == 3).sum() * GRID.voxel_volume_mm3 / 1000
    assert one.outcome == ""
    one.undo()
    assert one.outcome == f"Undone: paint enhancing tumour; ET {cm3:.2f} → 0.00 cm³."
    one.redo()
    assert one.outcome == f"Done again: paint enhancing tumour; ET 0.00 → {cm3:.2f} cm³."
    one.undo()
    assert not one.undo()
    assert one.outcome == ""
