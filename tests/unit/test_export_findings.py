"""A structured report says on which side the tumour is, how sure a volume is, and lists lesions."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from desktop_app.domain.lesion import Lesion
from desktop_app.domain.measurement import Interval, MeasurementKind
from desktop_app.domain.place import Place
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence
from desktop_app.io.export import dicom_object
from desktop_app.io.export.dicom_source import DicomSource, read_source
from desktop_app.io.export.seg import build_seg
from desktop_app.io.export.sr import build_sr
from desktop_app.services.measuring.diameters import measure_diameters
from tests import export_cases as cases

VOLUME, LONG_AXIS, LATERALITY, COMMENT = "118565006", "103339001", "272741003", "121106"


@pytest.fixture(scope="module")
def source(result: StudyResult) -> DicomSource:
    return read_source(result.roles[Sequence.T1C], result.segmentation.geometry)


def groups_of(document: Dataset) -> list[tuple[str, Dataset]]:
    """Return every group by what is tracked, without the digits that make it unique."""
    (measurements,) = [item for item in document.ContentSequence if cases.code_of(item) == "126010"]
    return [
        (inside(group, "112039")[0].TextValue.rpartition(",")[0], group)
        for group in measurements.ContentSequence
    ]


def inside(dataset: Dataset, name: str) -> list[Dataset]:
    """Return the items of a name, at whatever depth."""
    return [item for item in cases.report_items(dataset) if cases.code_of(item) == name]


@pytest.mark.parametrize("with_segments", [True, False])
def test_several_lesions_are_groups_of_their_own(
    result: StudyResult, source: DicomSource, tmp_path: Path, with_segments: bool
) -> None:
    seg = build_seg(result.segmentation, source) if with_segments else None
    diameters = measure_diameters(result.segmentation)
    found = diameters[Region.ET]
    lesions = (Lesion(1, 2500.0, found), Lesion(2, 1200.0, found))
    document = build_sr(
        result.segmentation, result.measurements, source, seg, diameters, lesions=lesions
    )
    path = dicom_object.save(document, tmp_path / "report.sr.dcm")
    assert cases.dciodvfy_errors(path) == []
    listed = [(name, group) for name, group in groups_of(document) if "lesion" in name]
    assert [name for name, _ in listed] == ["Enhancing lesion 1", "Enhancing lesion 2"]
    tracked = {inside(group, "112040")[0].UID for _, group in listed}
    assert len(tracked) == 2
    for lesion, (_, group) in zip(lesions, listed, strict=True):
        (volume,), (line,) = inside(group, VOLUME), inside(group, LONG_AXIS)
        assert float(volume.MeasuredValueSequence[0].NumericValue) == lesion.volume_mm3
        assert line.ContentSequence[0].GraphicType == "POLYLINE"
    metadata = tmp_path / "read.json"
    reader = Path(sys.executable).with_name("tid1500reader")
    command = [reader, "--inputDICOM", path, "--outputMetadata", metadata]
    subprocess.run(command, check=True, capture_output=True)
    read = [one["TrackingIdentifier"] for one in json.loads(metadata.read_text())["Measurements"]]
    assert sum("lesion" in name for name in read) == 2


def test_a_single_lesion_is_told_once(result: StudyResult, source: DicomSource) -> None:
    diameters = measure_diameters(result.segmentation)
    lesions = (Lesion(1, 2500.0, diameters[Region.ET]),)
    document = build_sr(
        result.segmentation, result.measurements, source, None, diameters, lesions=lesions
    )
    assert [name for name, _ in groups_of(document) if "lesion" in name] == []


@pytest.mark.parametrize(
    ("right_share", "expected", "words"),
    [
        (1.0, "24028007", "right"),
        (0.0, "7771000", "left"),
        (0.8, "51440002", "both sides: 80 % right"),
        (None, None, "side not told"),
    ],
)
def test_the_side_is_a_code_where_it_is_known(
    result: StudyResult,
    source: DicomSource,
    tmp_path: Path,
    right_share: float | None,
    expected: str | None,
    words: str,
) -> None:
    place = Place((-32.0, 4.0, 38.0), ((-40.0, 0.0, 30.0), (-20.0, 8.0, 45.0)), right_share)
    document = build_sr(
        result.segmentation, result.measurements, source, None, places={Region.WT: place}
    )
    path = dicom_object.save(document, tmp_path / "report.sr.dcm")
    assert cases.dciodvfy_errors(path) == []
    groups = dict(groups_of(document))
    sides = [one.ConceptCodeSequence[0].CodeValue for one in inside(document, LATERALITY)]
    assert sides == ([] if expected is None else [expected])
    whole = groups["Whole tumour (WT)"]
    assert [one.ConceptCodeSequence[0].CodeValue for one in inside(whole, LATERALITY)] == sides
    told = [one.TextValue for one in inside(whole, COMMENT)]
    assert f"Whole tumour: {words}, centre R 32, P 4, S 38 mm." in told


def test_what_a_range_is_stands_beside_it(result: StudyResult, source: DicomSource) -> None:
    measurements = tuple(
        replace(one, interval=Interval(1.0, 9000.0, 0.9, 22))
        if (one.region, one.kind) == (Region.TC, MeasurementKind.VOLUME)
        else one
        for one in result.measurements
    )
    groups = dict(groups_of(build_sr(result.segmentation, measurements, source, None)))
    (told,) = [one.TextValue for one in inside(groups["Tumour core (TC)"], COMMENT)]
    assert "90 % of 22 patients" in told
    assert inside(groups["Oedema (ED)"], COMMENT) == []
