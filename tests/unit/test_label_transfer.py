"""Labels on another grid stay where they were, and as large."""

from dataclasses import replace

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.imaging.label_transfer import labels_on, seen_on
from tests.follow_up_cases import EARLIER_TO_NOW, GRID, ball, moved, oblique_grid
from tests.heads import dice
from tests.study_cases import PROVENANCE

LABELS = Segmentation(ball(GRID, 14.0), GRID, PROVENANCE)


def test_on_its_own_grid_nothing_changes() -> None:
    assert np.array_equal(labels_on(LABELS, GRID), LABELS.labels_kji)


def test_voxels_in_another_order_are_copied() -> None:
    turned = GRID.affine_lps_mm @ np.array(
        [[0, 0, 1, 0], [-1, 0, 0, 47], [0, 1, 0, 0], [0, 0, 0, 1]], np.float64
    )
    # New i runs backwards along old j, new j along old k, new k along old i.
    grid = Geometry((48, 44, 52), turned)
    expected = np.zeros(grid.shape_kji, np.uint8)
    at = np.rint(
        GRID.to_index_kji(grid.to_patient_mm(np.argwhere(expected == 0).astype(np.float64)))
    ).astype(int)
    inside = ((at >= 0) & (at < GRID.shape_kji)).all(axis=1)
    flat = expected.reshape(-1)
    flat[inside] = LABELS.labels_kji[tuple(at[inside].T)]
    assert flat.any()
    assert np.array_equal(labels_on(LABELS, grid), expected)


@pytest.mark.parametrize("region", [Region.WT, Region.TC, Region.ET, Region.NCR])
@pytest.mark.parametrize("to_thick", [True, False], ids=["to thick slices", "from thick slices"])
def test_tilted_grids_keep_place_and_volume(region: Region, to_thick: bool) -> None:
    thick = oblique_grid()
    source, target = (GRID, thick) if to_thick else (thick, GRID)
    drawn = Segmentation(ball(source, 14.0), source, PROVENANCE)
    truth = Segmentation(ball(target, 14.0), target, PROVENANCE)
    found = replace(truth, labels_kji=labels_on(drawn, target))
    assert dice(found.mask_kji(region), truth.mask_kji(region)) > 0.85
    volumes = [
        np.count_nonzero(one.mask_kji(region)) * one.geometry.voxel_volume_mm3
        for one in (found, drawn)
    ]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.06)


def test_a_tumour_of_two_labels_counts_as_a_whole() -> None:
    # Two fifths necrosis, two fifths oedema: neither alone has half of the new voxel.
    labels = np.zeros((3, 3, 10), np.uint8)
    labels[..., 1:3], labels[..., 3:5] = 1, 2
    affine = np.diag([5.0, 1.0, 1.0, 1.0])
    affine[0, 3] = 2.0
    fine, coarse = Geometry(labels.shape, np.eye(4)), Geometry((3, 3, 2), affine)
    found = labels_on(Segmentation(labels, fine, PROVENANCE), coarse)
    assert (found[..., 0] == 1).all()
    assert not found[..., 1].any()


def test_a_tumour_at_the_edge_of_its_image_stays_there() -> None:
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[:5, 10:20, 10:20] = 3
    found = labels_on(Segmentation(labels, GRID, PROVENANCE), moved(GRID, shift(0.0, 0.0, -6.0)))
    assert np.array_equal(found[6:11], labels[:5])
    assert not found[:6].any()


@pytest.mark.parametrize("away_mm", [40.0, 400.0])
def test_labels_elsewhere_leave_a_grid_empty(away_mm: float) -> None:
    far = moved(GRID, shift(away_mm, 0.0, 0.0))
    assert not labels_on(LABELS, far).any()


def test_no_labels_are_none_elsewhere() -> None:
    empty = Segmentation(np.zeros(GRID.shape_kji, np.uint8), GRID, PROVENANCE)
    assert not labels_on(empty, oblique_grid()).any()


def test_what_an_image_shows_of_a_grid() -> None:
    assert seen_on(GRID, GRID).all()
    half = seen_on(moved(GRID, shift(0.0, 10.0, 0.0)), GRID)
    assert not half[:, :10].any()
    assert half[:, 10:].all()
    slab = moved(oblique_grid((4, 60, 56)), EARLIER_TO_NOW)
    index = np.argwhere(np.ones(GRID.shape_kji, bool)).astype(np.float64)
    at = slab.to_index_kji(GRID.to_patient_mm(index))
    rim = 0.5 + 1e-4
    inside = ((at >= -rim) & (at <= np.array(slab.shape_kji) - 1 + rim)).all(axis=1)
    assert 0 < inside.sum() < inside.size
    assert np.array_equal(seen_on(slab, GRID).ravel(), inside)


def shift(left_mm: float, posterior_mm: float, superior_mm: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = left_mm, posterior_mm, superior_mm
    return matrix
