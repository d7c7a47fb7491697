"""Drawing held to tissue of one brightness."""

from dataclasses import replace

import numpy as np

from desktop_app.domain.correction import PaintOver, Tool, ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from tests.correction_cases import (
    AXIAL,
    at,
    flipped,
    middle,
    result_of,
    shown_as,
    stroke,
    two_tissues,
)
from tests.study_cases import GEOMETRY

WIDE = ToolSettings(Tool.BRUSH, 3, 8.0, over=PaintOver.SIMILAR)


def test_a_brush_stays_within_the_brightness_it_began_in(correction):
    one = correction(shown_as(result_of(), FLAIR=two_tissues()))
    one.begin(WIDE, at(*middle(0, 0, 2)), AXIAL, Sequence.FLAIR)
    one.extend(at(*middle(0, 0, -2)))
    assert one.finish()
    painted = one.result().segmentation.labels_kji == 3
    assert not painted[:, :, : middle()[2]].any()
    reached = painted[:, :, middle()[2] :]
    assert reached.sum() > 10
    free = correction(result_of())
    stroke(free, replace(WIDE, over=PaintOver.EVERYTHING), at(*middle(0, 0, 2)))
    all_reached = free.result().segmentation.labels_kji[:, :, middle()[2] :] == 3
    assert (reached & all_reached).sum() > 0.95 * all_reached.sum()


def test_the_image_shown_says_what_is_similar(correction):
    result = shown_as(result_of(), FLAIR=two_tissues())
    one = correction(result)
    one.begin(WIDE, at(*middle(0, 0, 2)), AXIAL, Sequence.T1C)  # of one brightness
    assert one.finish()
    assert (one.result().segmentation.labels_kji[:, :, : middle()[2]] == 3).any()


def test_an_image_on_another_grid_says_what_is_similar_too(correction):
    result = shown_as(result_of(), FLAIR=two_tissues())
    flair = result.prepared.volumes[Sequence.FLAIR]
    turned = Volume(flair.array_kji[::-1, :, ::-1].copy(), flipped(GEOMETRY))
    shifted_mm = np.eye(4)
    shifted_mm[:3, 3] = (0.2, 0.3, 0.0)
    shifted = Volume(
        flair.array_kji, Geometry(GEOMETRY.shape_kji, shifted_mm @ GEOMETRY.affine_lps_mm)
    )
    for other in (turned, shifted):
        volumes = {**result.prepared.volumes, Sequence.FLAIR: other}
        one = correction(replace(result, prepared=replace(result.prepared, volumes=volumes)))
        one.begin(WIDE, at(*middle(0, 0, 2)), AXIAL, Sequence.FLAIR)
        assert one.finish()
        painted = one.result().segmentation.labels_kji == 3
        assert painted.any()
        assert not painted[:, :, : middle()[2]].any()
        one.forget()


def test_an_outline_keeps_to_what_most_of_it_encloses(correction):
    one = correction(shown_as(result_of(), FLAIR=two_tissues()))
    outline = ToolSettings(Tool.OUTLINE, 2, over=PaintOver.SIMILAR)
    corners = [(-4, -2), (-4, 5), (4, 5), (4, -2)]
    first, *others = (at(*middle(0, j, i)) for j, i in corners)
    one.begin(outline, first, AXIAL, Sequence.FLAIR)
    for point in others:
        one.extend(point)
    assert one.finish()
    painted = one.result().segmentation.labels_kji == 2
    assert painted[:, :, middle()[2] :].sum() > 10
    assert not painted[:, :, : middle()[2]].any()


def test_erasing_asks_for_no_brightness(correction):
    labels = np.full(GEOMETRY.shape_kji, 3, np.uint8)
    one = correction(shown_as(result_of(labels), FLAIR=two_tissues()))
    eraser = ToolSettings(Tool.BRUSH, 0, 8.0, over=PaintOver.SIMILAR)
    one.begin(eraser, at(*middle(0, 0, 2)), AXIAL, Sequence.FLAIR)
    one.finish()
    erased = one.result().segmentation.labels_kji == 0
    assert erased[:, :, : middle()[2]].any()
