"""What images show before they are registered: cut heads, and pictures the right way round."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.preflight import Aspect, Light
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled
from desktop_app.imaging.thumbnail import axial_thumbnail
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.preflight.pixels import look_at_pixels
from tests.heads import make_head


@pytest.fixture(scope="module")
def images() -> dict[Sequence, Volume]:
    """All in one frame of reference."""
    made = make_head(2.0, noise=3.0).images
    frame = next(iter(made.values())).geometry
    grid = Geometry(frame.shape_kji, frame.affine_lps_mm, "1.2.3")
    return {sequence: Volume(volume.array_kji, grid) for sequence, volume in made.items()}


def part(volume: Volume, first: int, last: int) -> Volume:
    """Keep the slices from `first` to before `last`."""
    grid = volume.geometry
    affine = np.array(grid.affine_lps_mm)
    affine[:3, 3] = grid.to_patient_mm(np.array([first, 0, 0]))
    shape = (last - first, *grid.shape_kji[1:])
    return Volume(
        volume.array_kji[first:last], Geometry(shape, affine, grid.frame_of_reference_uid)
    )


def reordered(volume: Volume, axes_kji: tuple[int, int, int], flips: tuple[int, ...]) -> Volume:
    """Store the same image with other axes."""
    grid = volume.geometry
    array = np.transpose(volume.array_kji, axes_kji)
    affine = np.array(grid.affine_lps_mm)
    affine[:, :3] = affine[:, [2 - axes_kji[2 - n] for n in range(3)]]
    for axis in flips:
        array = np.flip(array, axis)
        affine[:3, 3] += affine[:3, 2 - axis] * (array.shape[axis] - 1)
        affine[:, 2 - axis] *= -1
    return Volume(np.ascontiguousarray(array), Geometry(array.shape, affine))


def coverage(looks, sequence):
    return next((c for c in looks[sequence].checks if c.aspect is Aspect.COVERAGE), None)


def test_whole_heads_raise_no_doubt(images):
    looks = look_at_pixels(images)
    assert set(looks) == set(images)
    for sequence in images:
        assert coverage(looks, sequence) is None
        assert {check.light for check in looks[sequence].checks} == {Light.GOOD}


def test_a_top_that_is_cut_off_is_measured_against_the_others(images):
    cut = part(images[Sequence.FLAIR], 0, 85)
    check = coverage(look_at_pixels({**images, Sequence.FLAIR: cut}), Sequence.FLAIR)
    assert check.light is Light.FAIR
    # The scalp ends at 212 mm, the series at 169.
    assert "Ends 4" in check.sentence
    assert "below the top of the head in" in check.sentence


@pytest.mark.parametrize("offset", [-1024, 500])
def test_an_offset_of_the_values_cuts_no_head(images, offset):
    flair, before = images[Sequence.FLAIR], look_at_pixels(images)
    shifted = replace(flair, array_kji=np.asarray(flair.array_kji, np.float32) + offset)
    looks = look_at_pixels({**images, Sequence.FLAIR: shifted})
    assert coverage(looks, Sequence.FLAIR) == coverage(before, Sequence.FLAIR)
    alone = look_at_pixels({Sequence.FLAIR: part(shifted, 0, 85)})
    expected = look_at_pixels({Sequence.FLAIR: part(flair, 0, 85)})
    assert coverage(alone, Sequence.FLAIR) == coverage(expected, Sequence.FLAIR)


def test_alone_a_cut_top_is_still_seen(images):
    looks = look_at_pixels({Sequence.T1: part(images[Sequence.T1], 0, 85)})
    told = coverage(looks, Sequence.T1).sentence
    assert told.startswith("The top of the head is not in the image")


def test_a_missing_bottom_is_seen_from_the_top(images):
    looks = look_at_pixels({**images, Sequence.T2: part(images[Sequence.T2], 55, 110)})
    assert "mm down from the top of the head" in coverage(looks, Sequence.T2).sentence


def test_a_cancelled_look_ends(images):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        look_at_pixels(images, token=token)


@pytest.mark.parametrize(
    ("axes_kji", "flips"),
    [
        ((0, 1, 2), (0,)),
        ((0, 1, 2), (1, 2)),
        ((2, 0, 1), ()),
        ((1, 0, 2), (2,)),
        ((2, 1, 0), (0, 1)),
    ],
)
def test_the_picture_is_the_same_however_the_image_is_stored(images, axes_kji, flips):
    image = images[Sequence.T1C]
    stored = reordered(image, axes_kji, flips)
    picture, same = axial_thumbnail(image), axial_thumbnail(stored)
    assert alike(picture, same) > 0.97
    assert alike(picture, same) > alike(picture[:, ::-1], same) + 0.01


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_left_is_on_the_right_and_the_face_on_top(images):
    """The tumour, the brightest part, lies to the left and towards the face."""
    picture = ndimage.uniform_filter(axial_thumbnail(images[Sequence.T1C]).astype(float), 9)
    row, column = np.unravel_index(np.argmax(picture), picture.shape)
    assert column > 0.6 * picture.shape[1]
    assert row < 0.5 * picture.shape[0]


def test_a_blank_image_gives_a_picture_and_no_crash():
    blank = Volume(np.zeros((4, 5, 6), np.float32), Geometry((4, 5, 6), np.eye(4)))
    look = look_at_pixels({Sequence.T1: blank})[Sequence.T1]
    assert look.thumbnail_yx.max() == 0
    assert look.checks[-1].light is Light.UNKNOWN
