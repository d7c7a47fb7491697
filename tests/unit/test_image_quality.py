"""Noise, ghosts and displaced slices are measured as they were put in."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.preflight import Light
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled
from desktop_app.imaging.image_quality import ImageQuality, measure_quality
from desktop_app.services.preflight.pixels import judge_quality
from tests.heads import make_head


@pytest.fixture(scope="module")
def head() -> Volume:
    return make_head(2.0, noise=0.0).images[Sequence.T2]


def with_array(volume: Volume, array: np.ndarray) -> Volume:
    return Volume(array.astype(np.float32), volume.geometry)


def noisy(volume: Volume, share: float) -> Volume:
    """Add complex noise, which gives the magnitude its Rician law, relative to tissue."""
    array = np.asarray(volume.array_kji)
    sigma = share * float(np.median(array[array > 40]))
    rng = np.random.default_rng(3)
    real, imaginary = (sigma * rng.standard_normal(array.shape) for _ in range(2))
    return with_array(volume, np.hypot(array + real, imaginary))


def moved_while_scanned(volume: Volume, pixels: float) -> Volume:
    """Let the head swing along j, the direction of phase encoding, while the lines are taken."""
    array = np.asarray(volume.array_kji)
    lines = np.fft.fft(array, axis=1)
    n = array.shape[1]
    shift = np.fft.ifftshift(pixels * np.sin(2 * np.pi * np.arange(n) / n * 11))
    phase = np.exp(-2j * np.pi * np.fft.fftfreq(n) * shift)
    return with_array(volume, np.abs(np.fft.ifft(lines * phase[:, np.newaxis], axis=1)))


@pytest.mark.parametrize("share", [0.03, 0.06, 0.12])
def test_noise_is_found_as_it_was_added(head, share):
    assert measure_quality(noisy(head, share)).noise_share == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("offset", [-1024, -200, 500])
def test_an_offset_of_the_values_changes_nothing(head, offset):
    clean = noisy(head, 0.06)
    shifted = measure_quality(with_array(clean, np.asarray(clean.array_kji) + offset))
    as_scanned = measure_quality(clean)
    assert shifted.noise_share == pytest.approx(as_scanned.noise_share, rel=1e-3)
    assert shifted.ghost_share == pytest.approx(as_scanned.ghost_share, abs=1e-4)
    assert shifted.zigzag_mm == pytest.approx(as_scanned.zigzag_mm, abs=1e-3)


def test_edges_are_not_noise(head):
    assert measure_quality(head).noise_share < 0.01


def test_the_light_turns_with_the_noise(head):
    lights = [judge_quality(measure_quality(noisy(head, s))).light for s in (0.04, 0.12, 0.3)]
    assert lights == [Light.GOOD, Light.FAIR, Light.POOR]


def test_swinging_makes_ghosts_in_proportion_and_turns_the_light(head):
    clean = noisy(head, 0.03)
    ghosts = [measure_quality(moved_while_scanned(clean, p)).ghost_share for p in (0, 1, 4, 8)]
    assert ghosts == sorted(ghosts)
    assert ghosts[0] < 0.003
    assert judge_quality(measure_quality(clean)).light is Light.GOOD
    judged = judge_quality(measure_quality(moved_while_scanned(clean, 8)))
    assert judged.light is not Light.GOOD
    assert "Ghosts" in judged.sentence


@pytest.mark.parametrize("empty", [0, -3, -1024])
def test_without_air_ghosts_are_not_judged(head, empty):
    array = np.where(np.asarray(head.array_kji) > 40, head.array_kji, 0) + empty
    quality = measure_quality(with_array(head, array))
    assert quality.ghost_share is None
    assert "no air" in judge_quality(quality).sentence


@pytest.mark.parametrize(
    ("shift_mm", "light"), [(0.0, Light.GOOD), (2.0, Light.FAIR), (5.0, Light.POOR)]
)
def test_slices_that_lie_to_and_fro_are_found(head, shift_mm, light):
    spacing = head.geometry.spacing_mm[1]
    array = np.array(noisy(head, 0.03).array_kji)
    for number in range(1, len(array), 2):
        array[number] = ndimage.shift(array[number], (shift_mm / spacing, 0), order=1)
    quality = measure_quality(with_array(head, array))
    assert quality.zigzag_mm == pytest.approx(shift_mm, abs=0.35)
    judged = judge_quality(quality)
    assert judged.light is light
    assert ("patient moved" in judged.sentence) == (shift_mm > 0)


def test_slices_are_found_across_whatever_axis(head):
    turned = Volume(
        np.moveaxis(np.asarray(noisy(head, 0.06).array_kji), 0, 2),
        Geometry(tuple(np.roll(head.geometry.shape_kji, -1)), np.diag([2.5, 2.0, 2.0, 1.0])),
    )
    assert measure_quality(turned).noise_share == pytest.approx(0.06, rel=0.2)


def test_a_blank_image_has_no_quality():
    blank = Volume(np.zeros((6, 30, 30), np.float32), Geometry((6, 30, 30), np.eye(4)))
    quality = measure_quality(blank)
    assert quality == ImageQuality(0.0, None, None)
    assert judge_quality(quality).light is Light.UNKNOWN


@pytest.mark.parametrize("slices", [0, 30, 150, 170])
def test_measuring_ends_within_a_slice(head: Volume, slices: int) -> None:
    asked = itertools.count()

    def check() -> None:
        if next(asked) >= slices:
            raise Cancelled

    with pytest.raises(Cancelled):
        measure_quality(head, check=check)
    assert next(asked) == slices + 1
