"""Diameters of a result: which regions, in which slices, and where they are written."""

import csv
import gc
import json
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from desktop_app.cli.segment import print_volumes
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.lesion import Lesion
from desktop_app.domain.measurement import AnatomicalPlane, Diameters
from desktop_app.domain.readable import readable_diameters, readable_position
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.study import InstanceRef, Sequence
from desktop_app.errors import Cancelled
from desktop_app.imaging import diameters
from desktop_app.io import dicom_object
from desktop_app.io.dicom_load import load_dicom
from desktop_app.io.dicom_source import read_source
from desktop_app.io.export_csv import write_csv
from desktop_app.io.export_seg import build_seg
from desktop_app.io.export_sr import build_sr
from desktop_app.io.scan import scan
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services import measurement_document
from desktop_app.services.diameters import (
    image_number,
    in_words,
    measure_diameters,
    measured_image,
    slice_axis,
    slice_in_words,
)
from desktop_app.services.measurement_document import measurements_document
from desktop_app.services.measurement_table import measurement_rows
from desktop_app.services.places import place_in_words
from desktop_app.services.report import build_page
from tests import export_cases as cases
from tests.study_cases import PROVENANCE, make_study
from ui import report_html

LONG_AXIS, SHORT_AXIS = "103339001", "103340004"


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


@pytest.mark.parametrize(
    ("long_mm", "short_mm", "least_mm", "text"),
    [
        (38.4, 27.5001, 10.0, "38 × 28 mm"),
        (12.0, 9.96, 10.0, "12 × 9.9 mm"),
        (10.0, 0.8, 10.0, "10 × 0.8 mm"),
        (9.9996, 9.0, 10.0, "10 × 9.0 mm"),  # to a thousandth, as what is measurable
        (14.2, 11.96, 12.0, "14 × 11.9 mm"),
        (12.6, 12.49, 12.5, "13 × 12.4 mm"),
        (13.4, 13.3, 13.3, "13.4 × 13.3 mm"),
    ],
)
def test_lengths_are_told_on_their_side_of_the_limit(
    long_mm: float, short_mm: float, least_mm: float, text: str
) -> None:
    assert readable_diameters(long_mm, short_mm, least_mm) == text


def test_json_holds_them_beside_the_volumes(result: StudyResult, nothing: StudyResult) -> None:
    document = json.loads(json.dumps(measurements_document(result), allow_nan=False))
    found = measure_diameters(result.segmentation)
    assert document["diameters"]["criteria"] == "RANO 2.0"
    assert list(document["diameters"]["regions"]) == ["ET", "WT"]
    for region, one in found.items():
        stored = document["diameters"]["regions"][region.value]
        assert stored["long_mm"] == pytest.approx(one.long_mm, abs=0.01)
        assert stored["short_mm"] == pytest.approx(one.short_mm, abs=0.01)
        assert stored["product_mm2"] == pytest.approx(one.product_mm2, abs=0.1)
        assert stored["measurable"] is one.is_measurable
        assert stored["plane"] == "axial"
        assert (stored["grid_axis"], stored["grid_plane"]) == ("k", one.slice_index + 1)
        assert stored["position_mm"] == pytest.approx(one.middle[2], abs=0.01)
        assert stored["position"] == f"{'IS'[one.middle[2] >= 0]} {abs(one.middle[2]):.1f} mm"
        image = result.roles[Sequence.T1C].instances[one.slice_index]
        assert stored["image"] == {
            "instance_number": cases.SHAPE_KJI[0] - one.slice_index,
            "frame": None,
            "sop_instance_uid": image.sop_instance_uid,
        }
        assert np.allclose(stored["long_ends_lps_mm"], one.long_ends, atol=0.01)
    empty = measurements_document(nothing)["diameters"]["regions"]
    assert empty == {"ET": None, "WT": None}
    anonymised = measurements_document(result, anonymise=True)["diameters"]["regions"]["ET"]
    assert anonymised["image"]["instance_number"] is not None
    assert anonymised["image"]["sop_instance_uid"] == ""


def test_the_number_is_that_of_the_image_which_lies_there(tmp_path: Path) -> None:
    """A series stored from the top down, as a scan finds it and loading stacks it."""
    folder = tmp_path / "t1c"
    geometry = cases.oblique_geometry()
    cases.write_dicom_series(folder, geometry, study_uid=generate_uid())
    ((series,),) = [one.series for one in scan(folder, use_cache=False).studies]
    loaded = load_dicom(series).geometry
    for plane in range(cases.SHAPE_KJI[0]):
        image = series.image_on(loaded, plane)
        assert image is not None
        header = dcmread(image.path)
        assert image.number == header.InstanceNumber == cases.SHAPE_KJI[0] - plane
        assert image.sop_instance_uid == header.SOPInstanceUID
        assert image_number(image) == f"image {header.InstanceNumber}"
    lower = loaded.affine_lps_mm.copy()
    lower[:3, 3] -= loaded.affine_lps_mm[:3, 2] / 2
    assert series.image_on(Geometry(loaded.shape_kji, lower), 3) is None


def test_of_images_close_together_the_nearest_lies_on_the_plane() -> None:
    images = tuple(
        InstanceRef(Path(f"{n}.dcm"), number=n, position_lps_mm=(0.0, 0.0, 0.2 * n))
        for n in range(5)
    )
    series = replace(make_study().series[0], instances=images)
    geometry = Geometry((5, 2, 2), np.diag([1.0, 1.0, 0.2, 1.0]))
    found = [series.image_on(geometry, plane) for plane in range(5)]
    assert [image and image.number for image in found] == [0, 1, 2, 3, 4]


def test_a_plane_across_the_slices_is_no_image(result: StudyResult) -> None:
    found = replace(
        measure_diameters(result.segmentation)[Region.ET],
        plane=AnatomicalPlane.CORONAL,
        slice_axis=1,
        slice_index=4,
    )
    assert measured_image(result, found) is None
    assert slice_in_words(result, found) == "plane 5 of the grid of T1c"
    assert f", coronal {'AP'[found.middle[1] >= 0]} " in in_words(found)


def test_images_are_named_as_archives_do() -> None:
    assert image_number(InstanceRef(Path("1.dcm"), number=12)) == "image 12"
    assert image_number(InstanceRef(Path("1.dcm"), frame=12)) == "frame 12"
    assert image_number(InstanceRef(Path("1.dcm"))) == image_number(None) == ""


def test_json_lists_the_lesions(
    result: StudyResult, nothing: StudyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measure_diameters(result.segmentation)[Region.ET]
    listed = (Lesion(1, 2500.0, found), Lesion(2, 1200.0, found))
    monkeypatch.setattr(measurement_document, "measure_lesions", lambda _: listed)
    document = json.loads(json.dumps(measurements_document(result), allow_nan=False))
    one, other = document["lesions"]
    assert (one["volume_mm3"], other["volume_mm3"]) == (2500.0, 1200.0)
    assert one | {"volume_mm3": None} == {
        "volume_mm3": None,
        "is_target": False,
        **document["diameters"]["regions"]["ET"],
    }
    monkeypatch.undo()
    assert measurements_document(nothing)["lesions"] == []


def test_csv_has_columns_for_them_either_way(
    result: StudyResult, nothing: StudyResult, tmp_path: Path
) -> None:
    tables = []
    for number, one in enumerate((result, nothing)):
        path = write_csv(measurement_rows(measurements_document(one)), tmp_path / f"{number}.csv")
        with path.open(newline="", encoding="utf-8-sig") as file:
            tables.append({row["region"]: row for row in csv.DictReader(file)})
    measured, empty = tables
    whole = measure_diameters(result.segmentation)[Region.WT]
    assert float(measured["WT"]["long_diameter_mm"]) == pytest.approx(whole.long_mm, abs=0.01)
    assert float(measured["WT"]["short_diameter_mm"]) == pytest.approx(whole.short_mm, abs=0.01)
    assert measured["WT"]["measurable"] == str(whole.is_measurable).lower()
    assert measured["WT"]["diameter_grid_plane"] == str(whole.slice_index + 1)
    assert measured["WT"]["diameter_instance_number"] == str(cases.SHAPE_KJI[0] - whole.slice_index)
    assert measured["WT"]["diameter_frame"] == ""
    image = result.roles[Sequence.T1C].instances[whole.slice_index]
    assert measured["WT"]["diameter_sop_instance_uid"] == image.sop_instance_uid
    assert measured["WT"]["diameter_position"].endswith(" mm")
    columns = [name for name in measured["WT"] if "diameter" in name or name == "measurable"]
    assert len(columns) == 10
    assert list(measured["WT"]) == list(empty["WT"])
    for row in (measured["TC"], empty["WT"]):
        assert {row[column] for column in columns} == {""}


@pytest.mark.parametrize("with_segments", [True, False])
def test_structured_report_has_both_axes_and_their_slice(
    result: StudyResult, tmp_path: Path, with_segments: bool
) -> None:
    source = read_source(result.roles[Sequence.T1C], result.segmentation.geometry)
    seg = build_seg(result.segmentation, source) if with_segments else None
    found = measure_diameters(result.segmentation)
    document = build_sr(result.segmentation, result.measurements, source, seg, found)
    path = dicom_object.save(document, tmp_path / "report.sr.dcm")
    assert cases.dciodvfy_errors(path) == []
    items = cases.report_items(document)
    for code, lengths_mm in (
        (LONG_AXIS, [one.long_mm for one in found.values()]),
        (SHORT_AXIS, [one.short_mm for one in found.values()]),
    ):
        axes = [item for item in items if cases.code_of(item) == code]
        values = [axis.MeasuredValueSequence[0] for axis in axes]
        assert [float(one.NumericValue) for one in values] == pytest.approx(lengths_mm, abs=0.01)
        assert {one.MeasurementUnitsCodeSequence[0].CodeValue for one in values} == {"mm"}
        lines = [line for axis in axes for line in axis.ContentSequence]
        assert {line.GraphicType for line in lines} == {"POLYLINE"}
        instances = result.roles[Sequence.T1C].instances
        for line, one, length_mm in zip(lines, found.values(), lengths_mm, strict=True):
            (image,) = line.ContentSequence
            shown = image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
            assert shown == instances[one.slice_index].sop_instance_uid
            (column, row), (other_column, other_row) = np.reshape(line.GraphicData, (2, 2))
            _, row_mm, column_mm = cases.SPACING_KJI_MM
            drawn_mm = np.hypot((column - other_column) * column_mm, (row - other_row) * row_mm)
            assert drawn_mm == pytest.approx(length_mm, abs=0.01)
            ends = one.long_ends if code == LONG_AXIS else one.short_ends
            _, j, i = result.segmentation.geometry.to_index_kji(np.array(ends[0]))
            # The middle of the first pixel is half a pixel from where coordinates begin.
            assert (column, row) == pytest.approx((i + 0.5, j + 0.5), abs=1e-3)
    if with_segments:
        assert _read_by_dcmqi(path, tmp_path) == pytest.approx(
            [mm for one in found.values() for mm in (one.long_mm, one.short_mm)], abs=0.01
        )


def test_lines_that_lie_in_no_image_are_told_in_space(tmp_path: Path) -> None:
    affine = np.zeros((4, 4))
    affine[2, 1] = affine[1, 0] = -1.0  # sagittal: rows run down, columns towards the back
    affine[0, 2], affine[3, 3] = 1.0, 1.0
    geometry = Geometry((40, 40, 32), affine, "1.2.3.4")
    sagittal = cases.study_result(tmp_path, geometry=geometry)
    source = read_source(sagittal.roles[Sequence.T1C], geometry)
    found = measure_diameters(sagittal.segmentation)
    document = build_sr(sagittal.segmentation, sagittal.measurements, source, None, found)
    path = dicom_object.save(document, tmp_path / "report.sr.dcm")
    assert cases.dciodvfy_errors(path) == []
    assert document.SOPClassUID.name == "Comprehensive 3D SR Storage"
    lines = [item for item in cases.report_items(document) if item.ValueType == "SCOORD3D"]
    ends = [end for one in found.values() for end in (one.long_ends, one.short_ends)]
    assert len(ends) == 4
    for line, expected in zip(lines, ends, strict=True):
        assert line.ReferencedFrameOfReferenceUID == "1.2.3.4"
        np.testing.assert_allclose(np.reshape(line.GraphicData, (2, 3)), expected, atol=1e-3)


def test_page_tells_them_below_the_volumes(result: StudyResult, nothing: StudyResult) -> None:
    page = build_page(result)
    whole = measure_diameters(result.segmentation)[Region.WT]
    lengths = readable_diameters(whole.long_mm, whole.short_mm, whole.least_mm)
    exact = f"{whole.long_mm:.1f} × {whole.short_mm:.1f}"
    product = f"product {whole.long_mm * whole.short_mm:.0f} mm² ({exact})"
    where = f"axial {readable_position(whole.plane, whole.middle[2])}"
    image = f"T1c image {cases.SHAPE_KJI[0] - whole.slice_index}"
    told = f"Whole tumour {lengths}, {where}, {image}, {product}, not measurable"
    assert page.diameters[1] == told
    assert any("RANO 2.0" in line and "11 mm" in line for line in page.provenance)
    assert page.diameters[1] in report_html.measures(page)
    empty = build_page(nothing)
    assert empty.diameters == ()
    assert not any("RANO" in line for line in empty.provenance)


def test_command_line_tells_them_below_the_volumes(
    result: StudyResult, nothing: StudyResult, capsys: pytest.CaptureFixture[str]
) -> None:
    print_volumes(result)
    told = capsys.readouterr().out
    for one in measure_diameters(result.segmentation).values():
        assert f"{in_words(one)}, {slice_in_words(result, one)}" in told.splitlines()
    assert place_in_words(result) in told.splitlines()
    print_volumes(nothing)
    assert " × " not in capsys.readouterr().out


def _read_by_dcmqi(path: Path, folder: Path) -> list[float]:
    reader = Path(sys.executable).with_name("tid1500reader")
    metadata = folder / "read.json"
    command = [reader, "--inputDICOM", path, "--outputMetadata", metadata]
    subprocess.run(command, check=True, capture_output=True)
    groups = json.loads(metadata.read_text("utf-8"))["Measurements"]
    return [
        float(item["value"])
        for group in groups
        for item in group["measurementItems"]
        if item["quantity"]["CodeValue"] in (LONG_AXIS, SHORT_AXIS)
    ]
