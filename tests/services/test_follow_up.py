"""Two examinations are laid on each other, and told apart voxel by voxel."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.follow_up import Difference
from desktop_app.domain.measurement import Interval
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import PatientSummary, Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, InputError
from desktop_app.imaging import registration as registering
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.follow_up import (
    compare_results,
    with_labels,
)
from desktop_app.services.follow_up.laying import sequences_to_register
from desktop_app.services.measuring.measure import measure, volumes_mm3
from model.calibration import MEASURED_REGIONS, VolumeDoubt
from tests import follow_up_cases as cases
from tests.follow_up_cases import (
    CENTRE_MM,
    EARLIER_GRID,
    EARLIER_TO_NOW,
    GRID,
    ball,
    earlier_visit,
    visit,
)
from tests.heads import Head, dice, make_head

STILL = np.eye(4)


@pytest.fixture(autouse=True)
def known_motion(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Registering finds the true motion at once; a test may say otherwise."""
    found: dict[str, Any] = {"calls": []}

    def register(moving: Volume, fixed: Volume, *, check: Any) -> Any:
        check()
        found["calls"].append((moving, fixed))
        changes = {key: value for key, value in found.items() if key != "calls"}
        return cases.registration(moving, fixed, **changes)

    monkeypatch.setattr(registering, "register_rigid", register)
    return found


def at_rest(found: dict[str, Any]) -> None:
    found["matrix"] = STILL


def test_a_tumour_that_stayed_as_it_was_is_the_same() -> None:
    found = compare_results(visit(ball(GRID, 10.0)), earlier_visit(10.0))
    assert found.is_registered
    assert found.earlier_on_now is not None
    for region in (Region.WT, Region.TC):
        then, now = found.earlier_on_now.mask_kji(region), found.now.segmentation.mask_kji(region)
        assert dice(then, now) > 0.9
        change = found.regions[region]
        assert change.voxels is not None
        assert change.voxels.same_mm3 > 0.9 * change.now_mm3
        # Nothing but what half a voxel of misplacement would make.
        assert max(change.voxels.new_mm3, change.voxels.gone_mm3) < change.voxels.per_mm_mm3


def test_a_grown_tumour_is_new_where_it_grew() -> None:
    found = compare_results(visit(ball(GRID, 13.0)), earlier_visit(9.0))
    change = found.regions[Region.WT]
    assert change.voxels is not None
    assert change.voxels.new_mm3 == pytest.approx(change.change_mm3, rel=0.05)
    assert change.voxels.gone_mm3 < 0.01 * change.now_mm3
    assert change.change_percent == pytest.approx(100 * ((13 / 9) ** 3 - 1), rel=0.05)
    difference = found.difference_kji(Region.WT)
    points = GRID.to_patient_mm(np.argwhere(difference == Difference.NEW).astype(np.float64))
    away_mm = np.linalg.norm(points - CENTRE_MM, axis=1)
    assert away_mm.min() > 9.0 - 2.0
    assert away_mm.max() < 13.0


def test_a_shrunk_tumour_is_gone_where_it_was() -> None:
    found = compare_results(visit(ball(GRID, 8.0)), earlier_visit(12.0))
    change = found.regions[Region.WT]
    assert change.voxels is not None
    assert change.voxels.gone_mm3 == pytest.approx(-change.change_mm3, rel=0.05)
    assert change.voxels.new_mm3 < 0.01 * change.earlier_mm3


def test_volumes_and_diameters_are_each_study_s_own() -> None:
    now, earlier = visit(ball(GRID, 13.0)), earlier_visit(9.0)
    found = compare_results(now, earlier)
    assert {one: change.now_mm3 for one, change in found.regions.items()} == volumes_mm3(
        now.measurements
    )
    assert {one: change.earlier_mm3 for one, change in found.regions.items()} == volumes_mm3(
        earlier.measurements
    )
    lines = found.regions[Region.WT]
    assert lines.earlier_diameters is not None
    assert lines.now_diameters is not None
    assert lines.earlier_diameters.long_mm == pytest.approx(18.0, abs=1.0)
    assert lines.now_diameters.long_mm == pytest.approx(26.0, abs=1.0)
    assert lines.product_change_percent == pytest.approx(100 * ((13 / 9) ** 2 - 1), rel=0.1)
    assert found.regions[Region.NCR].now_diameters is None


def test_earlier_voxels_are_moved_and_never_resampled() -> None:
    earlier = earlier_visit()
    found = compare_results(visit(ball(GRID, 10.0)), earlier)
    corners = np.array([[0, 0, 0], [17, 59, 55]], np.float64)
    expected = EARLIER_GRID.to_patient_mm(corners) @ EARLIER_TO_NOW[:3, :3].T
    expected += EARLIER_TO_NOW[:3, 3]
    for sequence, image in found.earlier_images.items():
        assert image.array_kji is earlier.prepared.volumes[sequence].array_kji
        np.testing.assert_allclose(image.geometry.to_patient_mm(corners), expected, atol=1e-6)
        assert image.geometry.frame_of_reference_uid == "frame now"
    np.testing.assert_allclose(
        found.earlier_labels.geometry.to_patient_mm(corners), expected, atol=1e-6
    )
    assert found.earlier_labels.labels_kji is earlier.segmentation.labels_kji
    np.testing.assert_allclose(found.motion_lps_mm, EARLIER_TO_NOW, atol=1e-9)


def test_neither_study_is_changed() -> None:
    now, earlier = visit(ball(GRID, 10.0)), earlier_visit()
    before = [one.segmentation.labels_kji.copy() for one in (now, earlier)]
    found = compare_results(now, earlier)
    assert found.now is now
    assert found.earlier is earlier
    assert found.earlier.segmentation.geometry is EARLIER_GRID
    for labels, one in zip(before, (now, earlier), strict=True):
        assert np.array_equal(labels, one.segmentation.labels_kji)


@pytest.mark.parametrize(("then_mm", "now_mm"), [(0.0, 10.0), (10.0, 0.0), (0.0, 0.0)])
def test_no_tumour_in_a_study(then_mm: float, now_mm: float) -> None:
    found = compare_results(visit(ball(GRID, now_mm)), earlier_visit(then_mm))
    change = found.regions[Region.WT]
    assert change.voxels is not None
    assert change.voxels.same_mm3 == 0
    assert (change.voxels.new_mm3 > 0) is (now_mm > 0)
    assert (change.voxels.gone_mm3 > 0) is (then_mm > 0)
    assert (change.change_percent is None) is (then_mm == 0)
    assert change.product_change_percent is None
    assert (change.voxels.per_mm_mm3 > 0) is (then_mm + now_mm > 0)


def test_studies_that_cannot_be_laid_on_each_other_have_no_map(
    known_motion: dict[str, Any],
) -> None:
    known_motion |= {"ok": False, "message": "Could not be registered: too little overlap."}
    earlier = earlier_visit()
    found = compare_results(visit(ball(GRID, 12.0)), earlier)
    assert not found.is_registered
    assert found.earlier_on_now is None
    assert all(one.voxels is None for one in found.regions.values())
    assert found.regions[Region.WT].change_mm3 > 0
    assert found.earlier_images[Sequence.T1C].geometry.matches(EARLIER_GRID)
    assert found.earlier_labels.geometry.matches(EARLIER_GRID)
    with pytest.raises(ValueError, match="registration"):
        found.difference_kji(Region.WT)
    assert any(one.startswith("Could not be registered: too little") for one in found.warnings)


def test_images_laid_on_each_other_before_are_not_moved_again(
    known_motion: dict[str, Any],
) -> None:
    known_motion |= {"translation_mm": 0.3, "rotation_deg": 0.2, "matrix": EARLIER_TO_NOW}
    now, earlier = visit(ball(GRID, 12.0)), visit(ball(GRID, 10.0), name="earlier")
    found = compare_results(now, earlier)
    assert np.array_equal(found.motion_lps_mm, np.eye(4))
    assert found.earlier_on_now is not None
    assert np.array_equal(found.earlier_on_now.labels_kji, earlier.segmentation.labels_kji)
    assert "already" in found.registration.message


def test_a_tumour_where_the_earlier_study_saw_nothing_is_not_called_new(
    known_motion: dict[str, Any],
) -> None:
    at_rest(known_motion)
    slab = replace(GRID, shape_kji=(21, *GRID.shape_kji[1:]))
    earlier = visit(ball(slab, 10.0), slab, name="earlier")
    found = compare_results(visit(ball(GRID, 10.0)), earlier)
    difference = found.difference_kji(Region.WT)
    assert set(np.unique(difference[:21])) == {Difference.NONE, Difference.SAME}
    assert set(np.unique(difference[21:])) == {Difference.NONE, Difference.UNSEEN}
    voxels = found.regions[Region.WT].voxels
    assert voxels is not None
    assert voxels.new_mm3 == 0
    assert voxels.unseen_mm3 == np.count_nonzero(difference[21:])
    assert any("whether they are new is not known" in one for one in found.warnings)
    # And the other way round: the map cannot show what lies outside the current images.
    turned = compare_results(
        replace(earlier, study=replace(earlier.study, date="20270101")), visit(ball(GRID, 10.0))
    )
    assert turned.outside_mm3 == voxels.unseen_mm3
    assert any("the map of change does not show them" in one for one in turned.warnings)


def test_what_a_misplaced_millimetre_makes(known_motion: dict[str, Any]) -> None:
    labels = np.zeros(GRID.shape_kji, np.uint8)
    labels[10:20, 10:20, 10:20] = 3
    matrix = np.eye(4)
    matrix[2, 3] = 1.0
    known_motion["matrix"] = matrix
    found = compare_results(visit(labels), visit(labels, name="earlier"))
    voxels = found.regions[Region.ET].voxels
    assert voxels is not None
    assert voxels.per_mm_mm3 == voxels.new_mm3 == voxels.gone_mm3 == 100.0


@pytest.mark.parametrize(
    ("now_mm", "spread", "within"), [(10.5, 0.4, True), (20.0, 0.1, False), (10.0, 0.01, True)]
)
def test_ranges_that_meet_are_within_the_uncertainty(
    known_motion: dict[str, Any], now_mm: float, spread: float, within: bool
) -> None:
    at_rest(known_motion)
    doubt = VolumeDoubt(0.9, 1.0, dict.fromkeys(MEASURED_REGIONS, spread), 22, 1.0)
    now = visit(ball(GRID, now_mm), doubt=doubt)
    earlier = visit(ball(GRID, 10.0), name="earlier", doubt=doubt)
    change = compare_results(now, earlier).regions[Region.WT]
    assert isinstance(change.now_interval, Interval)
    assert change.is_within_uncertainty is within
    unknown = compare_results(now, visit(ball(GRID, 10.0), name="earlier"))
    assert unknown.regions[Region.WT].is_within_uncertainty is None


def test_corrected_labels_need_no_other_registration(known_motion: dict[str, Any]) -> None:
    now = visit(ball(GRID, 12.0))
    found = compare_results(now, earlier_visit(10.0))
    labels = ball(GRID, 10.0)
    provenance = replace(now.segmentation.provenance, edited=True)
    segmentation = replace(now.segmentation, labels_kji=labels, provenance=provenance)
    corrected = replace(now, segmentation=segmentation, measurements=measure(segmentation))
    again = with_labels(found, corrected)
    assert len(known_motion["calls"]) == 1
    assert again.now is corrected
    assert again.earlier_on_now is found.earlier_on_now
    assert again.regions[Region.WT].now_mm3 == np.count_nonzero(labels)
    assert "Only the current study's labels were corrected by a person." in again.warnings
    assert np.array_equal(
        again.difference_kji(Region.WT) == Difference.NEW,
        (labels > 0) & (found.difference_kji(Region.WT) == Difference.NEW),
    )
    for other in (visit(ball(GRID, 9.0), name="another"), earlier_visit(name="now")):
        with pytest.raises(ValueError, match="not of the study"):
            with_labels(found, other)


def test_another_patient_is_refused() -> None:
    other = earlier_visit(patient=PatientSummary("ID8", "Meier^Jo"))
    with pytest.raises(InputError, match="different patients") as refused:
        compare_results(visit(ball(GRID, 10.0)), other)
    assert "ID8" in refused.value.detail
    assert "ID7" in refused.value.detail


def test_a_study_is_not_compared_with_itself() -> None:
    now = visit(ball(GRID, 10.0))
    with pytest.raises(InputError, match="same study"):
        compare_results(now, now)


def test_the_sequence_of_the_reference_is_registered() -> None:
    now = visit(ball(GRID, 10.0), sequences=(Sequence.T1C, Sequence.T2))
    both = earlier_visit(sequences=(Sequence.FLAIR, Sequence.T1C))
    assert sequences_to_register(now, both) == (Sequence.T1C, Sequence.T1C)
    shared = earlier_visit(sequences=(Sequence.FLAIR, Sequence.T2))
    assert sequences_to_register(now, shared) == (Sequence.T2, Sequence.T2)
    none = earlier_visit(sequences=(Sequence.FLAIR,))
    assert sequences_to_register(now, none) == (Sequence.FLAIR, Sequence.T1C)


def test_a_skull_that_only_one_has_is_left_out(
    monkeypatch: pytest.MonkeyPatch, known_motion: dict[str, Any]
) -> None:
    from desktop_app.imaging import stripped

    now, earlier = visit(ball(GRID, 10.0)), earlier_visit()
    bare = now.prepared.volumes[Sequence.T1C]
    monkeypatch.setattr(stripped, "is_brain_extracted", lambda volume: volume is bare)
    found = compare_results(now, earlier)
    ((moving, fixed),) = known_motion["calls"]
    assert np.array_equal(moving.array_kji, earlier.prepared.image_ckji[1])
    assert np.array_equal(fixed.array_kji, now.prepared.image_ckji[1])
    np.testing.assert_allclose(found.motion_lps_mm, EARLIER_TO_NOW, atol=1e-9)


def test_a_tumour_that_an_image_cuts_makes_the_change_doubtful() -> None:
    said = "The tumour reaches the upper end of T1c: volumes and diameters are too small."
    now, earlier = visit(ball(GRID, 10.0)), earlier_visit()
    cut = replace(earlier, segmentation=replace(earlier.segmentation, warnings=(said,)))
    told = "The earlier study's image ends within the tumour"
    assert any(one.startswith(told) for one in compare_results(now, cut).warnings)
    assert not any("ends within" in one for one in compare_results(now, earlier).warnings)


def test_comparing_stops_when_asked() -> None:
    token = CancelToken()

    def cancel(fraction: float, _stage: str) -> None:
        if fraction > 0.5:
            token.cancel()

    now, earlier = visit(ball(GRID, 10.0)), earlier_visit()
    with pytest.raises(Cancelled):
        compare_results(now, earlier, progress=cancel, token=token)
    with pytest.raises(Cancelled):
        compare_results(now, earlier, token=token)


@pytest.fixture(scope="module")
def head() -> Head:
    return make_head(3.0)


def test_a_head_that_lies_otherwise_is_found(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one with a real registration: another day, frame, grid, noise and tumour."""
    monkeypatch.undo()
    now = head_visit(head, head.geometry, "now")
    matrix = cases.motion((8.0, -14.0, 20.0), (6.0, -4.0, 8.0))
    tilted = cases.moved(head.geometry, cases.motion((0, 0, 0), (5.0, 8.0, -3.0)))
    earlier = head_visit(head, cases.moved(tilted, np.linalg.inv(matrix)), "earlier", tilted)
    found = compare_results(now, earlier)
    assert found.registration.ok
    assert found.order.name == "EARLIER"
    inside = head.geometry.to_patient_mm(np.argwhere(head.brain)[::97].astype(np.float64))
    error = found.motion_lps_mm @ np.linalg.inv(matrix)
    shifts = inside @ error[:3, :3].T + error[:3, 3] - inside
    assert np.linalg.norm(shifts, axis=1).max() < 1.0
    assert found.earlier_on_now is not None
    assert (
        dice(found.earlier_on_now.mask_kji(Region.WT), now.segmentation.mask_kji(Region.WT)) > 0.85
    )


def head_visit(head: Head, stored: Any, name: str, seen_from: Any = None) -> StudyResult:
    """An examination of the head on a grid that its scanner calls `stored`."""
    from desktop_app.imaging.resample import Interpolation, resample

    grid = seen_from or stored
    truth = Volume((2 * head.tumour).astype(np.uint8), head.geometry)
    labels = resample(truth, grid, interpolation=Interpolation.NEAREST).array_kji
    result = visit(
        np.ascontiguousarray(labels),
        stored,
        name=name,
        date="20260312" if name == "earlier" else "20260904",
    )
    noise = np.random.default_rng(len(name)).normal(0, 4, stored.shape_kji)
    images = {
        one: Volume((resample(head.images[one], grid).array_kji + noise).astype(np.float32), stored)
        for one in cases.BOTH
    }
    prepared = replace(result.prepared, volumes=images, reference=images[Sequence.T1C])
    return replace(result, prepared=prepared)
