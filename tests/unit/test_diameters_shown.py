"""Diameters of a result: where they are written, and in which words."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from desktop_app.cli.segment import print_volumes
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.lesion import Lesion
from desktop_app.domain.measurement import AnatomicalPlane
from desktop_app.domain.readable import readable_diameters, readable_position
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import InstanceRef, Sequence
from desktop_app.io.dicom.load import load_dicom
from desktop_app.io.export import dicom_object
from desktop_app.io.export.csv_table import write_csv
from desktop_app.io.export.dicom_source import read_source
from desktop_app.io.export.seg import build_seg
from desktop_app.io.export.sr import build_sr
from desktop_app.io.scan import scan
from desktop_app.services.export import measurement_document
from desktop_app.services.export.measurement_document import measurements_document
from desktop_app.services.export.measurement_table import measurement_rows
from desktop_app.services.export.report import build_page
from desktop_app.services.measuring.diameters import (
    image_number,
    in_words,
    measure_diameters,
    measured_image,
    slice_in_words,
)
from desktop_app.services.measuring.places import place_in_words
from tests import export_cases as cases
from tests.study_cases import make_study
from ui import report_html

LONG_AXIS, SHORT_AXIS = "103339001", "103340004"


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory, result: StudyResult) -> StudyResult:
    empty = np.zeros(cases.SHAPE_KJI, np.uint8)
    folder = tmp_path_factory.mktemp("nothing")
    return cases.study_result(folder, labels_kji=empty, series=result.roles)


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
