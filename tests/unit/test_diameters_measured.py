"""Diameters of a result: which regions, in which slices, and what is measurable."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.measurement import AnatomicalPlane, Diameters
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.errors import Cancelled
from desktop_app.imaging import diameters
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.measuring.diameters import (
    measure_diameters,
    slice_axis,
)
from tests import export_cases as cases
from tests.study_cases import PROVENANCE


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory, result: StudyResult) -> StudyResult:
    empty = np.zeros(cases.SHAPE_KJI, np.uint8)
    folder = tmp_path_factory.mktemp("nothing")
    return cases.study_result(folder, labels_kji=empty, series=result.roles)


def grid(
    spacing_mm: tuple[float, float, float], shape_kji: tuple[int, int, int] = (30, 40, 50)
) -> Geometry:
    """A grid of axial slices."""
    k, j, i = spacing_mm
    return Geometry(shape_kji, np.diag([i, j, k, 1.0]))


def boxes(geometry: Geometry, **of_labels: tuple[slice, slice, slice]) -> dict[Region, Diameters]:
    labels = np.zeros(geometry.shape_kji, np.uint8)
    for region, box in of_labels.items():
        labels[box] = {"NCR": 1, "ED": 2, "ET": 3}[region]
    return measure_diameters(Segmentation(labels, geometry, PROVENANCE))


def test_enhancing_and_whole_tumour_are_measured(result: StudyResult) -> None:
    found = measure_diameters(result.segmentation)
    assert list(found) == [Region.ET, Region.WT]
    enhancing, whole = found[Region.ET], found[Region.WT]
    # 9 voxels of 0.9 mm by 6 of 0.8 mm, and 17 by 11, from corner to corner of the outline
    assert enhancing.long_mm == pytest.approx(np.hypot(9 * 0.9, 5 * 0.8), abs=0.3)
    assert whole.long_mm == pytest.approx(np.hypot(17 * 0.9, 10 * 0.8), abs=0.4)
    assert whole.product_mm2 == whole.long_mm * whole.short_mm
    for one in found.values():
        for ends, length_mm in ((one.long_ends, one.long_mm), (one.short_ends, one.short_mm)):
            assert np.linalg.norm(np.subtract(*ends)) == pytest.approx(length_mm)
            index_kji = result.segmentation.geometry.to_index_kji(np.array(ends))
            assert index_kji[:, 0] == pytest.approx([one.slice_index] * 2)
        assert np.subtract(*one.long_ends) @ np.subtract(*one.short_ends) == pytest.approx(
            0, abs=1e-6
        )


def test_nothing_marked_is_not_measured(nothing: StudyResult) -> None:
    assert measure_diameters(nothing.segmentation) == {}


def test_without_enhancement_the_whole_tumour_alone_is_measured() -> None:
    found = boxes(grid((1, 1, 1)), ED=np.s_[5:20, 5:25, 5:25], NCR=np.s_[8:12, 8:12, 8:12])
    assert list(found) == [Region.WT]


def test_enhancement_is_measured_across_its_necrosis_and_not_into_it() -> None:
    labels = np.zeros((30, 40, 50), np.uint8)
    labels[5:20, 5:25, 5:25] = 3
    labels[5:20, 8:22, 8:22] = 1
    labels[5:20, 12:17, 22:25] = 1  # a gap of 5 mm
    across = measure_diameters(Segmentation(labels, grid((1, 1, 1)), PROVENANCE))[Region.ET]
    assert (across.long_mm, across.short_mm) == pytest.approx((27.6, 27.6), abs=0.3)
    labels[5:20, 8:22, 22:25] = 1  # open at one side
    open_rim = measure_diameters(Segmentation(labels, grid((1, 1, 1)), PROVENANCE))[Region.ET]
    assert open_rim.short_mm < 22
    beside = boxes(grid((1, 1, 1)), ET=np.s_[5:20, 5:25, 5:10], NCR=np.s_[5:20, 5:25, 10:40])
    assert beside[Region.ET].long_mm == pytest.approx(np.hypot(20, 4), abs=0.3)


@pytest.mark.parametrize(
    ("spacing_mm", "slices", "is_measurable", "least_mm"),
    [
        ((1.0, 1.0, 1.0), 2, True, 10.0),
        ((1.0, 1.0, 1.0), 1, False, 10.0),  # has to be seen in two slices
        ((5.0, 1.0, 1.0), 2, True, 10.0),
        ((6.0, 1.0, 1.0), 2, False, 12.0),  # twice the distance of thick slices
        ((1.0, 0.8, 1.0), 2, False, 10.0),
    ],
)
def test_what_is_measurable(
    spacing_mm: tuple[float, float, float], slices: int, is_measurable: bool, least_mm: float
) -> None:
    labels = np.zeros((30, 40, 50), np.uint8)
    labels[3 : 3 + slices, 10:21, 5:45] = 3
    found = measure_diameters(Segmentation(labels, grid(spacing_mm), PROVENANCE))[Region.ET]
    assert found.least_mm == least_mm
    assert found.is_measurable is is_measurable, found


def test_slices_are_those_acquired_or_axial_where_voxels_are_fine() -> None:
    sagittal = np.zeros((4, 4))
    sagittal[2, 1] = sagittal[1, 0] = -1.0  # rows run down, columns towards the back
    sagittal[0, 2] = sagittal[3, 3] = 1.0
    for slice_mm, axis, plane in (
        (1.5, 1, AnatomicalPlane.AXIAL),
        (3.0, 0, AnatomicalPlane.SAGITTAL),
    ):
        affine = sagittal.copy()
        affine[0, 2] = slice_mm
        geometry = Geometry((20, 30, 40), affine)
        assert slice_axis(geometry) == axis
        found = boxes(geometry, ET=np.s_[5:10, 12:18, 20:31])[Region.ET]
        assert (found.plane, found.slice_axis) == (plane, axis)
        index_kji = geometry.to_index_kji(np.array(found.long_ends))
        assert index_kji[:, axis] == pytest.approx([found.slice_index] * 2)


@pytest.mark.parametrize(
    ("spacing_mm", "axis", "plane"),
    [
        ((1.0, 1.0, 5.0), 2, AnatomicalPlane.SAGITTAL),
        ((0.9, 4.0, 0.9), 1, AnatomicalPlane.CORONAL),
        ((2.0, 2.0, 2.0), 0, AnatomicalPlane.AXIAL),
        ((1.9, 2.0, 0.5), 0, AnatomicalPlane.AXIAL),  # not clearly thicker
    ],
)
def test_thick_slices_may_lie_along_any_axis(
    spacing_mm: tuple[float, float, float], axis: int, plane: AnatomicalPlane
) -> None:
    geometry = grid(spacing_mm)
    assert slice_axis(geometry) == axis
    found = boxes(geometry, ET=np.s_[5:17, 12:26, 20:23])[Region.ET]
    assert (found.plane, found.slice_axis) == (plane, axis)
    assert found.least_mm == 10.0


def test_specks_at_the_border_of_a_core_are_no_rim() -> None:
    k, j, i = np.mgrid[:10, :80, :80]
    labels = ((k - 5) ** 2 + ((j - 40) / 4) ** 2 + ((i - 40) / 4) ** 2 < 64).astype(np.uint8)
    for row, column in ((8, 40), (71, 40), (40, 8), (40, 71)):
        labels[5:7, row : row + 2, column : column + 2] = 3
    found = measure_diameters(Segmentation(labels, grid((1, 1, 1), (10, 80, 80)), PROVENANCE))
    assert found[Region.ET].long_mm < 3
    assert not found[Region.ET].is_measurable
    assert found[Region.WT].long_mm > 60


def test_a_measurable_lesion_comes_before_a_longer_thin_one() -> None:
    labels = np.zeros((30, 60, 60), np.uint8)
    labels[3:6, 5:8, 5:52] = 3
    k, j, i = np.mgrid[:30, :60, :60]
    labels[(k - 20) ** 2 + (j - 30) ** 2 + (i - 30) ** 2 <= 100] = 3
    found = measure_diameters(Segmentation(labels, grid((1, 1, 1), (30, 60, 60)), PROVENANCE))
    enhancing = found[Region.ET]
    assert enhancing.is_measurable
    assert (enhancing.long_mm, enhancing.short_mm) == pytest.approx((20.5, 20.5), abs=1)
    assert enhancing.slice_index == 20


def test_diameters_are_measured_once_and_can_be_cancelled(result: StudyResult) -> None:
    segmentation = replace(result.segmentation)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        measure_diameters(segmentation, token)
    found = measure_diameters(segmentation)
    kept = weakref.ref(segmentation)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diameters, "longest_diameters", None)
        assert measure_diameters(segmentation, token) == found
    del segmentation
    gc.collect()
    assert kept() is None


def test_senseless_diameters_are_refused(result: StudyResult) -> None:
    found = measure_diameters(result.segmentation)[Region.ET]
    with pytest.raises(ValueError, match="diameters"):
        replace(found, short_mm=found.long_mm + 1)
