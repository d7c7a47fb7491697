"""DICOM SR, RTSTRUCT and secondary capture: valid, and true to the labels."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import Segmentation as DicomSegmentation
from numpy.typing import NDArray
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from skimage.measure import points_in_poly

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.pseudonyms import KEY_BYTES, Pseudonyms
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REGION_TITLES, Region
from desktop_app.domain.study import Sequence
from desktop_app.io.export import dicom_object
from desktop_app.io.export.dicom_source import DicomSource, read_source
from desktop_app.io.export.rtstruct import build_rtstruct
from desktop_app.io.export.secondary_capture import build_sc
from desktop_app.io.export.seg import build_seg
from desktop_app.io.export.sr import build_sr
from desktop_app.services.measuring.measure import measure
from tests import export_cases as cases


@pytest.fixture(scope="module")
def source(result: StudyResult) -> DicomSource:
    return read_source(result.roles[Sequence.T1C], result.segmentation.geometry)


@pytest.fixture(scope="module")
def seg(result: StudyResult, source: DicomSource) -> DicomSegmentation:
    return build_seg(result.segmentation, source)


def measured_groups(document: Dataset) -> list[Dataset]:
    containers = [item for item in document.ContentSequence if item.ValueType == "CONTAINER"]
    (measurements,) = [c for c in containers if cases.code_of(c) == "126010"]
    return list(measurements.ContentSequence)


def by_name(group: Dataset, code: str) -> Dataset:
    (item,) = [item for item in group.ContentSequence if cases.code_of(item) == code]
    return item


def test_report_is_valid_and_read_by_dcmqi(
    result: StudyResult, source: DicomSource, seg: DicomSegmentation, tmp_path: Path
) -> None:
    document = build_sr(result.segmentation, result.measurements, source, seg)
    path = dicom_object.save(document, tmp_path / "report.sr.dcm")
    assert cases.dciodvfy_errors(path) == []
    reader = Path(sys.executable).with_name("tid1500reader")
    metadata = tmp_path / "read.json"
    command = [reader, "--inputDICOM", path, "--outputMetadata", metadata]
    subprocess.run(command, check=True, capture_output=True)
    read = json.loads(metadata.read_text("utf-8"))["Measurements"]
    volumes = {m["TrackingIdentifier"].split(",")[0]: m["measurementItems"][0] for m in read}
    for measurement in result.measurements:
        if measurement.unit == "mm3":
            title = f"{REGION_TITLES[measurement.region]} ({measurement.region.value})"
            item = volumes[title]
            assert float(item["value"]) == pytest.approx(measurement.value, abs=1e-3)
            assert item["units"]["CodeValue"] == "mm3"


def test_report_refers_to_the_segments_beside_it(
    result: StudyResult, source: DicomSource, seg: DicomSegmentation
) -> None:
    document = build_sr(result.segmentation, result.measurements, source, seg)
    groups = measured_groups(document)
    numbers = []
    for group in groups:
        reference = by_name(group, "121191").ReferencedSOPSequence[0]
        assert reference.ReferencedSOPInstanceUID == seg.SOPInstanceUID
        numbers.append(np.atleast_1d(reference.ReferencedSegmentNumber).tolist())
    assert numbers == [[1], [2], [3], [1, 3], [1, 2, 3]]
    tracked = [by_name(group, "112040").UID for group in groups]
    assert tracked[:3] == [segment.TrackingUID for segment in seg.SegmentSequence]
    assert len(set(tracked)) == 5
    evidence = document.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert {s.SeriesInstanceUID for s in evidence} == {source.series_uid, seg.SeriesInstanceUID}
    assert (document.VerificationFlag, document.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")


def test_every_report_of_one_network_names_one_device(
    result: StudyResult, source: DicomSource
) -> None:
    segmentation = result.segmentation
    other = replace(segmentation.provenance, weights_sha256="f" * 64)
    uids = []
    for one in (segmentation, segmentation, replace(segmentation, provenance=other)):
        (observer,) = [
            item.UID
            for item in build_sr(one, result.measurements, source, None).ContentSequence
            if item.ValueType == "UIDREF"
        ]
        uids.append(observer)
    assert uids[0] == uids[1] != uids[2]


def test_report_without_segmentation_refers_to_none(
    result: StudyResult, source: DicomSource, tmp_path: Path
) -> None:
    document = build_sr(result.segmentation, result.measurements, source, None)
    path = dicom_object.save(document, tmp_path / "report.sr.dcm")
    assert cases.dciodvfy_errors(path) == []
    assert len(measured_groups(document)) == 5
    assert "ReferencedSegmentNumber" not in str(dcmread(path))


def mask_of(dataset: Dataset, number: int, result: StudyResult) -> NDArray[np.bool_]:
    """Fill a structure's contours, as a planning system does: pixel centres, even and odd."""
    geometry = result.segmentation.geometry
    _, rows, columns = geometry.shape_kji
    centres = np.stack(np.mgrid[:rows, :columns], axis=-1).reshape(-1, 2).astype(float)
    mask = np.zeros(geometry.shape_kji, dtype=bool)
    (contours,) = [c for c in dataset.ROIContourSequence if c.ReferencedROINumber == number]
    for contour in contours.ContourSequence:
        points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
        assert len(points) == contour.NumberOfContourPoints
        index_kji = geometry.to_index_kji(points)
        k = round(index_kji[0, 0])
        assert np.abs(index_kji[:, 0] - k).max() < 1e-3
        filled = points_in_poly(centres, index_kji[:, 1:]).reshape(rows, columns)
        mask[k] ^= filled
        instance = result.roles[Sequence.T1C].instances[k]
        referenced = contour.ContourImageSequence[0].ReferencedSOPInstanceUID
        assert referenced == instance.sop_instance_uid
    return mask


def test_structures_are_valid_and_fill_to_the_same_voxels(
    result: StudyResult, source: DicomSource, tmp_path: Path
) -> None:
    built = build_rtstruct(result.segmentation, source)
    path = dicom_object.save(built, tmp_path / "structures.rt.dcm")
    assert cases.dciodvfy_errors(path) == []
    dataset = dcmread(path)
    assert str(dataset.PatientName) == cases.NAME
    assert dataset.ApprovalStatus == "UNAPPROVED"
    names = [structure.ROIName for structure in dataset.StructureSetROISequence]
    assert names == [f"{REGION_TITLES[region]} ({region.value})" for region in Region]
    for number, region in enumerate(Region, start=1):
        truth = result.segmentation.mask_kji(region)
        np.testing.assert_array_equal(mask_of(dataset, number, result), truth)
        volume = dataset.StructureSetROISequence[number - 1].ROIVolume
        assert float(volume) == pytest.approx(truth.sum() * 5.5 * 0.9 * 0.8 / 1000)


def test_structures_have_the_colours_of_the_screen_and_unions_their_own(
    result: StudyResult, source: DicomSource
) -> None:
    built = build_rtstruct(result.segmentation, source)
    names = {one.ROINumber: one.ROIName for one in built.StructureSetROISequence}
    colours = {
        names[one.ReferencedROINumber].split("(")[1]: tuple(one.ROIDisplayColor)
        for one in built.ROIContourSequence
    }
    assert colours == {
        "NCR)": (0, 114, 178),
        "ED)": (240, 228, 66),
        "ET)": (213, 94, 0),
        "TC)": (204, 121, 167),
        "WT)": (0, 158, 115),
    }


def test_contours_above_64_kilobytes_stay_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oedema with many holes, on a fine grid: one outline, joined to all of them."""
    geometry = Geometry((3, 90, 90), np.diag([0.43, 0.43, 5.0, 1.0]), "1.2.3.4")
    labels = np.zeros(geometry.shape_kji, np.uint8)
    labels[1, 2:-2, 2:-2] = 2
    labels[1, 4:-4:2, 4:-4:2] = 0
    ragged = cases.study_result(tmp_path, labels_kji=labels, geometry=geometry)
    source = read_source(ragged.roles[Sequence.T1C], geometry)
    built = build_rtstruct(ragged.segmentation, source)
    path = dicom_object.save(built, tmp_path / "structures.rt.dcm")
    assert cases.dciodvfy_errors(path) == []
    # Readers that do not know the attribute better than the file have to get numbers, too.
    monkeypatch.setattr(config, "replace_un_with_known_vr", False)
    read = dcmread(path)
    for structure, was in zip(read.ROIContourSequence, built.ROIContourSequence, strict=True):
        (contour,) = structure.ContourSequence
        element = contour["ContourData"]
        assert element.VR == "DS"
        assert sum(len(str(value)) + 1 for value in element.value) > 2**16
        assert contour.NumberOfContourPoints == len(element.value) // 3
        np.testing.assert_array_equal(
            np.array(element.value, float), np.array(was.ContourSequence[0].ContourData, float)
        )


def test_a_core_without_enhancement_is_not_called_necrosis(
    result: StudyResult, source: DicomSource
) -> None:
    labels = np.where(cases.tumour_labels() == 3, 1, cases.tumour_labels()).astype(np.uint8)
    dull = replace(result.segmentation, labels_kji=labels)
    observations = build_rtstruct(dull, source).RTROIObservationsSequence
    told = {
        one.ROIObservationLabel: one.RTROIIdentificationCodeSequence[0].CodeValue
        for one in observations
    }
    assert told == {"NCR": "4147007", "ED": "79654002", "TC": "4147007", "WT": "108369006"}
    report = build_sr(dull, measure(dull), source, None)
    findings = {
        str(by_name(group, "112039").TextValue).split(",")[0]: by_name(
            group, "121071"
        ).ConceptCodeSequence[0]
        for group in measured_groups(report)
    }
    assert findings["Necrotic or non-enhancing core (NCR)"].CodeValue == "4147007"
    whole = build_rtstruct(result.segmentation, source).RTROIObservationsSequence
    assert whole[0].RTROIIdentificationCodeSequence[0].CodeValue == "6574001"


def test_regions_without_voxels_are_no_structures(
    result: StudyResult, source: DicomSource, tmp_path: Path
) -> None:
    labels = np.where(result.segmentation.labels_kji == 2, 2, 0).astype(np.uint8)
    only_oedema = replace(result.segmentation, labels_kji=labels)
    dataset = build_rtstruct(only_oedema, source)
    observed = [item.ROIObservationLabel for item in dataset.RTROIObservationsSequence]
    assert observed == ["ED", "WT"]
    path = dicom_object.save(dataset, tmp_path / "structures.rt.dcm")
    assert cases.dciodvfy_errors(path) == []
    with pytest.raises(ValueError, match="no structures"):
        build_rtstruct(replace(result.segmentation, labels_kji=labels * 0), source)


@pytest.mark.parametrize("anonymised", [False, True])
def test_capture_is_valid_and_keeps_its_pixels(
    result: StudyResult, tmp_path: Path, anonymised: bool
) -> None:
    series, geometry = result.roles[Sequence.T1C], result.segmentation.geometry
    pseudonyms = Pseudonyms(bytes(KEY_BYTES), "patient", "study") if anonymised else None
    source = read_source(series, geometry, pseudonyms=pseudonyms)
    picture = np.random.default_rng(1).integers(0, 256, (33, 21, 3), dtype=np.uint8)
    built = build_sc(picture, source, result.segmentation.provenance)
    path = dicom_object.save(built, tmp_path / "summary.sc.dcm")
    assert cases.dciodvfy_errors(path) == []
    dataset = dcmread(path)
    np.testing.assert_array_equal(dataset.pixel_array, picture)
    assert dataset.BurnedInAnnotation == ("NO" if anonymised else "YES")
    with pytest.raises(ValueError, match="RGB"):
        build_sc(picture[..., 0], source, result.segmentation.provenance)


def test_series_of_one_export_are_told_apart(
    result: StudyResult, source: DicomSource, seg: DicomSegmentation
) -> None:
    objects = [
        seg,
        build_sr(result.segmentation, result.measurements, source, seg),
        build_rtstruct(result.segmentation, source),
        build_sc(np.zeros((2, 2, 3), np.uint8), source, result.segmentation.provenance),
    ]
    assert len({one.SeriesNumber for one in objects}) == 4
    assert len({one.SeriesInstanceUID for one in objects}) == 4
    assert {one.StudyInstanceUID for one in objects} == {result.study.study_uid}
    assert {one.Manufacturer for one in objects} == {"Gliascope"}
    assert all("research use" in one.SeriesDescription for one in objects)
