"""Defects that archives contain: each is repaired and told, or refused and told; none is silent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from desktop_app.domain.volume import Volume
from desktop_app.io.load import load_series
from desktop_app.io.scan import scan
from tests.mr_files import SAGITTAL, only_series, pattern, write_enhanced, write_series

SHAPE = (12, 8, 6)


def load(folder: Path) -> Volume:
    return load_series(only_series(folder))


def test_sound_series_comes_back_exactly(tmp_path: Path) -> None:
    values = pattern(SHAPE)
    write_series(tmp_path, values)
    volume = load(tmp_path)
    np.testing.assert_array_equal(volume.array_kji, values)
    assert volume.geometry.spacing_mm == pytest.approx((3.0, 2.0, 1.5))
    assert volume.geometry.origin_lps_mm == pytest.approx((-20, -30, -40))
    assert volume.notes == ()


def test_slices_are_sorted_by_place_not_by_name_or_number(tmp_path: Path) -> None:
    values = pattern(SHAPE)

    def backwards(number: int, dataset: Dataset) -> None:
        dataset.InstanceNumber = 100 - number

    write_series(tmp_path, values, positions_mm=[-3.0 * n for n in range(12)], edit=backwards)
    volume = load(tmp_path)
    np.testing.assert_array_equal(volume.array_kji, values[::-1])
    assert volume.geometry.origin_lps_mm == pytest.approx((-20, -30, -73))


def test_every_voxel_lies_where_the_header_says(tmp_path: Path) -> None:
    values = pattern(SHAPE)
    write_series(tmp_path, values, orientation=SAGITTAL)
    geometry = load(tmp_path).geometry
    # Rows run towards the back, columns downwards, slices along their cross product (−L).
    np.testing.assert_allclose(
        geometry.to_patient_mm(np.array([2.0, 3.0, 4.0])),
        (-20 - 2 * 3.0, -30 + 4 * 1.5, -40 - 3 * 2.0),
    )


def test_missing_slice_is_filled_in_and_told(tmp_path: Path) -> None:
    values = pattern(SHAPE)
    write_series(tmp_path, values)[5].unlink()
    series = only_series(tmp_path)
    assert any("1 slice missing" in problem for problem in series.problems)
    volume = load_series(series)
    assert volume.array_kji.shape == SHAPE
    np.testing.assert_allclose(volume.array_kji[5], (values[4] + values[6]) / 2)
    np.testing.assert_array_equal(volume.array_kji[6:], values[6:])
    assert any("missing" in note for note in volume.notes)


def test_repeats_in_one_series_are_separated(tmp_path: Path) -> None:
    first, second = pattern(SHAPE, 1), pattern(SHAPE, 2)
    write_series(tmp_path / "a", first, AcquisitionNumber=1, AcquisitionTime="101500")
    write_series(tmp_path / "b", second, AcquisitionNumber=2, AcquisitionTime="102500")
    (study,) = scan(tmp_path).studies
    assert len(study.series) == 2
    assert len({series.series_uid for series in study.series}) == 2
    loaded = [load_series(series).array_kji for series in study.series]
    np.testing.assert_array_equal(loaded[0], first)
    np.testing.assert_array_equal(loaded[1], second)


def test_two_echoes_in_one_series_are_separated(tmp_path: Path) -> None:
    first, second = pattern(SHAPE, 1), pattern(SHAPE, 2)
    write_series(tmp_path / "a", first, EchoTime=20)
    write_series(tmp_path / "b", second, EchoTime=90)
    (study,) = scan(tmp_path).studies
    by_echo = {float(s.attributes["EchoTime"]): load_series(s) for s in study.series}
    np.testing.assert_array_equal(by_echo[20].array_kji, first)
    np.testing.assert_array_equal(by_echo[90].array_kji, second)
    assert all("echo times" in " ".join(series.problems) for series in study.series)


def test_variable_spacing_is_resampled_from_true_positions(tmp_path: Path) -> None:
    places = [0.0, 3.0, 6.4, 9.0, 12.7, 15.0, 18.3, 21.0, 24.0, 27.0, 30.0, 33.0]
    ramp = np.array(places)[:, None, None] * np.ones(SHAPE) * 10
    write_series(tmp_path, ramp.astype(np.int16), positions_mm=places)
    series = only_series(tmp_path)
    assert any("not evenly spaced" in problem for problem in series.problems)
    volume = load_series(series)
    depth = np.arange(volume.array_kji.shape[0]) * volume.geometry.spacing_mm[0]
    np.testing.assert_allclose(volume.array_kji[:, 0, 0], np.minimum(depth * 10, 330), atol=1.0)


def test_slanted_stack_is_straightened(tmp_path: Path) -> None:
    nk, nj, ni = 12, 30, 40
    slope = 0.25
    # A plane of values fixed in the patient: value = 10 × L.
    values = np.zeros((nk, nj, ni), dtype=np.int16)
    for k in range(nk):
        values[k] = np.rint(10 * (1.5 * np.arange(ni) + slope * 3.0 * k))[None, :]
    write_series(tmp_path, values, shear_mm_per_mm=(slope, 0.0))
    series = only_series(tmp_path)
    assert any("slanted by 14.0°" in problem for problem in series.problems)
    volume = load_series(series)
    assert volume.array_kji.shape == (nk, nj, ni + 6)
    assert series.geometry is not None
    assert series.geometry.shape_kji == volume.array_kji.shape
    for k in range(nk):
        first = int(np.ceil(0.5 * k))
        measured = volume.array_kji[k, :, first : first + ni - 1]
        expected = 15.0 * (first + np.arange(ni - 1))
        np.testing.assert_allclose(measured, np.tile(expected, (nj, 1)), atol=1.0)


@pytest.mark.parametrize("slope", [0.466, -0.466])
def test_what_lies_at_the_end_of_a_slanted_stack_is_kept(tmp_path: Path, slope: float) -> None:
    """A ball in slices slanted by 25°, at the side that the last of them have moved to."""
    nk, nj, ni = 40, 60, 60
    step_mm, voxel_mm, radius_mm = 3.0, 3.0, 15.0
    k, j, i = np.meshgrid(*map(np.arange, (nk, nj, ni)), indexing="ij")
    depth_mm = step_mm * k
    along_j = voxel_mm * j + slope * depth_mm
    centre_k, centre_j = 33, 54 if slope > 0 else 5
    middle_j = voxel_mm * centre_j + slope * step_mm * centre_k
    distance_mm = np.sqrt(
        (depth_mm - step_mm * centre_k) ** 2
        + (along_j - middle_j) ** 2
        + (voxel_mm * (i - 30)) ** 2
    )
    # Soft at the border, so that its volume is that of the ball.
    values = 1000 * np.clip((radius_mm - distance_mm) / voxel_mm + 0.5, 0, 1)
    write_series(
        tmp_path,
        values.astype(np.int16),
        spacing_mm=(step_mm, voxel_mm, voxel_mm),
        shear_mm_per_mm=(0.0, slope),
    )
    volume = load_series(only_series(tmp_path))
    loaded = volume.array_kji.astype(np.float64)
    assert loaded.sum() == pytest.approx(values.sum(), rel=0.01)
    centre_kji = (loaded * np.indices(loaded.shape)).sum(axis=(1, 2, 3)) / loaded.sum()
    expected = np.array([-20.0 + 90, -30.0 + middle_j, -40.0 + step_mm * centre_k])
    np.testing.assert_allclose(volume.geometry.to_patient_mm(centre_kji), expected, atol=0.1)


def turned_by(radians: float) -> list[float]:
    """Direction cosines of axial slices, turned about their normal."""
    return [1.0, radians, 0.0, -radians, 1.0, 0.0]


def test_half_a_stack_that_is_hardly_turned_is_no_other_image(tmp_path: Path) -> None:
    def turn(number: int, dataset: Dataset) -> None:
        dataset.ImageOrientationPatient = turned_by(0.0012 * (number >= SHAPE[0] // 2))

    write_series(tmp_path, pattern(SHAPE), edit=turn)
    series = only_series(tmp_path)
    assert "Slices turned by up to 0.1° against each other taken as one image." in series.problems
    np.testing.assert_array_equal(load_series(series).array_kji, pattern(SHAPE))


def test_a_slice_without_a_place_turns_nothing(tmp_path: Path) -> None:
    def lose_place(number: int, dataset: Dataset) -> None:
        if number == 3:
            del dataset.ImageOrientationPatient, dataset.ImagePositionPatient

    write_series(tmp_path, pattern(SHAPE), edit=lose_place)
    series, *_ = scan(tmp_path).studies[0].series
    assert series.problems
    assert not any("turned" in problem for problem in series.problems)


@pytest.mark.parametrize("apart_mm", [0.0, 1.5])
def test_two_stacks_of_one_place_that_are_hardly_turned_stay_apart(
    tmp_path: Path, apart_mm: float
) -> None:
    write_series(tmp_path / "a", pattern(SHAPE))
    write_series(
        tmp_path / "b",
        pattern(SHAPE) + 7,
        orientation=tuple(turned_by(0.0012)),
        origin_lps_mm=(-20.0, -30.0, -40.0 + apart_mm),
        FlipAngle=15,
    )
    (study,) = scan(tmp_path).studies
    assert [len(one.instances) for one in study.series if one.usable] == [SHAPE[0]] * 2
    assert "another orientation" in study.series[0].problems[0]


@pytest.mark.parametrize("echo_times_ms", [("10.04", "10.05"), ("9.96", "10"), ("80", "80.0")])
def test_one_echo_that_headers_round_differently_is_one_image(
    tmp_path: Path, echo_times_ms: tuple[str, str]
) -> None:
    def edit(number: int, dataset: Dataset) -> None:
        dataset.EchoTime = echo_times_ms[number % 2]

    write_series(tmp_path, pattern(SHAPE), edit=edit)
    assert len(only_series(tmp_path).instances) == SHAPE[0]


def test_orientation_jitter_is_averaged(tmp_path: Path) -> None:
    values = pattern(SHAPE)

    def jitter(number: int, dataset: Dataset) -> None:
        wobble = 4e-4 if number % 2 else -4e-4
        dataset.ImageOrientationPatient = [1.0, wobble, 0.0, -wobble, 1.0, 0.0]

    write_series(tmp_path, values, edit=jitter)
    volume = load(tmp_path)
    np.testing.assert_array_equal(volume.array_kji, values)
    np.testing.assert_allclose(volume.geometry.direction_lps, np.eye(3), atol=1e-4)


def test_truncated_file_counts_as_a_missing_slice(tmp_path: Path) -> None:
    values = pattern(SHAPE)
    path = write_series(tmp_path, values)[5]
    path.write_bytes(path.read_bytes()[:-40])
    volume = load(tmp_path)
    assert any(f"File 6 of {SHAPE[0]} left out: truncated" in note for note in volume.notes)
    assert not any(path.name in note for note in volume.notes)
    np.testing.assert_array_equal(volume.array_kji[4], values[4])
    np.testing.assert_allclose(volume.array_kji[5], (values[4] + values[6]) / 2)


def test_enhanced_file_is_taken_apart_by_frame(tmp_path: Path) -> None:
    values = pattern(SHAPE)
    write_enhanced(tmp_path / "enhanced.dcm", values)
    series = only_series(tmp_path)
    assert [ref.frame for ref in series.instances] == list(range(1, 13))
    volume = load_series(series)
    np.testing.assert_allclose(volume.array_kji, values * 2.0 + np.arange(12.0)[:, None, None])
    assert volume.geometry.spacing_mm == pytest.approx((3.0, 2.0, 1.5))


def test_enhanced_time_series_is_separated(tmp_path: Path) -> None:
    write_enhanced(tmp_path / "enhanced.dcm", pattern(SHAPE), repeats=2)
    (study,) = scan(tmp_path).studies
    assert [len(series.instances) for series in study.series] == [12, 12]


Damage = Callable[[Path], Any]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x00" * 600),
        lambda path: path.write_bytes(b"not an image " * 80),
        lambda path: path.write_bytes(path.read_bytes()[:300]),
        lambda path: path.write_bytes(bytes(range(256)) * 30),
    ],
    ids=["empty", "zeros", "text", "header cut off", "noise"],
)
def test_damaged_files_are_listed_and_never_raise(tmp_path: Path, damage: Damage) -> None:
    values = pattern(SHAPE)
    extra = write_series(tmp_path, values)[0].with_name("damaged")
    extra.write_bytes((tmp_path / "T1_000.dcm").read_bytes())
    damage(extra)
    result = scan(tmp_path)
    told = [*result.skipped, *result.studies[0].skipped]
    assert any("damaged" in where for where, _ in told) or extra.stat().st_size == 300
    np.testing.assert_array_equal(load_series(result.studies[0].series[0]).array_kji, values)
