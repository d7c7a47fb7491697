"""What DICOM results say of themselves: warnings, sources, time, and which of several they are."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence
from desktop_app.io.dicom.elements import lenient_pydicom
from desktop_app.io.export.dicom_object import remarks
from desktop_app.services.export.export_study import export_study
from desktop_app.services.export.formats import FILE_NAMES, ExportFormat
from desktop_app.services.export.lacks import export_warnings, is_about_export
from tests import export_cases as cases
from tests.export_page import Page

DICOM = (ExportFormat.SEG, ExportFormat.SR, ExportFormat.RTSTRUCT, ExportFormat.SC)
WITH_REMARKS = (ExportFormat.SEG, ExportFormat.SR, ExportFormat.RTSTRUCT)
WITH_SEGMENTS = (ExportFormat.SEG, ExportFormat.SR)
WHEN = datetime(2026, 11, 22, 23, 39, 40, tzinfo=timezone(timedelta(hours=-5)))


@pytest.fixture(scope="module")
def exported(
    result: StudyResult, tmp_path_factory: pytest.TempPathFactory
) -> dict[ExportFormat, Dataset]:
    return export(result, tmp_path_factory.mktemp("out"))


def export(
    result: StudyResult,
    folder: Path,
    formats: tuple[ExportFormat, ...] = DICOM,
    *,
    anonymise: bool = False,
    is_valid: bool = True,
) -> dict[ExportFormat, Dataset]:
    """Export a result, have its DICOM files checked if they are to be valid, and return them."""
    export_study(
        result,
        folder,
        formats=(*formats, ExportFormat.JSON),
        anonymise=anonymise,
        page_renderer=Page(),
        created=WHEN,
    )
    paths = {one: folder / FILE_NAMES[one] for one in formats}
    if is_valid:
        errors = {one: cases.dciodvfy_errors(path) for one, path in paths.items()}
        assert errors == {one: [] for one in formats}
    with lenient_pydicom():
        found = {one: dcmread(path) for one, path in paths.items()}
        for dataset in found.values():
            dataset.decode()
    return found


def words_of(dataset: Dataset) -> str:
    return json.dumps(dataset.to_json_dict(), ensure_ascii=False)


def edited(result: StudyResult) -> StudyResult:
    provenance = replace(result.segmentation.provenance, edited=True)
    return replace(result, segmentation=replace(result.segmentation, provenance=provenance))


@pytest.mark.parametrize("one", WITH_REMARKS)
def test_warnings_are_told(exported: dict[ExportFormat, Dataset], one: ExportFormat) -> None:
    words = words_of(exported[one])
    assert f"T1 is missing in the study of {cases.NAME}." in words
    assert "T2 is missing." in words
    assert "For research use. Not a medical device." in words


def test_anonymised_warnings_name_nobody(result: StudyResult, tmp_path: Path) -> None:
    for one, dataset in export(result, tmp_path, anonymise=True).items():
        words = words_of(dataset)
        assert "Müller" not in words
        assert ("T1 is missing in the study of [removed]." in words) is (one in WITH_REMARKS)
        assert result.roles[Sequence.FLAIR].series_uid not in words


def test_remarks_fit_a_short_text() -> None:
    told = remarks(("One of the images is odd.",) * 60)
    assert len(told) == 1024
    assert told.endswith(" …")


def test_every_series_the_result_was_made_from_is_named(
    result: StudyResult, exported: dict[ExportFormat, Dataset]
) -> None:
    series = [result.roles[one] for one in (Sequence.T1C, Sequence.FLAIR)]
    images = {image.sop_instance_uid for one in series for image in one.instances}
    seg, report = exported[ExportFormat.SEG], exported[ExportFormat.SR]
    # Readers take the first for the one that the labels lie on.
    named = [one.SeriesInstanceUID for one in seg.ReferencedSeriesSequence]
    assert named == [one.series_uid for one in series]
    assert {one.ReferencedSOPInstanceUID for one in seg.SourceImageSequence} == images
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    evidence = {
        image.ReferencedSOPInstanceUID
        for one in study.ReferencedSeriesSequence
        for image in one.ReferencedSOPSequence
    }
    assert evidence == images | {seg.SOPInstanceUID}
    assert f"FLAIR series {series[1].series_uid}." in words_of(report)


def test_a_series_of_another_study_is_referred_to_there(
    result: StudyResult, tmp_path: Path
) -> None:
    geometry = result.segmentation.geometry
    flair = cases.write_dicom_series(tmp_path / "other", geometry, study_uid="1.2.99")
    roles = {**result.roles, Sequence.FLAIR: flair}
    found = export(replace(result, roles=roles), tmp_path / "out", WITH_SEGMENTS)
    seg, report = found[ExportFormat.SEG], found[ExportFormat.SR]
    (own,) = seg.ReferencedSeriesSequence
    assert own.SeriesInstanceUID == roles[Sequence.T1C].series_uid
    for studies in (
        seg.StudiesContainingOtherReferencedInstancesSequence,
        report.PertinentOtherEvidenceSequence,
    ):
        (other,) = studies
        assert other.StudyInstanceUID == "1.2.99"
        assert other.ReferencedSeriesSequence[0].SeriesInstanceUID == flair.series_uid


def test_segment_and_measurement_are_one_finding(
    result: StudyResult, exported: dict[ExportFormat, Dataset], tmp_path: Path
) -> None:
    by_segment = tracked_segments(exported[ExportFormat.SEG])
    by_group = tracked_groups(exported[ExportFormat.SR])
    assert set(by_segment.items()) <= set(by_group.items())
    assert len(set(by_segment.values())) == 3
    again = export(edited(result), tmp_path / "again", WITH_SEGMENTS)
    assert tracked_groups(again[ExportFormat.SR]) == by_group
    anonymised = export(result, tmp_path / "nobody", WITH_SEGMENTS, anonymise=True)
    assert tracked_groups(anonymised[ExportFormat.SR]).keys().isdisjoint(by_group)
    another = export(cases.study_result(tmp_path / "another"), tmp_path / "other", WITH_SEGMENTS)
    others = tracked_groups(another[ExportFormat.SR])
    assert not {*others, *others.values()} & {*by_group, *by_group.values()}


def tracked_segments(seg: Dataset) -> dict[str, str]:
    return {one.TrackingUID: one.TrackingID for one in seg.SegmentSequence}


def groups_of(report: Dataset) -> list[Dataset]:
    (measurements,) = [
        one
        for one in report.ContentSequence
        if one.ConceptNameCodeSequence[0].CodeValue == "126010"
    ]
    return list(measurements.ContentSequence)


def tracked_groups(report: Dataset) -> dict[str, str]:
    found = {}
    for group in groups_of(report):
        named = {one.ConceptNameCodeSequence[0].CodeValue: one for one in group.ContentSequence}
        found[str(named["112040"].UID)] = str(named["112039"].TextValue)
    return found


def test_corrected_results_are_listed_by_another_name(
    result: StudyResult, exported: dict[ExportFormat, Dataset], tmp_path: Path
) -> None:
    corrected = export(edited(result), tmp_path)
    for one in DICOM:
        before, after = exported[one].SeriesDescription, corrected[one].SeriesDescription
        assert after == before.replace(", for research", ", corrected, for research")
        assert after != before
    seg, structures = corrected[ExportFormat.SEG], corrected[ExportFormat.RTSTRUCT]
    assert "corrected" in seg.ContentDescription
    assert (seg.ContentLabel, structures.StructureSetLabel) == (
        "GLIOMA_CORRECTED",
        "GLIOMA CORRECTED",
    )


@pytest.mark.parametrize(
    ("is_edited", "algorithm", "told"),
    [
        (False, "AUTOMATIC", "Labels not corrected by hand"),
        (True, "SEMIAUTOMATIC", "Labels corrected by hand"),
    ],
)
def test_who_made_the_labels_is_told_with_every_region(
    result: StudyResult, tmp_path: Path, is_edited: bool, algorithm: str, told: str
) -> None:
    given = edited(result) if is_edited else result
    found = export(given, tmp_path, (ExportFormat.RTSTRUCT, ExportFormat.SR))
    structures = found[ExportFormat.RTSTRUCT].StructureSetROISequence
    assert {one.ROIGenerationAlgorithm for one in structures} == {algorithm}
    for group in groups_of(found[ExportFormat.SR]):
        named = {one.ConceptNameCodeSequence[0].CodeValue: one for one in group.ContentSequence}
        assert named["111002"].TextValue == told


def test_of_another_programs_labels_no_algorithm_is_claimed(
    result: StudyResult, tmp_path: Path
) -> None:
    given = edited(result)
    provenance = replace(given.segmentation.provenance, labels_of="labels.nii.gz")
    given = replace(given, segmentation=replace(given.segmentation, provenance=provenance))
    found = export(given, tmp_path, (ExportFormat.SEG, ExportFormat.SR))
    for segment in found[ExportFormat.SEG].SegmentSequence:
        assert segment.SegmentAlgorithmName == "Labels of another program"
        assert "SegmentationAlgorithmIdentificationSequence" not in segment
    for group in groups_of(found[ExportFormat.SR]):
        named = {one.ConceptNameCodeSequence[0].CodeValue: one for one in group.ContentSequence}
        assert named["111001"].TextValue == "Labels of another program"
        assert named.keys().isdisjoint({"111002", "111000", "122405"})


def test_all_files_tell_one_time(result: StudyResult, tmp_path: Path) -> None:
    with_zone = with_time_zone(result, tmp_path / "study", "+0100")
    for dataset in export(with_zone, tmp_path / "out").values():
        assert dataset.TimezoneOffsetFromUTC == "+0100"
        assert (dataset.StudyDate, dataset.StudyTime) == (cases.STUDY_DATE, "101112")
        for what in ("Series", "InstanceCreation", "Content", "StructureSet"):
            if f"{what}Date" in dataset:
                told = (dataset[f"{what}Date"].value, dataset[f"{what}Time"].value)
                assert told == ("20261123", "053940")
        for item in dataset.get("ContributingEquipmentSequence", ()):
            assert item.ContributionDateTime == "20261123053940"
    document = json.loads((tmp_path / "out" / "measurements.json").read_text("utf-8"))
    assert document["provenance"]["created"] == "2026-11-22T23:39:40-05:00"


@pytest.mark.parametrize("zone", ["", "CET", "+9900"])
def test_a_zone_that_the_scanner_does_not_tell_is_not_made_up(
    result: StudyResult, tmp_path: Path, zone: str
) -> None:
    without = with_time_zone(result, tmp_path / "study", zone)
    local = WHEN.astimezone()
    for dataset in export(without, tmp_path / "out", WITH_SEGMENTS).values():
        assert "TimezoneOffsetFromUTC" not in dataset
        told = (dataset.SeriesDate, dataset.SeriesTime)
        assert told == (f"{local:%Y%m%d}", f"{local:%H%M%S}")


OVERLONG = {
    "PatientName": "Fernandez-Villaverde y Garcia de los Santos Oliveira Pereira da Silva^Maria",
    "PatientID": "P" * 70,
    "IssuerOfPatientID": "H" * 70,
    "AccessionNumber": "RIS-2024-0001234567",
    "StudyID": "MR-2024-000123456",
}


def test_identifiers_stay_those_of_the_images_whatever_their_length(
    result: StudyResult, tmp_path: Path
) -> None:
    overlong = with_elements(result, tmp_path / "study", **OVERLONG)
    for dataset in export(overlong, tmp_path / "out", is_valid=False).values():
        assert {keyword: dataset[keyword].value for keyword in OVERLONG} == OVERLONG
    document = json.loads((tmp_path / "out" / "measurements.json").read_text("utf-8"))
    (told,) = [one for one in document["warnings"] if "DICOM allows" in one]
    assert told.endswith(
        ": patient's name, patient ID, issuer of the patient ID, accession number, study ID."
    )
    assert is_about_export(told)
    assert export_warnings(overlong, [ExportFormat.JSON]) == ()
    assert export_warnings(overlong, DICOM, anonymise=True) == ()


def test_letters_that_cannot_be_read_are_told(result: StudyResult, tmp_path: Path) -> None:
    damaged = with_elements(result, tmp_path / "study", PatientName="M\ufffdller^A")
    (told,) = export_warnings(damaged, [ExportFormat.SEG])
    assert told.endswith(": patient's name.")


@pytest.mark.parametrize(
    ("time", "expected"),
    [("10:11:12", "101112"), ("10:11", "1011"), ("10:11:12.5", "101112.5"), ("10:1:2", "")],
)
def test_dates_times_and_sex_are_written_as_they_are_today(
    result: StudyResult, tmp_path: Path, time: str, expected: str
) -> None:
    then = {"StudyDate": "2024.01.05", "StudyTime": time, "PatientSex": "m"}
    seg = export(with_elements(result, tmp_path / "study", **then), tmp_path / "out")[
        ExportFormat.SEG
    ]
    assert (seg.StudyDate, seg.StudyTime, seg.PatientSex) == ("20240105", expected, "M")


def test_results_of_images_without_identity_say_so(result: StudyResult, tmp_path: Path) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    methods = ["Per DICOM PS3.15 annex E", "More than sixty-four characters, as some write " * 2]
    nameless = with_elements(
        result,
        tmp_path / "study",
        PatientIdentityRemoved="YES",
        DeidentificationMethod=methods,
        DeidentificationMethodCodeSequence=[code],
        LongitudinalTemporalInformationModified="MODIFIED",
    )
    for kind, dataset in export(nameless, tmp_path / "out", is_valid=False).items():
        assert dataset.PatientIdentityRemoved == "YES"
        assert list(dataset.DeidentificationMethod) == [method.strip() for method in methods]
        assert dataset.DeidentificationMethodCodeSequence[0] == code
        assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
        if kind is ExportFormat.SC:
            assert dataset.BurnedInAnnotation == "NO"


def with_time_zone(result: StudyResult, folder: Path, zone: str) -> StudyResult:
    """The result with a reference series whose headers tell a time zone."""
    return with_elements(result, folder, TimezoneOffsetFromUTC=zone)


def with_elements(result: StudyResult, folder: Path, **elements: object) -> StudyResult:
    """The result with a reference series whose headers hold these elements, odd ones too."""
    geometry = result.segmentation.geometry
    series = cases.write_dicom_series(folder, geometry, study_uid=result.study.study_uid)
    with lenient_pydicom():
        for image in series.instances:
            dataset = dcmread(image.path)
            for keyword, value in elements.items():
                setattr(dataset, keyword, value)
            dataset.save_as(image.path)
    return replace(result, roles={**result.roles, Sequence.T1C: series})
