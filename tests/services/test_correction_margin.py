"""A region made wider or narrower by millimetres, whole or the part that is meant."""

import numpy as np
import pytest

from desktop_app.domain.correction import PaintOver, ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.services.correction.correction import Correction
from tests.correction_cases import AXIAL
from tests.result_cases import make_result
from tests.study_cases import make_study

# Slices 3 mm apart, rows and columns 1 mm
GRID = Geometry((12, 40, 40), np.diag([1.0, 1.0, 3.0, 1.0]))
CORE = ToolSettings(value=3)


def place(k, j, i):
    return GRID.to_patient_mm(np.array([k, j, i], float))


def block(value=3, labels=None):
    """A region of 2 slices, 10 rows and 10 columns."""
    labels = np.zeros(GRID.shape_kji, np.uint8) if labels is None else labels
    labels[5:7, 10:20, 10:20] = value
    return labels


@pytest.fixture
def correct(tmp_path):
    def build(labels, image=None):
        image = np.ones(GRID.shape_kji, np.float32) if image is None else image
        return Correction(make_result(make_study(), labels, image=Volume(image, GRID)), tmp_path)

    return build


def extent(labels, value=3):
    where = np.argwhere(labels == value)
    return list(zip(where.min(axis=0).tolist(), where.max(axis=0).tolist(), strict=True))


def test_millimetres_are_those_of_the_patient_along_every_axis(correct):
    one = correct(block())
    assert one.move_border(CORE, 2.0)
    assert extent(one.labels_kji) == [(5, 6), (8, 21), (8, 21)]
    assert one.outcome == "Enhancing tumour 2 mm wider: ET 0.60 → 1.10 cm³."
    assert one.undo_title == "Widen enhancing tumour"
    one.undo()
    assert one.move_border(CORE, 3.0)
    assert extent(one.labels_kji) == [(4, 7), (7, 22), (7, 22)]
    one.undo()
    assert one.move_border(CORE, -2.0)
    assert extent(one.labels_kji) == [(5, 6), (12, 17), (12, 17)]
    assert one.outcome.startswith("Enhancing tumour 2 mm narrower: ET 0.60 → ")
    one.undo()
    assert np.array_equal(one.labels_kji, block())


def test_only_the_part_that_is_meant_is_moved(correct):
    labels = block()
    labels[5:7, 30:36, 30:36] = 3
    one = correct(labels)
    assert one.move_border(CORE, 1.0, place(5, 32, 32))
    assert np.array_equal(one.labels_kji[:, :25, :25], labels[:, :25, :25])
    assert one.labels_kji[5, 29, 32] == 3
    assert not one.move_border(CORE, 1.0, place(2, 2, 2))
    assert one.outcome == "Nothing changed: there is no enhancing tumour at the crosshair."
    assert not one.move_border(CORE, 1.0, place(-5, 2, 2))


@pytest.mark.parametrize(
    ("limit", "beside", "above"),
    [
        ({}, 3, 3),
        ({"over": PaintOver.TUMOUR}, 3, 0),
        ({"over": PaintOver.BACKGROUND}, 2, 3),
        ({"only_over": 2}, 3, 0),
        ({"hidden": frozenset({2})}, 2, 3),
    ],
)
def test_it_grows_over_what_may_be_painted_over(limit, beside, above, correct):
    labels = block()
    labels[5:7, 20:30, 10:20] = 2
    one = correct(labels)
    assert one.move_border(ToolSettings(value=3, **limit), 1.0)
    assert (one.labels_kji[5, 20, 15], one.labels_kji[5, 9, 15]) == (beside, above)


def test_no_part_at_the_crosshair_grows_over_nothing_as_bright(correct, recwarn):
    one = correct(block())
    similar = ToolSettings(value=3, over=PaintOver.SIMILAR)
    assert not one.move_border(similar, 1.0, place(2, 2, 2))
    assert "at the crosshair" in one.outcome
    assert not recwarn.list


def test_it_grows_over_what_is_as_bright(correct):
    image = np.full(GRID.shape_kji, 100.0, np.float32)
    image[:, :10] = 200
    image[0] = 0
    one = correct(block(), image)
    assert one.move_border(ToolSettings(value=3, over=PaintOver.SIMILAR), 2.0)
    assert extent(one.labels_kji)[1] == (10, 21)


def test_what_is_given_up_goes_to_what_lies_around(correct):
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[5:7, 5:20, 5:25] = 2
    one = correct(block(labels=labels))
    assert one.move_border(CORE, -1.0)
    assert one.labels_kji[5, 10, 15] == 2
    assert one.labels_kji[5, 19, 15] == 0
    one.undo()
    assert one.move_border(ToolSettings(value=3, hidden=frozenset({2})), -1.0)
    assert one.labels_kji[5, 10, 15] == 3
    assert one.labels_kji[5, 19, 15] == 0


def test_why_nothing_changes_is_told(correct):
    one = correct(block())
    assert not one.move_border(CORE, -6.0)
    assert one.outcome == (
        "Nothing changed: 6 mm narrower, nothing would be left of enhancing tumour."
    )
    assert not one.move_border(CORE, 0.5)
    assert one.outcome == "Nothing changed: voxels lie 1 mm apart, farther than 0.5."
    assert not one.move_border(ToolSettings(value=2), 1.0)
    assert one.outcome == "Nothing changed: there is no oedema marked."
    for by_mm in (1.0, -1.0):
        assert not one.move_border(ToolSettings(value=3, only_over=2), by_mm)
        assert "may not be changed" in one.outcome
        assert not one.move_border(ToolSettings(value=3, hidden=frozenset({3})), by_mm)
        assert one.outcome == "Nothing changed: enhancing tumour is hidden."
    assert np.array_equal(one.labels_kji, block())
    assert not one.undo_title


def test_the_end_of_the_images_is_no_border(correct):
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[:, :, :20] = 3
    one = correct(labels)
    assert one.move_border(CORE, -2.0)
    assert extent(one.labels_kji) == [(0, 11), (0, 39), (0, 17)]


def test_a_border_that_was_moved_comes_back_after_a_crash(correct):
    one = correct(block())
    one.move_border(CORE, 2.0)
    moved = one.labels_kji.copy()
    again = correct(block())
    assert again.restore()
    assert np.array_equal(again.labels_kji, moved)
    assert again.undo_title == "Widen enhancing tumour"


def test_nothing_is_moved_within_a_stroke(correct):
    one = correct(block())
    one.begin(CORE, place(1, 30, 30), AXIAL)
    before = one.labels_kji.copy()
    assert not one.move_border(CORE, 1.0)
    assert np.array_equal(one.labels_kji, before)
