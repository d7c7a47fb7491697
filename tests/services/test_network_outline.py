"""Regions are drawn wider or tighter by the network's chances; what a hand drew stays."""

from dataclasses import replace

import numpy as np
import pytest

from desktop_app.domain.chances import CHANCE_REGIONS, Chances
from desktop_app.domain.correction import Tool, ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import Region
from desktop_app.services.correction.correction import Correction
from model.postprocess import PostprocessSettings, labels_from_probabilities
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY as STUDY_GRID
from tests.study_cases import make_study

AXIAL = np.array([0.0, 0.0, 1.0])
NCR, ED, ET = 1, 2, 3
GEOMETRY = Geometry((40, 44, 48), np.diag([1.0, 1.0, 1.0, 1.0]))
NO_SATELLITES = PostprocessSettings(min_satellite_mm3=0.0)


def result_with(chances, marked, geometry=GEOMETRY):
    result = make_result(make_study(), np.zeros(STUDY_GRID.shape_kji, np.uint8))
    segmentation = replace(result.segmentation, labels_kji=marked, geometry=geometry)
    return replace(result, segmentation=segmentation, chances=chances)


def distance_mm(geometry, centre_kji):
    index = np.moveaxis(np.indices(geometry.shape_kji), 0, -1).astype(float)
    points = geometry.to_patient_mm(index.reshape(-1, 3)).reshape(*geometry.shape_kji, 3)
    return np.linalg.norm(points - geometry.to_patient_mm(np.array(centre_kji, float)), axis=-1)


def falling(distance, half_mm, softness_mm=2.0):
    """Chances of one half at a distance, more within."""
    return 1 / (1 + np.exp((distance - half_mm) / softness_mm))


@pytest.fixture
def chances():
    """TC, WT, ET as balls in balls, on the grid of the labels."""
    away = distance_mm(GEOMETRY, np.array(GEOMETRY.shape_kji) // 2)
    balls = np.stack([falling(away, 9.0), falling(away, 14.0), falling(away, 5.0)])
    return Chances(balls.astype(np.float16), GEOMETRY)


@pytest.fixture
def start(chances, tmp_path):
    def make(marked=None, given=chances):
        if marked is None:
            marked = labels_from_probabilities(
                given.array_ckji,
                spacing_mm=GEOMETRY.spacing_mm,
                settings=NO_SATELLITES,
            )
        return Correction(result_with(given, marked), tmp_path)

    return make


def redraw(one, region, limit, **options):
    one.redraw(region, limit, **options)
    return one.finish_redraw()


@pytest.mark.parametrize("region", [Region.WT, Region.TC, Region.ET])
def test_a_region_follows_its_limit_and_the_others_stay(start, chances, region):
    values = {Region.WT: (NCR, ED, ET), Region.TC: (NCR, ET), Region.ET: (ET,)}
    channel = dict(zip((Region.TC, Region.WT, Region.ET), chances.array_ckji, strict=True))
    one = start()
    before = one.labels_kji.copy()
    for limit in (0.2, 0.8):
        assert redraw(one, region, limit)
        for other, labels in values.items():
            now = np.isin(one.labels_kji, labels)
            if other is region:
                assert np.array_equal(now, channel[region] > limit)
            elif limit < 0.5 and set(labels) > set(values[region]):
                # What is added lies in the regions around it too.
                assert np.array_equal(now, np.isin(before, labels) | (channel[region] > limit))
            elif limit < 0.5:
                assert np.array_equal(now, np.isin(before, labels))


def test_limits_begin_where_the_mark_does(start):
    shown = start().limits
    assert set(shown) == {Region.WT, Region.TC, Region.ET}
    assert 0.5 <= shown[Region.WT] < 0.65
    assert 0.5 <= shown[Region.ET] < 0.65
    # The core's limit sinks where the network is in doubt of it throughout.
    assert 0.25 <= shown[Region.TC] < 0.5


def test_what_the_network_knows_nothing_of_has_no_limit_and_never_comes(start, chances):
    given = np.array(chances.array_ckji)
    given[CHANCE_REGIONS.index(Region.ET)] = 0
    one = start(given=Chances(given, GEOMETRY))
    assert set(one.limits) == {Region.WT, Region.TC}
    redraw(one, Region.TC, 0.02)
    assert not (one.labels_kji == ET).any()


def test_towards_wider_nothing_is_lost_and_towards_tighter_nothing_comes(start):
    one = start()
    usual, before = one.limits, one.labels_kji.copy()
    for region in usual:
        for step in (0.01, 0.02, 0.05, 0.1):
            for limit in (usual[region] - step, usual[region] + step):
                redraw(one, region, limit)
                values = {Region.WT: (NCR, ED, ET), Region.TC: (NCR, ET), Region.ET: (ET,)}[region]
                now, was = np.isin(one.labels_kji, values), np.isin(before, values)
                assert not (was & ~now if limit < usual[region] else now & ~was).any()
        redraw(one, region, usual[region])


def test_back_at_the_first_limit_labels_are_as_marked(start):
    one = start()
    marked = one.labels_kji.copy()
    usual = one.limits
    for region, limit in ((Region.WT, 0.2), (Region.ET, 0.9)):
        redraw(one, region, limit)
    for region in (Region.WT, Region.ET):
        redraw(one, region, usual[region])
    assert np.array_equal(one.labels_kji, marked)


def test_a_slide_is_one_step_and_undo_knows_the_limit_of_before(start):
    one = start()
    marked, first = one.labels_kji.copy(), one.limits
    for limit in (0.4, 0.3, 0.25):
        one.redraw(Region.WT, limit)
    assert one.finish_redraw()
    assert "Whole tumour where the network is more than 25 % sure" in one.outcome
    assert one.limits[Region.WT] == 0.25
    wide = one.labels_kji.copy()
    redraw(one, Region.WT, 0.7)
    one.undo()
    assert np.array_equal(one.labels_kji, wide)
    assert one.limits[Region.WT] == 0.25
    one.undo()
    assert np.array_equal(one.labels_kji, marked)
    assert one.limits == first
    assert not one.undo()
    one.redo()
    assert one.limits[Region.WT] == 0.25


def test_what_a_hand_drew_or_erased_stays(start):
    one = start()
    centre = np.array(GEOMETRY.shape_kji) // 2
    far = GEOMETRY.to_patient_mm(np.array([centre[0], 2, 2], float))
    one.begin(ToolSettings(Tool.BRUSH, ET, 2.0), far, AXIAL)
    one.finish()
    middle = GEOMETRY.to_patient_mm(centre.astype(float))
    one.begin(ToolSettings(Tool.BRUSH, 0, 2.0), middle, AXIAL)
    one.finish()
    by_hand = one.labels_kji.copy()
    painted = (by_hand == ET) & (distance_mm(GEOMETRY, centre) > 20)
    erased = (by_hand == 0) & (distance_mm(GEOMETRY, centre) < 5)
    assert painted.any()
    assert erased.any()
    redraw(one, Region.WT, 0.9)
    redraw(one, Region.ET, 0.1)
    assert (one.labels_kji[painted] == ET).all()
    assert (one.labels_kji[erased] == 0).all()


def test_what_a_hand_drew_stays_where_a_limit_has_reached_it_meanwhile(start):
    one = start()
    centre = np.array(GEOMETRY.shape_kji) // 2
    # Just outside the tumour, then reached by a wide limit, then left by a narrow one.
    beside = GEOMETRY.to_patient_mm(np.array([centre[0], centre[1], centre[2] + 16], float))
    one.begin(ToolSettings(Tool.BRUSH, ED, 1.5), beside, AXIAL)
    one.finish()
    painted = (one.labels_kji == ED) & (start().labels_kji == 0)
    assert painted.any()
    redraw(one, Region.WT, 0.05)
    redraw(one, Region.WT, 0.9)
    assert (one.labels_kji[painted] == ED).all()
    one.undo()
    one.undo()
    redraw(one, Region.WT, 0.9)
    assert (one.labels_kji[painted] == ED).all()
    for _ in range(2):
        one.undo()
    assert not one.labels_kji[painted].any()
    redraw(one, Region.WT, 0.05)
    redraw(one, Region.WT, 0.9)
    assert not one.labels_kji[painted].any()  # the hand's stroke was taken back


def test_hidden_labels_neither_come_nor_go(start):
    one = start()
    before = one.labels_kji.copy()
    redraw(one, Region.WT, 0.2, hidden=frozenset({ED}))
    assert np.array_equal(one.labels_kji, before)
    redraw(one, Region.TC, 0.2, hidden=frozenset({ET}))
    assert np.array_equal(one.labels_kji == ET, before == ET)
    assert (one.labels_kji == NCR).sum() > (before == NCR).sum()


def test_a_region_that_the_rules_dropped_comes_back(start, chances):
    marked = labels_from_probabilities(
        chances.array_ckji,
        spacing_mm=GEOMETRY.spacing_mm,
        settings=PostprocessSettings(min_peak=(0.0, 0.0, 0.95), min_satellite_mm3=0.0),
    )
    assert not (marked == ET).any()
    one = start(marked)
    assert one.limits[Region.ET] == 0.5
    assert redraw(one, Region.ET, 0.49)
    assert np.array_equal(one.labels_kji == ET, chances.array_ckji[2] > 0.49)


def test_specks_far_from_the_tumour_are_left_out(start, chances):
    given = chances.array_ckji.copy()
    given[1, 1, 1, 1] = 0.4
    one = start(given=Chances(given, GEOMETRY))
    redraw(one, Region.WT, 0.3)
    assert one.labels_kji[1, 1, 1] == 0


def test_chances_of_another_grid_are_brought_over(chances, tmp_path):
    """The network works on 1 mm, the labels lie on slices of 5 mm, turned."""
    fine = Geometry((40, 40, 40), np.diag([1.0, 1.0, 1.0, 1.0]))
    away = distance_mm(fine, (20, 20, 20))
    given = np.stack([falling(away, 5.0), falling(away, 9.0), falling(away, 3.0)])
    affine = np.array([[0, 0, 5.0, -3], [0.9, 0, 0, 1], [0, 0.9, 0, 2], [0, 0, 0, 1]])
    thick = Geometry((10, 44, 42), affine)
    marked = np.zeros(thick.shape_kji, np.uint8)
    kept = Chances.kept(given.astype(np.float16), fine)
    assert kept is not None
    one = Correction(result_with(kept, marked, thick), tmp_path)
    assert redraw(one, Region.WT, 0.49)
    expected = distance_mm(thick, thick.to_index_kji(np.array([20.0, 20.0, 20.0]))) < 9.0
    assert (one.labels_kji != 0).sum() == pytest.approx(expected.sum(), rel=0.05)
    assert ((one.labels_kji != 0) & expected).sum() > 0.95 * expected.sum()


def test_a_stroke_ends_the_slide(start):
    one = start()
    one.redraw(Region.WT, 0.3)
    centre = GEOMETRY.to_patient_mm(np.array(GEOMETRY.shape_kji) / 2)
    assert one.begin(ToolSettings(Tool.BRUSH, ET, 3.0), centre, AXIAL) or one.is_drawing
    one.finish()
    assert one.limits[Region.WT] == 0.3


def test_labels_of_a_file_have_no_limits(tmp_path):
    marked = np.ones(GEOMETRY.shape_kji, np.uint8)
    one = Correction(result_with(None, marked), tmp_path)
    assert one.limits is None
    assert not one.redraw(Region.WT, 0.2)
    assert not one.finish_redraw()


def test_nothing_is_kept_of_an_empty_answer():
    assert Chances.kept(np.zeros((3, *GEOMETRY.shape_kji), np.float16), GEOMETRY) is None
