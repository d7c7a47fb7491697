"""DICOM SEG: valid, on the source grid, and the same voxels when others read it."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.pseudonyms import KEY_BYTES, Pseudonyms
from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import InstanceRef, Sequence, Series
from desktop_app.errors import InputError
from desktop_app.io.dicom.load import load_dicom
from desktop_app.io.dicom.seg_labels import read_seg
from desktop_app.io.export.dicom_object import save
from desktop_app.io.export.dicom_source import read_source
from desktop_app.io.export.rtstruct import build_rtstruct
from desktop_app.io.export.seg import build_seg
from desktop_app.io.scan import scan
from tests import export_cases as cases
from tests import mr_files


def export(result: StudyResult, path: Path, *, anonymise: bool = False) -> Path:
    series = result.roles[Sequence.T1C]
    pseudonyms = Pseudonyms(bytes(KEY_BYTES), "patient", "study") if anonymise else None
    source = read_source(series, result.segmentation.geometry, pseudonyms=pseudonyms)
    return save(build_seg(result.segmentation, source), path)


@pytest.fixture(scope="module")
def seg_path(result: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(result, tmp_path_factory.mktemp("seg") / "segmentation.seg.dcm")


def read_with_dcmqi(path: Path, folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Labels as i, j, k and their affine in RAS, as dcmqi sees them."""
    program = Path(sys.executable).with_name("segimage2itkimage")
    folder.mkdir()
    arguments = ["--inputDICOM", path, "--outputDirectory", folder, "--outputType", "nifti"]
    subprocess.run([program, *arguments], check=True, capture_output=True)
    labels = None
    for file in folder.glob("*.nii.gz"):
        image = nib.load(file)
        values = np.asarray(image.dataobj).astype(np.uint8)
        labels = values if labels is None else np.maximum(labels, values)
        affine = image.affine
    assert labels is not None
    return labels, affine


def assert_same_voxels(path: Path, folder: Path, truth: NDArray[np.uint8], grid: Geometry) -> None:
    """Every labelled voxel of dcmqi's lies where ours does, and there are no others."""
    labels_ijk, affine_ras = read_with_dcmqi(path, folder)
    index_ijk = np.argwhere(labels_ijk)
    points_lps = (index_ijk @ affine_ras[:3, :3].T + affine_ras[:3, 3]) * (-1, -1, 1)
    found = grid.to_index_kji(points_lps)
    assert np.abs(found - found.round()).max() < 1e-3
    again = np.zeros_like(truth)
    again[tuple(found.round().astype(int).T)] = labels_ijk[tuple(index_ijk.T)]
    np.testing.assert_array_equal(again, truth)


def test_dciodvfy_reports_no_error(seg_path: Path) -> None:
    assert cases.dciodvfy_errors(seg_path) == []


def test_dcmqi_reads_the_same_voxels(result: StudyResult, seg_path: Path, tmp_path: Path) -> None:
    segmentation = result.segmentation
    assert_same_voxels(seg_path, tmp_path / "out", segmentation.labels_kji, segmentation.geometry)


def test_content_says_what_and_by_whom(seg_path: Path) -> None:
    seg = hd.seg.segread(seg_path)
    assert seg.segmentation_type.value == "BINARY"
    descriptions = [seg.get_segment_description(n) for n in seg.segment_numbers]
    assert [(d.SegmentLabel, d.segmented_property_type.value) for d in descriptions] == [
        ("Necrotic or non-enhancing core", "6574001"),
        ("Oedema", "79654002"),
        ("Enhancing tumour", "C113842"),
    ]
    for description in descriptions:
        assert description.segmented_property_category.value == "49755003"
        assert description.SegmentAlgorithmType == "AUTOMATIC"
        algorithm = description.algorithm_identification
        assert (algorithm.name, algorithm.family.value) == ("slim_unetrpp", "123110")
        assert algorithm.version == "0.1.0 0123456789ab"
    assert "research use" in seg.ContentDescription
    red, green, blue = hd.color.CIELabColor.from_dicom_value(
        descriptions[2].RecommendedDisplayCIELabValue
    ).to_rgb()
    assert np.abs(np.array([red, green, blue]) - (213, 94, 0)).max() <= 2


def test_frames_refer_to_the_slices_they_lie_on(result: StudyResult, seg_path: Path) -> None:
    seg = dcmread(seg_path)
    series = result.roles[Sequence.T1C]
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == series.series_uid
    for frame in seg.PerFrameFunctionalGroupsSequence:
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        k = round(result.segmentation.geometry.to_index_kji(position)[0])
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPInstanceUID == series.instances[k].sop_instance_uid
    measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert float(measures.SpacingBetweenSlices) == pytest.approx(5.5)
    assert float(measures.SliceThickness) == pytest.approx(5.0)


def test_patient_and_study_are_taken_over_in_utf8(result: StudyResult, seg_path: Path) -> None:
    seg = dcmread(seg_path)
    assert seg.SpecificCharacterSet == "ISO_IR 192"
    assert str(seg.PatientName) == cases.NAME
    assert seg.PatientID == cases.PATIENT_ID
    assert seg.StudyInstanceUID == result.study.study_uid
    assert seg.AccessionNumber == "ACC-4711"
    assert cases.NAME.encode() in seg_path.read_bytes()


def test_anonymised_file_holds_no_identifier(result: StudyResult, tmp_path: Path) -> None:
    path = export(result, tmp_path / "s.seg.dcm", anonymise=True)
    content = path.read_bytes()
    series = result.roles[Sequence.T1C]
    private = [
        "Müller",
        "Zoë",
        "山田",
        cases.PATIENT_ID,
        cases.BIRTH_DATE,
        cases.STUDY_DATE,
        "ACC-4711",
        "Schädel",
        "Elsewhere",
        result.study.study_uid,
        series.series_uid,
        result.segmentation.geometry.frame_of_reference_uid + "\0",
        *(instance.sop_instance_uid for instance in series.instances),
    ]
    assert [text for text in private if text.encode() in content] == []
    assert cases.dciodvfy_errors(path) == []
    seg = dcmread(path)
    assert seg.PatientIdentityRemoved == "YES"
    referenced = {ref.ReferencedSOPInstanceUID for ref in seg.SourceImageSequence}
    assert len(referenced) == len(series.instances)
    truth = result.segmentation
    assert_same_voxels(path, tmp_path / "out", truth.labels_kji, truth.geometry)


@pytest.mark.parametrize("values", [(), (2,), (1, 3)])
def test_segments_without_voxels_keep_their_description(
    result: StudyResult, tmp_path: Path, values: tuple[int, ...]
) -> None:
    labels = np.where(np.isin(cases.tumour_labels(), values), cases.tumour_labels(), 0)
    partial = cases.study_result(tmp_path, labels_kji=labels.astype(np.uint8), series=result.roles)
    path = export(partial, tmp_path / "s.seg.dcm")
    assert cases.dciodvfy_errors(path) == []
    seg = dcmread(path)
    assert len(seg.SegmentSequence) == 3
    frames = (labels > 0).any(axis=(1, 2)).sum()
    assert seg.NumberOfFrames == (
        len(seg.SegmentSequence) * len(labels)
        if not values
        else sum((labels == v).any(axis=(1, 2)).sum() for v in values)
    )
    assert frames == 0 or seg.pixel_array.any()


@pytest.mark.parametrize(
    ("values", "code"), [((1, 2), "4147007"), ((1,), "4147007"), ((2,), "6574001")]
)
def test_a_core_without_enhancement_is_not_called_necrosis(
    result: StudyResult, tmp_path: Path, values: tuple[int, ...], code: str
) -> None:
    labels = np.where(np.isin(cases.tumour_labels(), values), cases.tumour_labels(), 0)
    dull = cases.study_result(tmp_path, labels_kji=labels.astype(np.uint8), series=result.roles)
    path = export(dull, tmp_path / "s.seg.dcm")
    first, *others = dcmread(path).SegmentSequence
    assert first.SegmentLabel == "Necrotic or non-enhancing core"
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeValue == code
    assert first.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"
    kept = [one.SegmentedPropertyTypeCodeSequence[0].CodeValue for one in others]
    assert kept == ["79654002", "C113842"]
    assert cases.dciodvfy_errors(path) == []
    truth = dull.segmentation
    np.testing.assert_array_equal(read_seg(path, truth.geometry).labels_kji, truth.labels_kji)


def test_hand_corrected_labels_say_so(result: StudyResult, tmp_path: Path) -> None:

    segmentation = result.segmentation
    edited = replace(segmentation, provenance=replace(segmentation.provenance, edited=True))
    path = export(replace(result, segmentation=edited), tmp_path / "s.seg.dcm")
    types = {segment.SegmentAlgorithmType for segment in dcmread(path).SegmentSequence}
    assert types == {"SEMIAUTOMATIC"}


def multiframe_series(folder: Path, geometry: Geometry, *, sharing: bool) -> Series:
    """An enhanced image whose frames are stored from top to bottom, after one of another echo.

    Orientation and spacing stand once for all frames if `sharing`, else in each of them.
    """
    dataset = cases.mr_header(geometry, generate_uid(), generate_uid(), "T1 +C")
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    dataset.SOPInstanceUID = generate_uid()
    count = geometry.shape_kji[0]
    dataset.NumberOfFrames = count + 1
    common, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = geometry.direction_lps[:, :2].T.ravel().tolist()
    measures.PixelSpacing = list(geometry.spacing_mm[1:])
    measures.SliceThickness = 5.5
    common.PlaneOrientationSequence = [orientation]
    common.PixelMeasuresSequence = [measures]
    if sharing:
        dataset.SharedFunctionalGroupsSequence = [common]
    planes = [0, *range(count - 1, -1, -1)]
    frames = []
    for k in planes:
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = geometry.to_patient_mm(np.array([k, 0.0, 0.0])).tolist()
        frame.PlanePositionSequence = [place]
        if not sharing:
            frame.update(common)
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = frames
    dataset.PixelData = np.zeros((count + 1, *geometry.shape_kji[1:]), np.uint16).tobytes()
    path = folder / "enhanced.dcm"
    cases.save(dataset, path)
    frame_of_plane = {k: number for number, k in enumerate(planes, start=1) if number > 1}
    return Series(
        dataset.SeriesInstanceUID,
        "T1 +C",
        tuple(
            InstanceRef(path, dataset.SOPClassUID, dataset.SOPInstanceUID, frame_of_plane[k])
            for k in range(count)
        ),
        geometry,
    )


@pytest.mark.parametrize("sharing", [True, False])
def test_multiframe_source(tmp_path: Path, sharing: bool) -> None:
    geometry = cases.oblique_geometry()
    series = multiframe_series(tmp_path, geometry, sharing=sharing)
    result = cases.study_result(tmp_path, series={Sequence.T1C: series})
    path = export(result, tmp_path / "s.seg.dcm")
    assert cases.dciodvfy_errors(path) == []
    assert_same_voxels(path, tmp_path / "out", result.segmentation.labels_kji, geometry)
    for frame in dcmread(path).PerFrameFunctionalGroupsSequence:
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        k = round(geometry.to_index_kji(position)[0])
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedFrameNumber == series.instances[k].frame


def test_contours_name_the_frame_of_a_multiframe_source(tmp_path: Path) -> None:
    geometry = cases.oblique_geometry()
    series = multiframe_series(tmp_path, geometry, sharing=True)
    segmentation = cases.study_result(tmp_path, series={Sequence.T1C: series}).segmentation
    built = build_rtstruct(segmentation, read_source(series, geometry))
    for contour in (one for region in built.ROIContourSequence for one in region.ContourSequence):
        corner = np.array(contour.ContourData[:3], dtype=float)
        frame = series.instances[round(geometry.to_index_kji(corner)[0])].frame
        assert contour.ContourImageSequence[0].ReferencedFrameNumber == frame


@pytest.mark.parametrize("frames_each", [1, 4])
def test_multiframe_source_in_several_files(tmp_path: Path, frames_each: int) -> None:
    geometry = cases.oblique_geometry()
    series = multiframe_series(tmp_path, geometry, sharing=True)
    whole = dcmread(series.instances[0].path)
    instances = []
    for first in range(0, len(series.instances), frames_each):
        part = series.instances[first : first + frames_each]
        whole.SOPInstanceUID = generate_uid()
        whole.file_meta.MediaStorageSOPInstanceUID = whole.SOPInstanceUID
        whole.NumberOfFrames = len(part)
        groups = dcmread(series.instances[0].path).PerFrameFunctionalGroupsSequence
        whole.PerFrameFunctionalGroupsSequence = [groups[one.frame - 1] for one in part]
        whole.PixelData = bytes(2 * len(part) * whole.Rows * whole.Columns)
        path = tmp_path / f"part{first}.dcm"
        whole.save_as(path)
        instances += [
            InstanceRef(path, whole.SOPClassUID, whole.SOPInstanceUID, number)
            for number in range(1, len(part) + 1)
        ]
    series = replace(series, instances=tuple(instances))
    result = cases.study_result(tmp_path, series={Sequence.T1C: series})
    path = export(result, tmp_path / "s.seg.dcm")
    assert cases.dciodvfy_errors(path) == []
    assert_same_voxels(path, tmp_path / "out", result.segmentation.labels_kji, geometry)
    for frame in dcmread(path).PerFrameFunctionalGroupsSequence:
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        lies_on = instances[round(geometry.to_index_kji(position)[0])]
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPInstanceUID == lies_on.sop_instance_uid
        assert source.ReferencedFrameNumber == lies_on.frame


def test_plane_the_scanner_did_not_measure(result: StudyResult, tmp_path: Path) -> None:

    series = result.roles[Sequence.T1C]
    gap = replace(series, instances=series.instances[:5] + series.instances[6:])
    path = export(replace(result, roles={Sequence.T1C: gap}), tmp_path / "s.seg.dcm")
    assert cases.dciodvfy_errors(path) == []
    truth = result.segmentation
    assert_same_voxels(path, tmp_path / "out", truth.labels_kji, truth.geometry)


def test_odd_headers_do_not_stop_the_export(tmp_path: Path) -> None:
    result = cases.study_result(tmp_path)
    series = result.roles[Sequence.T1C]
    for instance in series.instances:
        dataset = dcmread(instance.path)
        for keyword in ("AccessionNumber", "StudyTime", "SliceThickness", "PatientBirthDate"):
            del dataset[keyword]
        dataset["StudyDate"]._value = "29.02.2024"
        dataset["PatientSex"]._value = "W"
        dataset.PatientName = "Bono"
        dataset.save_as(instance.path)
    path = export(result, tmp_path / "s.seg.dcm")
    assert cases.dciodvfy_errors(path) == []
    seg = dcmread(path)
    assert (seg.StudyDate, seg.PatientSex, str(seg.PatientName)) == ("", "", "Bono")


def test_source_that_went_away_is_told(tmp_path: Path) -> None:
    result = cases.study_result(tmp_path / "study")
    shutil.rmtree(tmp_path / "study" / "t1c")
    with pytest.raises(InputError) as caught:
        export(result, tmp_path / "s.seg.dcm")
    assert len(str(caught.value).splitlines()) == 3
    assert not (tmp_path / "s.seg.dcm").exists()


def test_cosines_of_three_decimals_leave_every_plane_its_slice(tmp_path: Path) -> None:
    """Rounding turns the stack's normal by a little, which adds up over a stack."""
    tilt, turn = np.deg2rad(17), np.deg2rad(-6)
    row = np.array([np.cos(turn), 0, -np.sin(turn)])
    column = np.array([np.sin(tilt) * np.sin(turn), np.cos(tilt), np.sin(tilt) * np.cos(turn)])

    def rounded(number: int, dataset: Dataset) -> None:
        position = np.array([-20.0, -30.0, -40.0]) + number * 6.0 * np.cross(row, column)
        dataset.ImagePositionPatient = [round(float(mm), 4) for mm in position]
        dataset.ImageOrientationPatient = [round(float(c), 3) for c in (*row, *column)]

    values = mr_files.pattern((48, 20, 20))
    mr_files.write_series(tmp_path, values, "T1c", edit=rounded, spacing_mm=(6, 5, 5))
    ((series,),) = [study.series for study in scan(tmp_path, use_cache=False).studies]
    source = read_source(series, load_dicom(series).geometry)
    assert None not in source.frames
