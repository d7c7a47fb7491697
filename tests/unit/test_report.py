"""The report's content: words for people, and pictures that show the right side."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.correction import RegionCorrection
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.provenance import UNKNOWN, Provenance
from desktop_app.domain.pseudonyms import KEY_BYTES, Pseudonyms
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import NO_TUMOUR_FOUND, Region, Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging.mid_plane import MidPlane
from desktop_app.services.export import report_lines
from desktop_app.services.export.key_images import SIZE_PX, KeyImage, KeyImageMaker
from desktop_app.services.export.report import DISCLAIMER, build_page
from desktop_app.services.measuring import places
from desktop_app.services.measuring.diameters import measure_diameters
from tests import export_cases as cases
from tests.lesion_cases import LESIONS
from tests.study_cases import make_series
from ui import report_html

WHEN = datetime(2026, 11, 21, 19, 30, tzinfo=timezone(timedelta(hours=-5)))


def test_page_says_who_what_and_how(result: StudyResult) -> None:
    study = replace(result.study, time="101112.5", accession_number="ACC-4711")
    page = build_page(replace(result, study=study), created=WHEN)
    assert dict(page.identity) == {
        "Patient": "Müller-Łoś, Zoë (山田 太郎)",
        "Patient ID": cases.PATIENT_ID,
        "Born, sex, age": "1951-07-03, female, 72 years",
        "Study date": "2024-02-29 10:11",
        "Accession number": "ACC-4711",
        "Study": "MR Schädel",
    }
    assert page.disclaimer == DISCLAIMER == "For research use. Not a medical device."
    assert page.created == "2026-11-21 19:30:00 UTC-05:00"
    assert page.created in page.provenance[0]
    assert page.warnings == result.segmentation.warnings
    assert "slim_unetrpp" in page.provenance[0]
    assert "0123456789ab" in page.provenance[0]
    assert "not corrected" in page.provenance[0]
    assert [(row.name, row.present, row.confidence) for row in page.sequences] == [
        ("T1", False, ""),
        ("T1c", True, "90 % sure"),
        ("T2", False, ""),
        ("FLAIR", True, "90 % sure"),
    ]
    whole_cm3 = (result.segmentation.labels_kji > 0).sum() * 5.5 * 0.9 * 0.8 / 1000
    assert page.volumes[-1].volume_cm3 == f"{whole_cm3:.2f}"
    assert page.finding.startswith(f"Whole tumour: {whole_cm3:.2f} cm³")
    assert page.sequences[1].series == "Ax T1 +C, no.\N{NO-BREAK SPACE}4, 5.5\N{NO-BREAK SPACE}mm"
    captions = [[image.caption for image in row] for row in page.images]
    assert [[one.split(",")[0] for one in row[:3]] for row in captions] == [
        ["T1c"] * 3,
        ["FLAIR"] * 3,
    ]
    assert [row[3][:2] for row in captions] == ["ET", "WT"]


def with_labels(result: StudyResult, folder: Path, values: tuple[int, ...]) -> StudyResult:
    labels = result.segmentation.labels_kji
    chosen = np.where(np.isin(labels, values), labels, 0).astype(np.uint8)
    return cases.study_result(folder, labels_kji=chosen, series=result.roles)


def test_no_tumour_is_said_in_words(result: StudyResult, tmp_path: Path) -> None:
    page = build_page(with_labels(result, tmp_path, ()))
    assert page.finding == NO_TUMOUR_FOUND
    assert {row.volume_cm3 for row in page.volumes} == {"0.00"}
    assert len(page.images) == 2


def test_missing_enhancement_is_said_in_words(result: StudyResult, tmp_path: Path) -> None:
    page = build_page(with_labels(result, tmp_path, (1, 2)))
    assert page.finding.endswith("no enhancing tumour found.")


def test_page_says_how_far_the_labels_were_corrected(result: StudyResult) -> None:
    assert not any("network's" in line for line in build_page(result, created=WHEN).provenance)
    provenance = replace(result.segmentation.provenance, edited=True)
    for corrections, told in (
        ((RegionCorrection(Region.ET, 250_000, 10_000, 0.9312),), "Dice 0.931."),
        ((), "not known: they were corrected before."),
    ):
        now = replace(provenance, corrections=corrections)
        corrected = replace(result, segmentation=replace(result.segmentation, provenance=now))
        lines = build_page(corrected, created=WHEN).provenance
        assert "labels corrected by hand" in lines[0]
        assert lines[1].endswith(told)
        if corrections:
            assert lines[1].startswith("Against the network's own labels: ET +")


def test_of_labels_of_another_program_page_speaks_of_no_network(result: StudyResult) -> None:
    opened = Provenance(
        UNKNOWN, "", "1.0", UNKNOWN, UNKNOWN, edited=True, labels_of="labels.nii.gz"
    )
    segmentation = replace(result.segmentation, provenance=opened)
    lines = build_page(replace(result, segmentation=segmentation), created=WHEN).provenance
    assert "labels of labels.nii.gz" in lines[0]
    assert not any("network" in line for line in lines)


def test_of_labels_that_came_alone_page_says_what_is_not_known(result: StudyResult) -> None:
    nobody = Provenance(UNKNOWN, "", "1.0", UNKNOWN, UNKNOWN)
    alone = replace(result, segmentation=replace(result.segmentation, provenance=nobody))
    said = build_page(alone, created=WHEN).provenance[0]
    assert said.endswith("network not known; labels not known whether corrected by hand.")


def test_what_is_cut_off_is_a_least_volume(result: StudyResult) -> None:
    said = "The tumour reaches the upper end of T1c: volumes and diameters are too small."
    segmentation = replace(result.segmentation, warnings=(said,))
    page = build_page(replace(result, segmentation=segmentation))
    assert ": at least " in page.finding
    assert page.warnings == (said,)


@pytest.mark.parametrize(
    ("offset_mm", "finding", "place"),
    [
        (-50.0, "Whole tumour, left: ", "Whole tumour, left; centre L "),
        (5.0, "Whole tumour, both sides: ", "Whole tumour, both sides: "),
        (None, "Whole tumour: ", "Whole tumour, side not told; centre L "),
    ],
)
def test_the_side_comes_first(
    offset_mm: float | None,
    finding: str,
    place: str,
    result: StudyResult,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plane = None if offset_mm is None else MidPlane((1.0, 0.0, 0.0), offset_mm, 0.95)
    monkeypatch.setattr(places, "mid_plane", lambda _: plane)
    page = build_page(replace(result, segmentation=replace(result.segmentation)))
    assert page.finding.startswith(finding)
    assert page.place.startswith(place)
    assert page.place.endswith("; one part")


def test_several_lesions_are_listed(result: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build_page(result).lesions == ()
    monkeypatch.setattr(report_lines, "measure_lesions", lambda _: LESIONS[:2])
    count, first, second = build_page(result).lesions
    assert count == "Enhancing lesions: 2 (of 1 cm³ or more, or measurable)"
    assert first.startswith("1: 5.00 cm³, 30 × 20 mm, axial S 100.0 mm, ")
    assert first.endswith("product 600 mm² (30.0 × 20.0), measurable")
    assert second.startswith("2: 2.50 cm³, 25 × 15 mm, axial S 200.0 mm, ")
    assert first in report_html.measures(build_page(result))
    many = tuple(replace(LESIONS[0], number=number) for number in range(1, 11))
    monkeypatch.setattr(report_lines, "measure_lesions", lambda _: many)
    listed = build_page(result).lesions
    assert listed[0].startswith("Enhancing lesions: 10 or more")
    assert len(listed) == 7
    assert listed[-1] == "and 5 more in measurements.json"


def test_pictures_of_diameters_hold_both_lines_where_they_lie(result: StudyResult) -> None:
    """The ends of the lines of ET lie on the border of what is painted as ET."""
    *_, image = build_page(result).images[0]
    found = measure_diameters(result.segmentation)[Region.ET]
    for (start, end), length_mm in zip(image.lines, (found.long_mm, found.short_mm), strict=True):
        across = np.subtract(end, start) * SIZE_PX * image.pixel_mm
        assert np.linalg.norm(across) == pytest.approx(length_mm, rel=1e-6)
        for x, y in (start, end):
            column, row = round(x * SIZE_PX), round(y * SIZE_PX)
            around = image.rgb_yxc[row - 9 : row + 10, column - 9 : column + 10].reshape(-1, 3)
            assert (around == (213, 94, 0)).all(axis=-1).any()


def test_diameters_name_images_of_the_series_that_is_shown_alone(result: StudyResult) -> None:
    reference = result.prepared.reference
    flair = replace(reference, source="FLAIR")
    volumes = {Sequence.T1C: reference, Sequence.FLAIR: flair}
    shown = build_page(replace(result, prepared=replace(result.prepared, volumes=volumes))).images
    found = measure_diameters(result.segmentation)
    number = cases.SHAPE_KJI[0] - found[Region.ET].slice_index
    assert shown[0][3].caption.endswith(f" mm, image {number}")
    assert shown[1][0].caption.startswith("FLAIR")
    assert shown[1][3].caption.startswith("WT ")
    assert "image" not in shown[1][3].caption


def test_a_speck_is_not_written_as_nothing(result: StudyResult) -> None:
    one_voxel = np.zeros(cases.SHAPE_KJI, np.uint8)
    one_voxel[5, 20, 16] = 3
    segmentation = replace(result.segmentation, labels_kji=one_voxel)
    measured = tuple(replace(m, value=min(m.value, 0.9)) for m in result.measurements)
    page = build_page(replace(result, segmentation=segmentation, measurements=measured))
    assert page.volumes[0].volume_cm3 == "< 0.01"


def test_other_sequences_stand_in_for_missing_ones(result: StudyResult) -> None:
    image = result.prepared.volumes[Sequence.T1C]
    prepared = replace(
        result.prepared, volumes={Sequence.T2: image}, reference_sequence=Sequence.T2
    )
    roles = {Sequence.T2: result.roles[Sequence.T1C]}
    page = build_page(replace(result, prepared=prepared, roles=roles))
    assert [row[0].caption.split(",")[0] for row in page.images] == ["T2"]


def test_anonymised_page_names_nobody(result: StudyResult) -> None:
    page = build_page(result, anonymise=True)
    assert page.identity == (("Patient", "Anonymised"),)
    nobody = Pseudonyms(bytes(KEY_BYTES), "patient", "study")
    told = build_page(result, anonymise=True, pseudonyms=nobody).identity
    assert told == (("Patient", "Anonymised"), ("Pseudonym", nobody.folder_name))
    assert build_page(result, pseudonyms=nobody).identity == build_page(result).identity
    words = repr(replace(page, images=()))
    private = ["Müller", "Zoë", "山田", cases.PATIENT_ID, "1951", "Schädel", "tirm", "2024"]
    assert [word for word in private if word in words] == []


def test_anonymised_page_tells_no_scanner_and_no_number_of_a_series(result: StudyResult) -> None:
    said = {
        "Manufacturer": "SIEMENS",
        "ManufacturerModelName": "Skyra Station Berlin",
        "MagneticFieldStrength": "3",
    }
    t1c = replace(result.roles[Sequence.T1C], attributes=said)
    scanned = replace(result, roles={**result.roles, Sequence.T1C: t1c})
    scanner, number = "(SIEMENS Skyra Station Berlin 3 T)", f"no.\N{NO-BREAK SPACE}{t1c.number}"
    named, hidden = (build_page(scanned, anonymise=one, created=WHEN) for one in (False, True))
    assert any(scanner in line for line in named.provenance)
    assert number in named.sequences[1].series
    assert not any("SIEMENS" in line or " 3 T" in line for line in hidden.provenance)
    assert hidden.sequences[1].series == "used, description withheld, 5.5\N{NO-BREAK SPACE}mm"


def marked(image: KeyImage) -> tuple[float, float]:
    """Where the coloured pixels lie, as shares of the height and the width."""
    rgb = image.rgb_yxc.astype(int)
    coloured = np.argwhere(rgb.max(axis=-1) - rgb.min(axis=-1) > 40)
    assert len(coloured)
    down, right = coloured.mean(axis=0) / SIZE_PX
    return float(down), float(right)


AXES = {
    # columns are the i, j and k axes in LPS
    "axial, as most scanners": np.diag([1.0, 1.0, 1.0]),
    "axial, from the top": np.diag([1.0, 1.0, -1.0]),
    "RAS, as many NIfTI files": np.diag([-1.0, -1.0, 1.0]),
    "sagittal acquisition": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
    "coronal acquisition": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_pictures_show_the_right_side(axes: np.ndarray) -> None:
    """A tumour of the left, frontal, upper brain is there in every picture, however stored."""
    shape_kji = (40, 44, 48)
    affine = np.eye(4)
    affine[:3, :3] = axes * np.array([1.0, 1.2, 1.5])
    centre_ijk = (np.array(shape_kji[::-1]) - 1) / 2
    affine[:3, 3] = -affine[:3, :3] @ centre_ijk
    geometry = Geometry(shape_kji, affine)
    index_kji = np.moveaxis(np.indices(shape_kji), 0, -1).astype(float)
    points = geometry.to_patient_mm(index_kji)
    head = Volume((np.abs(points).max(axis=-1) < 20).astype(np.float32), geometry)
    tumour = np.linalg.norm(points - (12, -10, 8), axis=-1) < 5
    provenance = Provenance("m", "", "0", "cpu", "fp32")
    segmentation = Segmentation(tumour.astype(np.uint8) * 3, geometry, provenance)

    series = make_series("t1c", geometry=geometry)
    axial, coronal, sagittal = KeyImageMaker(segmentation, head, series).make("T1c", head)

    down, right = marked(axial)
    assert (right > 0.55, down < 0.45) == (True, True)
    assert axial.letters == ("R", "L", "A", "P")
    down, right = marked(coronal)
    assert (right > 0.55, down < 0.45) == (True, True)
    assert coronal.letters == ("R", "L", "S", "I")
    down, right = marked(sagittal)
    assert (right < 0.45, down < 0.45) == (True, True)
    assert sagittal.letters == ("A", "P", "S", "I")
    assert "S 8" in axial.caption or "S 7" in axial.caption or "S 9" in axial.caption
    # 12 mm to the left of a field that is centred on the head.
    assert (marked(axial)[1] - 0.5) * SIZE_PX * axial.pixel_mm == pytest.approx(12, abs=1.5)


def test_image_on_another_grid_is_cut_on_the_planes_of_the_labels(result: StudyResult) -> None:
    """Shifting an image's voxels and its grid against each other changes no picture."""
    reference = result.prepared.reference
    affine = reference.geometry.affine_lps_mm.copy()
    affine[:3, 3] -= affine[:3, :3] @ (4.0, 2.0, 2.0)
    padded = np.pad(reference.array_kji, ((2, 0), (2, 0), (4, 0)))
    moved = Volume(padded, Geometry(padded.shape, affine))
    maker = KeyImageMaker(result.segmentation, reference, result.roles[Sequence.T1C])
    for one, other in zip(maker.make("a", reference), maker.make("a", moved), strict=True):
        np.testing.assert_allclose(one.rgb_yxc.astype(int), other.rgb_yxc.astype(int), atol=1)


def test_cut_shows_the_widest_tumour(result: StudyResult) -> None:
    reference = result.prepared.reference
    maker = KeyImageMaker(result.segmentation, reference, result.roles[Sequence.T1C])
    labels = result.segmentation
    widest = int(
        np.argmax(labels.mask_kji(Region.WT).sum((1, 2)) + labels.mask_kji(Region.TC).sum((1, 2)))
    )
    axial, *others = [picture.caption for picture in maker.make("T1c", reference)]
    # Slices are stored from the top down.
    assert axial.endswith(f" mm, image {cases.SHAPE_KJI[0] - widest}")
    of_another_series = maker.make("FLAIR", replace(reference, source="FLAIR"))[0].caption
    for caption in (*others, of_another_series):
        assert caption.endswith(" mm")
