"""Labels of another program become the result of the open study."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REGION_LABELS, Region
from desktop_app.domain.study import PatientSummary, Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.io.export.dicom_object import save
from desktop_app.io.export.dicom_source import read_source
from desktop_app.io.export.seg import build_seg
from desktop_app.io.label_maps import holds_labels
from desktop_app.io.nifti.files import write_nifti
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.measuring.field_ends import is_cut_off
from desktop_app.services.measuring.measure import volume_intervals, volumes_mm3
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.results import label_import
from desktop_app.services.results.label_import import open_labels, read_foreign
from desktop_app.services.results.reopen import reopen_result
from desktop_app.services.results.saved_results import ExportOptions, save_results
from desktop_app.services.segmenting import preprocess
from tests import export_cases as cases
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study

NEW = {1: Region.NCR, 2: Region.ED, 3: Region.ET}
OLD = {1: Region.NCR, 2: Region.ED, 4: Region.ET}
EXCHANGED = {1: Region.ED, 2: Region.NCR, 3: Region.ET}


def mask() -> np.ndarray[Any, Any]:
    found = np.zeros(GEOMETRY.shape_kji, np.uint8)
    found[1, 1, 1:4] = (1, 2, 3)
    found[2, 3, 2:4] = 2
    return found


def loads_as(monkeypatch: pytest.MonkeyPatch, result: StudyResult) -> StudyResult:
    """Have the images of a study load and prepare as those of a result."""
    volumes = result.prepared.volumes
    monkeypatch.setattr(
        label_import, "load_study", lambda roles, **_: LoadedStudy(dict(roles), volumes, 0.0)
    )
    monkeypatch.setattr(preprocess, "prepare", lambda *_, **__: result.prepared)
    return result


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch) -> StudyResult:
    return loads_as(monkeypatch, make_result(make_study(), mask() * 0))


def written(
    folder: Path, array: np.ndarray[Any, Any], geometry: Geometry = GEOMETRY, name: str = "seg"
) -> Path:
    return write_nifti(Volume(array, geometry), folder / f"{name}.nii.gz")


def opened(result: StudyResult, file: Path, regions: Mapping[int, Region] = NEW) -> StudyResult:
    labels = read_foreign(file, result.study)
    return open_labels(result.study, result.roles, labels, regions).result


@pytest.mark.parametrize("regions", [NEW, OLD, EXCHANGED])
def test_a_mask_of_the_challenge_is_proposed_as_what_it_is(
    result: StudyResult, tmp_path: Path, regions: Mapping[int, Region]
) -> None:
    values = np.zeros(5, np.int16)
    for number, region in regions.items():
        values[REGION_LABELS[region][0]] = number
    labels = mask() * 0
    labels[1:3, 1:4, 1:5] = 2
    labels[1:3, 2, 2:4] = (1, 3)
    file = written(tmp_path, values[labels])
    assert holds_labels(file)
    parts = read_foreign(file, result.study).parts
    assert {one.number: one.proposed for one in parts} == regions
    sizes = {regions[one.number]: one.volume_mm3 for one in parts}
    assert sizes == pytest.approx({Region.NCR: 10, Region.ED: 100, Region.ET: 10})
    again = opened(result, file, regions)
    assert np.array_equal(again.segmentation.labels_kji, labels)
    assert again.segmentation.warnings == ()


def test_a_map_of_many_parts_is_taken_for_labels(result: StudyResult, tmp_path: Path) -> None:
    array = np.arange(mask().size, dtype=np.uint8).reshape(mask().shape) % 13
    file = written(tmp_path, array)
    assert holds_labels(file)
    assert len(read_foreign(file, result.study).parts) == 12


def test_parts_that_are_left_out_are_not_drawn(result: StudyResult, tmp_path: Path) -> None:
    again = opened(result, written(tmp_path, mask()), {2: Region.ET})
    assert np.array_equal(again.segmentation.labels_kji, np.where(mask() == 2, 3, 0))


def test_nothing_is_claimed_of_a_network(result: StudyResult, tmp_path: Path) -> None:
    again = opened(result, written(tmp_path, mask()))
    provenance = again.segmentation.provenance
    assert (provenance.labels_of, provenance.edited) == ("seg.nii.gz", True)
    assert not provenance.is_known
    assert provenance.origin_in_words("the network") == "labels of seg.nii.gz"
    assert provenance.steps[-1] == "Labels of another program opened: 1 as NCR, 2 as ED, 3 as ET"
    assert volume_intervals(again.measurements) == {}
    assert again.unfamiliarity is None
    assert volumes_mm3(again.measurements)[Region.WT] == pytest.approx(25)


@pytest.mark.parametrize(
    "formats", [(ExportFormat.NIFTI, ExportFormat.JSON), (ExportFormat.NIFTI,)]
)
@pytest.mark.parametrize("anonymise", [False, True])
def test_an_export_remembers_where_the_labels_come_from(
    result: StudyResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    formats: tuple[ExportFormat, ...],
    anonymise: bool,
) -> None:
    again = opened(result, written(tmp_path, mask(), name="Doe_Jane"))
    folder = save_results(
        again, tmp_path / "out", ExportOptions(formats, anonymise=anonymise)
    ).folder
    monkeypatch.setattr("desktop_app.services.results.reopen.load_study", label_import.load_study)
    read = reopen_result(result.study, result.roles, folder).result.segmentation.provenance
    is_told = ExportFormat.JSON in formats and not anonymise
    assert read.labels_of == ("Doe_Jane.nii.gz" if is_told else "a file of another program")
    assert read.edited
    assert not read.is_known
    texts = (file.read_text("utf-8") for file in folder.iterdir() if file.suffix != ".gz")
    assert is_told or not any("Doe_Jane" in text for text in texts)
    if ExportFormat.JSON in formats:
        document = json.loads((folder / "measurements.json").read_text("utf-8"))
        assert document["uncertainty"]["coverage"] is None


def test_axes_in_another_order_are_exact(result: StudyResult, tmp_path: Path) -> None:
    file = written(tmp_path, mask())
    turned = nibabel.load(file).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    nibabel.save(turned, file)
    again = opened(result, file)
    assert np.array_equal(again.segmentation.labels_kji, mask())
    assert again.segmentation.warnings == ()


def test_another_grid_is_taken_over_voxel_by_nearest_voxel_and_told(
    result: StudyResult, tmp_path: Path
) -> None:
    fine = np.repeat(mask(), 5, axis=0)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = (0.2, 0.2, -2.0)
    again = opened(result, written(tmp_path, fine, Geometry(fine.shape, affine)))
    assert np.array_equal(again.segmentation.labels_kji, mask())
    (told,) = again.segmentation.warnings
    assert "another grid" in told
    assert "1.00 × 1.00 × 1.00 mm" in told


@pytest.mark.parametrize(("aside_mm", "columns"), [(1.0, 1), (0.05, 0)])
def test_labels_a_voxel_aside_stay_aside_and_a_rounded_place_is_the_same(
    result: StudyResult, tmp_path: Path, aside_mm: float, columns: int
) -> None:
    affine = GEOMETRY.affine_lps_mm.copy()
    affine[0, 3] = aside_mm
    again = opened(result, written(tmp_path, mask(), Geometry(GEOMETRY.shape_kji, affine)))
    assert np.array_equal(again.segmentation.labels_kji, np.roll(mask(), columns, axis=2))
    assert again.segmentation.warnings == ()


def test_labels_that_reach_the_end_of_the_images_are_told_to_be_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = 1.0 + np.arange(mask().size, dtype=np.float32).reshape(GEOMETRY.shape_kji)
    image = Volume(grey, GEOMETRY)
    result = loads_as(monkeypatch, make_result(make_study(), mask() * 0, image=image))
    labels = mask() * 0
    labels[2:, 2, 2:4] = 2
    again = opened(result, written(tmp_path, labels), {2: Region.ED})
    warnings = again.segmentation.warnings
    assert is_cut_off(warnings)
    assert warnings[0].startswith("The tumour reaches the upper")


def test_labels_beside_the_images_are_refused(result: StudyResult, tmp_path: Path) -> None:
    affine = GEOMETRY.affine_lps_mm.copy()
    affine[0, 3] = 500.0
    file = written(tmp_path, mask(), Geometry(GEOMETRY.shape_kji, affine))
    with pytest.raises(InputError, match="do not lie on these images") as refused:
        opened(result, file)
    assert str(file) in refused.value.detail


def test_what_is_cut_off_and_what_lies_outside_the_brain_is_told(
    result: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    affine = GEOMETRY.affine_lps_mm.copy()
    affine[2, 3] = -10.0
    file = written(tmp_path, mask(), Geometry(GEOMETRY.shape_kji, affine))
    brain = np.zeros(GEOMETRY.shape_kji, bool)
    brain[3] = True
    loads_as(monkeypatch, replace(result, prepared=replace(result.prepared, brain_kji=brain)))
    first, second = opened(result, file).segmentation.warnings[-2:]
    assert "60 % of the labels that were opened lie outside T1c" in first
    assert "100 % of the labels that were opened lie outside the brain" in second


@pytest.mark.parametrize(
    ("array", "title"),
    [
        (np.arange(120, dtype=np.int16).reshape(GEOMETRY.shape_kji), "an image, not labels"),
        (mask() * np.float32(0.5), "an image, not labels"),
        (mask() * 0, "mark nothing"),
    ],
)
def test_what_is_no_label_map_is_refused(
    result: StudyResult, tmp_path: Path, array: np.ndarray[Any, Any], title: str
) -> None:
    file = written(tmp_path, array)
    assert not holds_labels(file)
    with pytest.raises(InputError, match=title):
        read_foreign(file, result.study)


@pytest.fixture
def dicom_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StudyResult:
    return loads_as(monkeypatch, cases.study_result(tmp_path / "study"))


def foreign_seg(
    result: StudyResult, file: Path, change: Callable[[Dataset], None] = lambda _seg: None
) -> Path:
    """Write labels as a DICOM SEG of another maker with names of its own."""
    source = read_source(result.roles[Sequence.T1C], result.segmentation.geometry)
    seg = build_seg(result.segmentation, source)
    seg.Manufacturer = "QIICR"
    names = {1: "Necrosis", 2: "Peritumoral edema", 3: "Enhancing tumor"}
    for one in seg.SegmentSequence:
        one.SegmentLabel = names[one.SegmentNumber]
        one.SegmentedPropertyTypeCodeSequence[0].CodeValue = "M-1"
        one.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator = "SRT"
        one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning = "Tissue"
    change(seg)
    return save(seg, file)


def as_fractions(seg: Dataset, inside: int = 50, outside: int = 49, highest: int = 100) -> None:
    bits = np.unpackbits(np.frombuffer(seg.PixelData, np.uint8), bitorder="little")
    count = len(seg.PerFrameFunctionalGroupsSequence) * seg.Rows * seg.Columns
    seg.SegmentationType, seg.MaximumFractionalValue = "FRACTIONAL", highest
    seg.BitsAllocated = seg.BitsStored = 8
    seg.HighBit = 7
    values = np.where(bits[:count], inside, outside).astype(np.uint8)
    seg.PixelData = values.tobytes() + b"\0" * (count % 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda _seg: None,
        as_fractions,
        lambda seg: as_fractions(seg, 255, 0, 255),
        lambda seg: as_fractions(seg, 128, 127, 255),
        lambda seg: as_fractions(seg, 200, 99, 200),
    ],
)
def test_a_seg_of_another_maker_is_read_by_the_names_of_its_segments(
    dicom_result: StudyResult, tmp_path: Path, change: Callable[[Dataset], None]
) -> None:
    file = foreign_seg(dicom_result, tmp_path / "other.dcm", change)
    assert holds_labels(file)
    labels = read_foreign(file, dicom_result.study)
    assert {one.number: one.proposed for one in labels.parts} == NEW
    assert labels.parts[0].title == "1: Necrosis (Tissue)"
    again = opened(dicom_result, file).segmentation
    # A name is free text, and steps are told also where nobody may be named
    assert not any("Necrosis" in one for one in again.provenance.steps)
    assert np.array_equal(again.labels_kji, dicom_result.segmentation.labels_kji)
    assert not any("another grid" in one for one in again.warnings)


def test_nested_segments_give_the_regions_between_them(
    dicom_result: StudyResult, tmp_path: Path
) -> None:
    def nest(seg: Dataset) -> None:
        for one, name in zip(seg.SegmentSequence, ("TC", "Whole tumour", "ET"), strict=True):
            one.SegmentLabel = name

    file = foreign_seg(dicom_result, tmp_path / "nested.dcm", nest)
    labels = read_foreign(file, dicom_result.study)
    assert {one.number: one.proposed for one in labels.parts} == NEW
    whole = np.logical_or.reduce(list(labels.masks_kji.values()))
    core = labels.masks_kji[1] | labels.masks_kji[3]
    nested = replace(labels, masks_kji={**labels.masks_kji, 1: core, 2: whole})
    again = open_labels(dicom_result.study, dicom_result.roles, nested, NEW).result
    before = dicom_result.segmentation.labels_kji
    assert np.array_equal(again.segmentation.labels_kji, before)


@pytest.mark.parametrize(("frame", "is_told"), [("1.2.3.4", False), ("1.2.3", True), ("", False)])
def test_another_frame_of_reference_is_told(
    dicom_result: StudyResult, tmp_path: Path, frame: str, is_told: bool
) -> None:
    def name(seg: Dataset) -> None:
        seg.FrameOfReferenceUID = frame

    again = opened(dicom_result, foreign_seg(dicom_result, tmp_path / "other.dcm", name))
    told = [one for one in again.segmentation.warnings if "another frame of reference" in one]
    assert len(told) == is_told


def test_a_seg_of_another_patient_is_refused(dicom_result: StudyResult, tmp_path: Path) -> None:
    file = foreign_seg(dicom_result, tmp_path / "other.dcm")
    other = replace(dicom_result.study, patient=PatientSummary("ID-1", "Roe^Rita", "19700101"))
    with pytest.raises(InputError, match="another patient"):
        read_foreign(file, other)


def cut_short(seg: Dataset) -> None:
    seg.PixelData = seg.PixelData[:10]


def without_places(seg: Dataset) -> None:
    for one in seg.PerFrameFunctionalGroupsSequence:
        del one.PlanePositionSequence


def uneven(seg: Dataset) -> None:
    place = seg.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    place.ImagePositionPatient = [one + 1.7 for one in place.ImagePositionPatient]


@pytest.mark.parametrize("change", [cut_short, without_places, uneven])
def test_a_seg_that_makes_no_grid_is_refused(
    dicom_result: StudyResult, tmp_path: Path, change: Callable[[Dataset], None]
) -> None:
    file = foreign_seg(dicom_result, tmp_path / "other.dcm", change)
    with pytest.raises(InputError) as refused:
        read_foreign(file, dicom_result.study)
    assert str(file) in refused.value.detail


def test_an_image_is_no_seg(dicom_result: StudyResult) -> None:
    image = dicom_result.roles[Sequence.T1C].instances[0].path
    assert not holds_labels(image)
    assert dcmread(image).Modality == "MR"
    with pytest.raises(InputError, match="no DICOM SEG"):
        read_foreign(image, dicom_result.study)
