"""A lesion that was missed is completed from a few strokes."""

from dataclasses import replace

import numpy as np
import pytest

from desktop_app.domain.correction import PaintOver, Tool, ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.services.correction.correction import Correction
from tests.correction_cases import AXIAL
from tests.result_cases import make_result
from tests.study_cases import make_study

GRID = Geometry((48, 80, 110), np.eye(4))
MIDDLE = (24, 30, 30)
CORE, OEDEMA, NECROSIS, ERASER = (ToolSettings(Tool.BRUSH, value, 1.5) for value in (3, 2, 1, 0))
ANYWHERE = ToolSettings()


def ball(grid, centre_mm, radius_mm):
    """Voxels within a distance of a place, both in millimetres along k, j and i."""
    at = np.indices(grid.shape_kji).reshape(3, -1).T * grid.spacing_mm
    return (np.linalg.norm(at - np.array(centre_mm), axis=1) <= radius_mm).reshape(grid.shape_kji)


def images(grid, core, whole):
    """T1c, on which only the core is bright, and FLAIR, on which all of the lesion is."""
    rng = np.random.default_rng(0)
    t1c, flair = (rng.normal(100, 5, grid.shape_kji).astype(np.float32) for _ in range(2))
    t1c[core] += 80
    flair[whole] += 60
    return {Sequence.T1C: Volume(t1c, grid), Sequence.FLAIR: Volume(flair, grid)}


@pytest.fixture
def correct(tmp_path):
    def build(labels=None, grid=GRID, extra=None, brain=None):
        core, whole = ball(grid, MIDDLE, 5), ball(grid, MIDDLE, 10)
        if extra is not None:
            whole |= extra
        shown = images(grid, core, whole)
        labels = np.zeros(grid.shape_kji, np.uint8) if labels is None else labels
        result = make_result(make_study(), labels, image=shown[Sequence.T1C])
        brain = result.prepared.brain_kji if brain is None else brain
        prepared = replace(result.prepared, volumes=shown, brain_kji=brain)
        return Correction(replace(result, prepared=prepared), tmp_path), core, whole

    return build


def draw(one, settings, *places):
    """A stroke through places, in millimetres along k, j and i."""
    points = [np.array(place, float)[::-1] for place in places]
    one.begin(settings, points[0], AXIAL)
    for point in points[1:]:
        one.extend(point)
    one.finish()


def draw_lesion(one):
    draw(one, CORE, (24, 28, 28), (24, 32, 32))
    draw(one, OEDEMA, (24, 22, 30), (24, 30, 22))
    draw(one, OEDEMA, (30, 28, 34), (30, 32, 34))


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize(
    "grid",
    [
        GRID,
        Geometry((96, 160, 220), np.diag([0.5, 0.5, 0.5, 1.0])),
        Geometry((16, 80, 110), np.diag([1.0, 1.0, 3.0, 1.0])),
    ],
    ids=["1 mm", "0.5 mm", "slices of 3 mm"],
)
def test_strokes_in_each_region_complete_both_in_all_slices(correct, grid):
    one, core, whole = correct(grid=grid)
    draw_lesion(one)
    drawn = one.labels_kji.copy()
    assert one.grow(ANYWHERE)
    assert dice(one.labels_kji == 3, core) > 0.9
    assert dice(one.labels_kji > 0, whole) > 0.95
    assert np.array_equal(one.labels_kji[drawn > 0], drawn[drawn > 0])
    assert one.outcome.startswith("Grown from 3 strokes: ED ")
    assert one.undo_title == "Grow from strokes"
    one.undo()
    assert np.array_equal(one.labels_kji, drawn)


@pytest.mark.parametrize(
    ("limit", "over"),
    [
        ({}, {0, 1}),
        ({"over": PaintOver.BACKGROUND}, {0}),
        ({"over": PaintOver.TUMOUR}, {1}),
        ({"hidden": frozenset({1})}, {0}),
        ({"only_over": 1}, {1}),
    ],
)
def test_it_grows_over_what_may_be_painted_over(correct, limit, over):
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[20:29, 33:40, 26:35] = 1
    one, *_ = correct(labels)
    draw_lesion(one)
    before = one.labels_kji.copy()
    assert one.grow(ToolSettings(**limit))
    assert set(before[one.labels_kji != before].tolist()) == over


def test_what_it_took_too_much_is_erased_and_stays_out_when_it_grows_again(correct):
    beside = ball(GRID, (24, 30, 47), 6)
    beside |= ball(GRID, (24, 30, 40), 2)
    one, *_ = correct(extra=beside)
    draw_lesion(one)
    one.grow(ANYWHERE)
    too_much = (one.labels_kji > 0) & ball(GRID, (24, 30, 47), 6)
    assert too_much.sum() > 300
    draw(one, ERASER, (24, 27, 46), (24, 33, 47))
    draw(one, ERASER, (26, 28, 48), (26, 33, 48))
    erased = one.labels_kji.copy()
    assert one.grow(ANYWHERE)
    assert "from 3 strokes" in one.outcome
    again = (one.labels_kji > 0) & ball(GRID, (24, 30, 47), 6)
    assert again.sum() < too_much.sum() / 4
    assert dice(one.labels_kji[:, :, :38] > 0, ball(GRID, MIDDLE, 10)[:, :, :38]) > 0.9
    one.undo()
    assert np.array_equal(one.labels_kji, erased)


def test_growing_again_with_one_more_stroke_keeps_what_a_hand_drew_and_erased(correct):
    one, *_ = correct()
    draw_lesion(one)
    one.grow(ANYWHERE)
    draw(one, ERASER, (24, 30, 38), (24, 32, 38))
    draw(one, CORE, (24, 36, 30), (24, 36, 31))
    by_hand = one.labels_kji.copy()
    one.grow(ANYWHERE)
    assert one.labels_kji[24, 31, 38] == 0
    assert one.labels_kji[24, 36, 30] == by_hand[24, 36, 30] == 3


@pytest.mark.parametrize(
    ("limit", "changed"), [({"over": PaintOver.TUMOUR}, {2, 3}), ({"only_over": 3}, {3})]
)
def test_a_region_within_what_grew_before_grows_over_that_alone(correct, limit, changed):
    one, *_ = correct()
    draw_lesion(one)
    one.grow(ANYWHERE)
    draw(one, replace(NECROSIS, **limit), (24, 30, 30))
    before = one.labels_kji.copy()
    assert one.grow(ToolSettings(**limit))
    assert set(before[one.labels_kji != before].tolist()) <= changed
    assert (one.labels_kji == 1).sum() > (before == 1).sum()
    assert (one.labels_kji > 0).sum() > 0.95 * (before > 0).sum()


def test_hidden_regions_stay_when_it_grows_again(correct):
    one, *_ = correct()
    draw_lesion(one)
    one.grow(ANYWHERE)
    draw(one, CORE, (24, 30, 36))
    oedema = one.labels_kji == 2
    one.grow(ToolSettings(hidden=frozenset({2})))
    assert np.array_equal(one.labels_kji == 2, oedema)


def test_what_was_changed_since_stays_when_it_grows_again(correct):
    one, *_ = correct()
    draw_lesion(one)
    one.grow(ANYWHERE)
    one.move_border(ToolSettings(value=2), -2.0)
    narrow = one.labels_kji == 0
    draw(one, ToolSettings(Tool.PART, 1), (24, 30, 30))
    part = ball(GRID, MIDDLE, 4)
    assert (one.labels_kji[part] == 1).all()
    draw(one, OEDEMA, (26, 22, 30), (26, 30, 22))
    added = one.labels_kji == 2
    one.grow(ANYWHERE)
    assert (one.labels_kji[part] == 1).all()
    rim = ball(GRID, MIDDLE, 10) & narrow & ~added
    assert (one.labels_kji[rim] == 0).mean() > 0.9


def test_what_grew_and_was_removed_grows_from_new_strokes(correct):
    one, core, whole = correct()
    draw_lesion(one)
    one.grow(ANYWHERE)
    draw(one, ToolSettings(Tool.PART, 0), (24, 30, 30))
    assert not one.labels_kji.any()
    draw_lesion(one)
    one.grow(ANYWHERE)
    assert dice(one.labels_kji == 3, core) > 0.9
    assert dice(one.labels_kji > 0, whole) > 0.95


def test_strokes_far_away_are_left_as_they_are(correct):
    one, *_ = correct()
    draw(one, OEDEMA, (24, 40, 102), (24, 44, 102))
    draw_lesion(one)
    one.grow(ANYWHERE)
    assert "from 3 strokes" in one.outcome
    assert (one.labels_kji[:, :, 80:] > 0).sum() < 40


def test_it_stays_in_the_brain_unless_drawn_outside(correct):
    brain = np.zeros(GRID.shape_kji, np.bool_)
    brain[:, :33] = True
    one, *_ = correct(brain=brain)
    draw_lesion(one)
    one.grow(ANYWHERE)
    assert (one.labels_kji[:, 33:] > 0).sum() < 20
    one, _, whole = correct(brain=np.roll(brain, 40, axis=1))
    draw_lesion(one)
    one.grow(ANYWHERE)
    assert dice(one.labels_kji > 0, whole) > 0.9


def test_why_nothing_grows_is_told(correct):
    one, *_ = correct()
    assert not one.grow(ANYWHERE)
    assert one.outcome.startswith("Nothing to grow: brush a stroke into each region")
    draw(one, ERASER, (24, 30, 30), (24, 32, 30))
    assert not one.grow(ANYWHERE)
    assert one.outcome.startswith("Nothing to grow")
    small, *_ = correct(grid=Geometry((10, 20, 20), np.eye(4)))
    draw(small, CORE, (5, 10, 10), (5, 12, 10))
    assert not small.grow(ANYWHERE)
    assert "with the eraser in healthy tissue" in small.outcome
    draw_lesion(one)
    assert not one.grow(ToolSettings(only_over=1))
    assert "may not be changed" in one.outcome


def test_what_grew_comes_back_after_a_crash(correct):
    one, *_ = correct()
    draw_lesion(one)
    one.grow(ANYWHERE)
    grown = one.labels_kji.copy()
    again, *_ = correct()
    assert again.restore()
    assert np.array_equal(again.labels_kji, grown)
    again.undo()
    assert (again.labels_kji > 0).sum() < 200
