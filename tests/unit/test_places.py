"""Where regions lie, and on which side of the brain, however the head lay in the scanner."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.place import SIDE_NOT_TOLD, Place, Side
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.volume import SIDES_UNKNOWN, Volume
from desktop_app.imaging.mid_plane import find_mid_plane
from desktop_app.io.export.csv_table import write_csv
from desktop_app.services.export.measurement_document import measurements_document
from desktop_app.services.export.measurement_table import measurement_rows
from desktop_app.services.measuring.lesions import tumour_parts
from desktop_app.services.measuring.measure import measure
from desktop_app.services.measuring.places import measure_places
from tests.result_cases import make_result
from tests.study_cases import PROVENANCE, make_study

STEP_MM = 3.0
SHAPE_KJI = (70, 80, 70)
MIDDLE_LPS_MM = np.array([7.0, -4.0, 12.0])


def turn(yaw_deg: float, roll_deg: float) -> NDArray[np.float64]:
    """A head turned about the long axis of the body, then leant to a shoulder."""
    yaw, roll = np.deg2rad([yaw_deg, roll_deg])
    about_s = [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]]
    about_p = [[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]]
    return np.array(about_s) @ np.array(about_p)


def grid() -> Geometry:
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = MIDDLE_LPS_MM - STEP_MM * (np.array(SHAPE_KJI[::-1]) - 1) / 2
    return Geometry(SHAPE_KJI, affine)


def points_of_head(turned: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, j, i, 3) where every voxel lies in the head's own directions, from its middle."""
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE_KJI), indexing="ij"), -1)
    own: NDArray[np.float64] = (grid().to_patient_mm(index.astype(float)) - MIDDLE_LPS_MM) @ turned
    return own


def brain(own: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Two halves, wider behind than in front, flat below: one plane of symmetry alone."""
    left, posterior, superior = np.moveaxis(own, -1, 0)
    width = 62 + 0.12 * posterior
    inside = (left / width) ** 2 + (posterior / 82) ** 2 + (superior / 62) ** 2 < 1
    kept: NDArray[np.bool_] = inside & (superior > -42 - 0.2 * posterior)
    return kept


def ball(own: NDArray[np.float64], middle_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = ((own - np.array(middle_mm)) ** 2).sum(axis=-1) < 14**2
    return inside


def result_of(
    mask_kji: NDArray[np.bool_], brain_kji: NDArray[np.bool_], notes: tuple[str, ...] = ()
) -> StudyResult:
    labels = np.where(mask_kji, 2, 0).astype(np.uint8)
    result = make_result(make_study(), np.zeros((4, 5, 6), np.uint8))
    prepared = replace(
        result.prepared,
        work_geometry=grid(),
        brain_kji=brain_kji,
        reference=Volume(labels, grid(), notes=notes),
    )
    segmentation = Segmentation(labels, grid(), PROVENANCE)
    return replace(
        result,
        prepared=prepared,
        segmentation=segmentation,
        measurements=measure(segmentation),
    )


def place_of(
    mask_kji: NDArray[np.bool_], brain_kji: NDArray[np.bool_], notes: tuple[str, ...] = ()
) -> Place:
    return measure_places(result_of(mask_kji, brain_kji, notes))[Region.WT]


@pytest.mark.parametrize("angles", [(0.0, 0.0), (25.0, -12.0), (-18.0, 20.0)])
def test_side_is_the_brains_own(angles: tuple[float, float]) -> None:
    own = points_of_head(turn(*angles))
    # Beside the mid-plane: the scanner's axis passes on its other side in a turned head.
    right, left = (ball(own, (side * 18.0, -45.0, 10.0)) for side in (-1, 1))
    assert place_of(right, brain(own)).side is Side.RIGHT
    assert place_of(left, brain(own)).side_in_words == "left"


def test_mid_plane_is_found_to_a_degree_and_a_millimetre() -> None:
    turned = turn(25, -12)
    plane = find_mid_plane(brain(points_of_head(turned)), grid())
    assert plane is not None
    normal = np.array(plane.normal_lps)
    assert np.rad2deg(np.arccos(normal @ turned[:, 0])) < 1
    assert abs(normal @ MIDDLE_LPS_MM - plane.offset_mm) < 1


def test_share_of_a_region_on_both_sides() -> None:
    own = points_of_head(turn(10, 5))
    place = place_of(ball(own, (-7.0, 0.0, 10.0)), brain(own))
    assert place.side is Side.BOTH
    assert place.right_share == pytest.approx(0.844, abs=0.04)  # a ball's share beyond half radius
    assert place.side_in_words.startswith("both sides: 8")
    assert place.side_in_words.endswith("% right")


@pytest.mark.parametrize(
    ("right_share", "told"),
    [
        (0.946, "both sides: 94 % right"),
        (0.054, "both sides: 94 % left"),
        (0.57, "both sides: 57 % right"),
        (0.95, "right"),
    ],
)
def test_what_is_told_as_both_sides_is_less_than_what_counts_as_one(
    right_share: float, told: str
) -> None:
    nowhere = (0.0, 0.0, 0.0)
    assert Place(nowhere, (nowhere, nowhere), right_share).side_in_words == told


def test_side_is_not_told_where_it_is_doubtful() -> None:
    own = points_of_head(turn(0, 0))
    whole, mask = brain(own), ball(own, (-35.0, 0.0, 10.0))
    cut = whole & (own[..., 0] < 25)
    oblique = whole & (own @ np.array([0.8, 0.6, 0.0]) < 25)
    half = whole & (own[..., 0] < 0)
    nothing = np.zeros_like(whole)
    for doubtful in (cut, oblique, half, nothing):
        assert place_of(mask, doubtful).side_in_words == SIDE_NOT_TOLD
    assert place_of(mask, whole).side is Side.RIGHT
    assert place_of(mask, whole, notes=(SIDES_UNKNOWN,)).side is None


def test_lower_half_of_a_brain_still_has_sides() -> None:
    own = points_of_head(turn(15, 0))
    slab = brain(own) & (own[..., 2] > -30) & (own[..., 2] < 20)
    assert place_of(ball(own, (30.0, 0.0, 0.0)), slab).side is Side.LEFT


def test_centre_and_box() -> None:
    own = points_of_head(turn(0, 0))
    place = place_of(ball(own, (-35.0, 21.0, -10.0)), brain(own))
    assert place.centre_lps_mm == pytest.approx((-28.0, 17.0, 2.0), abs=1)
    low, high = np.array(place.box_lps_mm)
    assert high - low == pytest.approx([27, 27, 27], abs=3)
    assert place.centre_in_words == "R 28, P 17, S 2 mm"


def test_numbers_tell_place_side_and_parts(tmp_path: Path) -> None:
    own = points_of_head(turn(0, 0))
    two = ball(own, (-35.0, 21.0, -10.0)) | ball(own, (-25.0, -40.0, 10.0))
    two[0, 0, 0] = True  # a speck is no part
    document = json.loads(json.dumps(measurements_document(result_of(two, brain(own)))))
    whole = document["regions"]["WT"]
    assert whole["side"] == "right"
    assert whole["right_share"] == pytest.approx(1, abs=0.01)
    assert whole["centre_lps_mm"] == pytest.approx([-23, -13.5, 12], abs=1)
    assert np.shape(whole["box_lps_mm"]) == (2, 3)
    assert document["regions"]["ET"]["centre_lps_mm"] is None
    assert document["parts"] == 2
    with write_csv(measurement_rows(document), tmp_path / "m.csv").open(
        encoding="utf-8-sig", newline=""
    ) as file:
        rows = {row["region"]: row for row in csv.DictReader(file)}
    assert (rows["WT"]["side"], rows["WT"]["parts"], rows["WT"]["lesions"]) == ("right", "2", "")
    assert float(rows["WT"]["centre_l_mm"]) == whole["centre_lps_mm"][0]
    assert float(rows["WT"]["box_high_s_mm"]) == whole["box_lps_mm"][1][2]
    assert (rows["ET"]["side"], rows["ET"]["centre_l_mm"], rows["ET"]["lesions"]) == ("", "", "0")
    doubtful = measurements_document(result_of(two, np.zeros_like(two)))
    assert doubtful["regions"]["WT"]["side"] is None
    assert measurement_rows(doubtful)[-1]["side"] == SIDE_NOT_TOLD


def test_specks_alone_are_one_part() -> None:
    labels = np.zeros(SHAPE_KJI, np.uint8)
    assert tumour_parts(Segmentation(labels.copy(), grid(), PROVENANCE)) == 0
    labels[4, 4, 4] = labels[9, 9, 9] = 1
    assert tumour_parts(Segmentation(labels, grid(), PROVENANCE)) == 1


def test_no_region_no_place() -> None:
    result = make_result(make_study(), np.zeros((4, 5, 6), np.uint8))
    assert measure_places(result) == {}


def test_a_share_is_a_share() -> None:
    with pytest.raises(ValueError, match="share"):
        Place((0, 0, 0), ((0, 0, 0), (0, 0, 0)), 1.2)
