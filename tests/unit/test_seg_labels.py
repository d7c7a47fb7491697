"""Our DICOM SEG is read back voxel by voxel, and nobody else's or of other images."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence
from desktop_app.errors import InputError
from desktop_app.io.dicom.seg_labels import read_seg
from desktop_app.io.export.dicom_object import save
from desktop_app.io.export.dicom_source import read_source
from desktop_app.io.export.seg import build_seg


@pytest.fixture(scope="module")
def seg_file(result: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(result, tmp_path_factory.mktemp("seg") / "segmentation.seg.dcm")


def export(result: StudyResult, file: Path) -> Path:
    source = read_source(result.roles[Sequence.T1C], result.segmentation.geometry)
    return save(build_seg(result.segmentation, source), file)


def no_tumour(result: StudyResult) -> StudyResult:
    empty = np.zeros_like(result.segmentation.labels_kji)
    return replace(result, segmentation=replace(result.segmentation, labels_kji=empty))


def one_voxel(result: StudyResult) -> StudyResult:
    labels = np.zeros_like(result.segmentation.labels_kji)
    labels[-1, -1, -1] = 3
    return replace(result, segmentation=replace(result.segmentation, labels_kji=labels))


@pytest.mark.parametrize("change", [lambda result: result, no_tumour, one_voxel])
def test_every_voxel_comes_back(
    result: StudyResult, tmp_path: Path, change: Callable[[StudyResult], StudyResult]
) -> None:
    result = change(result)
    segmentation = result.segmentation
    again = read_seg(export(result, tmp_path / "seg.dcm"), segmentation.geometry)
    np.testing.assert_array_equal(again.labels_kji, segmentation.labels_kji)
    assert again.provenance.model_id == segmentation.provenance.model_id
    assert not again.provenance.edited


def test_another_grid_is_refused(result: StudyResult, seg_file: Path) -> None:
    geometry = result.segmentation.geometry
    moved = geometry.affine_lps_mm.copy()
    moved[:3, 3] += 3
    scaled = geometry.affine_lps_mm.copy()
    scaled[:3, :2] *= 1.1
    turn = np.radians(10)
    turned = geometry.affine_lps_mm.copy()
    within_plane = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    turned[:3, :2] = geometry.direction_lps[:, :2] @ within_plane * geometry.spacing_mm[:0:-1]
    fewer = (geometry.shape_kji[0] // 2, *geometry.shape_kji[1:])
    other = (*geometry.shape_kji[:2], geometry.shape_kji[2] + 1)
    for elsewhere in (
        replace(geometry, affine_lps_mm=moved),
        replace(geometry, affine_lps_mm=scaled),
        replace(geometry, affine_lps_mm=turned),
        replace(geometry, shape_kji=fewer),
        replace(geometry, shape_kji=other),
    ):
        with pytest.raises(InputError, match="other images"):
            read_seg(seg_file, elsewhere)


def of_another_program(seg: Dataset) -> None:
    seg.Manufacturer = "Somebody"


def of_something_else(seg: Dataset) -> None:
    seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue = "1"


def cut_short(seg: Dataset) -> None:
    seg.PixelData = seg.PixelData[: len(seg.PixelData) // 2]


def without_frames(seg: Dataset) -> None:
    del seg.PerFrameFunctionalGroupsSequence


def of_no_segment(seg: Dataset) -> None:
    group = seg.PerFrameFunctionalGroupsSequence[0]
    group.SegmentIdentificationSequence[0].ReferencedSegmentNumber = 9


@pytest.mark.parametrize(
    "spoil", [of_another_program, of_something_else, cut_short, without_frames, of_no_segment]
)
def test_what_cannot_be_trusted_is_refused(
    result: StudyResult, seg_file: Path, tmp_path: Path, spoil: Callable[[Dataset], None]
) -> None:
    seg = dcmread(seg_file)
    spoil(seg)
    file = tmp_path / "spoilt.dcm"
    seg.save_as(file)
    with pytest.raises(InputError) as refused:
        read_seg(file, result.segmentation.geometry)
    assert str(file) in refused.value.detail


def test_what_is_no_dicom_is_refused(result: StudyResult, tmp_path: Path) -> None:
    file = tmp_path / "segmentation.seg.dcm"
    file.write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged"):
        read_seg(file, result.segmentation.geometry)
