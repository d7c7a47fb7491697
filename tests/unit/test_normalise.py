import numpy as np
import pytest

from model.errors import UnusableImage
from model.normalise import CLIP_HIGH, CLIP_LOW, normalise


def _images() -> np.ndarray:
    rng = np.random.default_rng(0)
    images = np.zeros((4, 8, 9, 10), dtype=np.float32)
    images[:, 2:6, 2:7, 2:8] = rng.uniform(50, 400, size=(4, 4, 5, 6))
    return images


def test_brain_has_zero_mean_and_unit_deviation_and_the_rest_stays_zero() -> None:
    images = _images()
    result = normalise(images)
    for channel, source in zip(result, images, strict=True):
        inside = source != 0
        assert abs(channel[inside].mean()) < 1e-5
        assert abs(channel[inside].std() - 1) < 1e-5
        assert not channel[~inside].any()


def test_empty_margin_scale_and_offset_free_of_influence() -> None:
    images = _images()
    padded = np.pad(images, [(0, 0), (3, 1), (0, 5), (2, 2)])
    assert np.allclose(normalise(padded)[:, 3:-1, :-5, 2:-2], normalise(images), atol=1e-5)
    assert np.allclose(normalise(images * 7.5), normalise(images), atol=1e-4)


def test_missing_sequence_stays_zero() -> None:
    images = _images()
    images[2] = 0
    assert not normalise(images)[2].any()


def test_constant_sequence_does_not_explode() -> None:
    images = _images()
    images[0][images[0] != 0] = 7
    assert np.abs(normalise(images)[0]).max() == 0


def test_spikes_are_clipped() -> None:
    images = _images()
    images[1, 3, 3, 3], images[1, 3, 3, 4] = 1e6, -1e6
    result = normalise(images)
    assert result.max() <= CLIP_HIGH
    assert result.min() >= CLIP_LOW


def test_integer_intensities_are_taken() -> None:
    images = _images().astype(np.int16)
    assert normalise(images).dtype == np.float32


def test_unusable_images_are_refused() -> None:
    with pytest.raises(UnusableImage, match="no brain"):
        normalise(np.zeros((4, 4, 4, 4)))
    with pytest.raises(ValueError, match=r"\(4, k, j, i\)"):
        normalise(np.ones((3, 4, 4, 4)))
    broken = _images()
    broken[0, 3, 3, 3] = np.nan
    with pytest.raises(ValueError, match="finite"):
        normalise(broken)
