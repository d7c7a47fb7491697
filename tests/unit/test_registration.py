import re
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from bench_registration import run_trial
from scipy.spatial.transform import Rotation

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled
from desktop_app.imaging.registration import match_as_placed, register_rigid
from desktop_app.imaging.resample import resample
from desktop_app.imaging.similarity import normalised_mutual_information
from tests.heads import Head, make_head


@pytest.fixture(scope="module")
def head() -> Head:
    return make_head(2.5)


def displaced(volume: Volume, motion: np.ndarray, frame: str = "") -> Volume:
    """Return the volume as the scanner stores it after the patient moved."""
    affine = motion @ volume.geometry.affine_lps_mm
    return replace(volume, geometry=Geometry(volume.geometry.shape_kji, affine, frame))


def motion(shift_mm: tuple[float, ...], turn_deg: tuple[float, ...]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.radians(turn_deg)).as_matrix()
    middle = np.array([95.0, 118.0, 130.0])
    matrix[:3, 3] = middle - matrix[:3, :3] @ middle + shift_mm
    return matrix


def error_mm(found: Geometry, true: Geometry) -> float:
    inside = np.array([[20, 20, 20], [60, 70, 50], [70, 30, 30], [30, 60, 60]], dtype=float)
    distance = found.to_patient_mm(inside) - true.to_patient_mm(inside)
    return float(np.linalg.norm(distance, axis=1).max())


@pytest.mark.parametrize(
    ("sequence", "shift", "turn", "frame"),
    [
        (Sequence.T2, (4.0, -3.0, 5.0), (3.0, -4.0, 5.0), "1.2.3"),
        (Sequence.FLAIR, (60.0, -40.0, 80.0), (4.0, 2.0, -6.0), "another examination"),
    ],
)
def test_known_motion_is_found(
    head: Head, sequence: Sequence, shift: tuple[float, ...], turn: tuple[float, ...], frame: str
) -> None:
    fixed = displaced(head.images[Sequence.T1C], np.eye(4), "1.2.3")
    result = register_rigid(displaced(head.images[sequence], motion(shift, turn), frame), fixed)
    assert result.ok
    assert result.score > 0.6
    assert error_mm(result.moved_geometry, fixed.geometry) < 1.2
    assert result.translation_mm == pytest.approx(np.linalg.norm(shift), abs=3)
    assert result.rotation_deg == pytest.approx(np.linalg.norm(turn), abs=1)
    assert result.moved_geometry.frame_of_reference_uid == "1.2.3"


@pytest.mark.parametrize("offsets", [(-1000.0, 0.0), (0.0, -1000.0), (-1000.0, 500.0)])
def test_an_offset_of_the_values_changes_nothing(head: Head, offsets: tuple[float, float]) -> None:
    def shifted(volume: Volume, by: float) -> Volume:
        return replace(volume, array_kji=volume.array_kji + np.float32(by))

    fixed = displaced(head.images[Sequence.T1C], np.eye(4), "1.2.3")
    moved = motion((4.0, -3.0, 5.0), (3.0, -4.0, 5.0))
    moving = displaced(head.images[Sequence.T2], moved, "1.2.3")
    found = register_rigid(shifted(moving, offsets[1]), shifted(fixed, offsets[0]))
    assert found.ok
    assert error_mm(found.moved_geometry, fixed.geometry) < 1.2


def test_thick_slices_are_registered(head: Head) -> None:
    affine = np.diag([1.2, 1.2, 6.0, 1.0])
    affine[2, 3] = 1.5
    thick = resample(head.images[Sequence.T2], Geometry((35, 195, 155), affine), antialias=True)
    result = register_rigid(
        displaced(thick, motion((3, -2, 4), (2, 3, -3))), head.images[Sequence.T1C]
    )
    assert result.ok
    points = np.array([[10.0, 50, 40], [25, 120, 90]])
    moved = result.moved_geometry.to_patient_mm(points)
    assert np.linalg.norm(moved - thick.geometry.to_patient_mm(points), axis=1).max() < 1.5


def test_the_same_call_gives_the_same_answer(head: Head) -> None:
    moving = displaced(head.images[Sequence.T2], motion((4, -3, 5), (3, -4, 5)))
    one, other = (register_rigid(moving, head.images[Sequence.T1]) for _ in range(2))
    assert one.moved_geometry.matches(other.moved_geometry, 0.02)


def test_noise_is_not_believed(head: Head) -> None:
    noise = np.random.default_rng(5).random(head.geometry.shape_kji).astype(np.float32)
    fixed = head.images[Sequence.T1C]
    result = register_rigid(Volume(noise, fixed.geometry), fixed)
    assert not result.ok
    assert result.moved_geometry.matches(fixed.geometry)
    assert "could not be registered" in result.message.lower()


@pytest.mark.parametrize("shift_mm", [900.0, 150.0], ids=["apart", "a sliver"])
def test_images_of_one_frame_that_do_not_meet_are_left_where_they_are(
    head: Head, shift_mm: float
) -> None:
    fixed = displaced(head.images[Sequence.T1C], np.eye(4), "1.2.3")
    moving = displaced(head.images[Sequence.T2], motion((shift_mm, 0, 0), (0, 0, 0)), "1.2.3")
    result = register_rigid(moving, fixed)
    assert not result.ok
    assert result.moved_geometry.matches(moving.geometry)
    assert re.search(rf"implausible \({shift_mm:.0f} mm, 0°\)", result.message)


def test_optimiser_that_loses_the_overlap_is_a_doubt(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_args: object) -> None:
        raise RuntimeError("All samples map outside moving image buffer")

    monkeypatch.setattr(sitk.ImageRegistrationMethod, "Execute", lost)
    fixed = displaced(head.images[Sequence.T1C], np.eye(4), "1.2.3")
    moving = displaced(head.images[Sequence.T2], motion((0, 0, 150), (0, 0, 0)), "1.2.3")
    result = register_rigid(moving, fixed)
    assert not result.ok
    assert result.moved_geometry.matches(moving.geometry)


@pytest.mark.parametrize(("shape", "voxel_mm"), [((2, 60, 60), 1.0), ((20, 20, 20), 0.05)])
def test_images_that_hold_no_head_are_a_doubt(shape: tuple[int, int, int], voxel_mm: float) -> None:
    rng = np.random.default_rng(0)
    geometry = Geometry(shape, np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0]))
    one, other = (Volume(rng.random(shape, np.float32), geometry) for _ in range(2))
    assert not match_as_placed(one, other).ok
    assert not register_rigid(one, other).ok


def test_registration_stops_when_asked(head: Head) -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        register_rigid(head.images[Sequence.T2], head.images[Sequence.T1C], check=stop)


def test_similarity_knows_a_function_from_chance() -> None:
    rng = np.random.default_rng(3)
    values = rng.random(20_000)
    assert normalised_mutual_information(values, -3 * values + 7) == pytest.approx(1)
    assert normalised_mutual_information(values, (values - 0.5) ** 2) > 0.6
    assert normalised_mutual_information(values, rng.random(20_000)) < 0.02
    assert normalised_mutual_information(values, np.zeros(20_000)) == 0


def test_trials_of_the_benchmark_end_where_the_unmoved_scan_does(head: Head) -> None:
    images = head.images
    for seed, sequence in enumerate((Sequence.T2, Sequence.FLAIR)):
        trial = run_trial(
            "phantom",
            images[Sequence.T1C],
            images[sequence],
            sequence,
            np.random.default_rng(seed),
        )
        assert not trial.failed
        assert trial.mean_mm < 0.5
