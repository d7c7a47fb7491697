"""What the pixels say of two images of one brain: how each is weighted, which has contrast agent.

Every feature changes its sign when the two images change places, and so does the evidence that
`sequence_pixels` makes of them: where the images do not differ it is 0, whatever they show.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import skew

from desktop_app.domain.study import Sequence
from desktop_app.imaging.similarity import normalised_mutual_information

_Image = NDArray[np.float32]
_Mask = NDArray[np.bool_]

_BLOCK = 2
_BLOCK_MM = 2.0
# Below the brain's surface: fluid and vessels at the rim, cortex, mixed, mostly white matter.
_DEPTHS_MM = ((0.0, 2.5), (2.5, 5.5), (9.0, 15.0), (15.0, 25.0))
_INNER_MM = 2.5
_PERCENTILES = (2, 10, 90, 98)
# Vessels and the rims of tumours are finer than this, coil sensitivity and tissue classes coarser.
_FINE_MM = 3.0
# In interquartile ranges of the brain: fluid and oedema; vessels.
_WEIGHTING_LEVELS, _VESSEL_LEVELS = (-6.0, 8.0), (-9.0, 20.0)
_MIN_VOXELS = 500
# Two images of one brain share at least 0.03 of their information, noise 0.006.
_MIN_SHARED_INFORMATION = 0.012
_BINS = 16


@dataclass(frozen=True, slots=True, eq=False)
class BrainLook:
    """One image of a brain on voxels of twice the size, and what is characteristic of it.

    Parameters
    ----------
    levels_kji
        Intensities in interquartile ranges of the inner brain about its median.
    fine_kji
        The same without what is coarser than vessels.
    inner_kji
        The brain below its surface, as far as the image shows it.
    profile
        Percentiles and skewness of the intensities, and their medians by depth.
    """

    levels_kji: _Image
    fine_kji: _Image
    inner_kji: _Mask
    profile: NDArray[np.float64]


def brain_looks(images: Mapping[Sequence, _Image], brain_kji: _Mask) -> dict[Sequence, BrainLook]:
    """Look at registered images of one brain.

    Parameters
    ----------
    images
        (k, j, i) intensities on one grid of 1 mm cubes, 0 where an image has no data.
    brain_kji
        Where the brain is.

    Returns
    -------
    dict
        Empty for an image that shows too little of the brain.
    """
    if not brain_kji.any():
        return {}
    box = ndimage.find_objects(brain_kji.astype(np.uint8))[0]
    brain = _block_mean(brain_kji[box].astype(np.float32)) > 0.5
    depth_mm = _depth_mm(brain, _BLOCK_MM)
    looks = {}
    for key, image in images.items():
        values, present = _halved(image[box], brain_kji[box])
        present &= brain
        if np.count_nonzero(present & (depth_mm > _INNER_MM)) >= _MIN_VOXELS:
            looks[key] = _look(values, present, depth_mm, _FINE_MM / _BLOCK_MM)
    return looks


def pair_features(one: BrainLook, other: BrainLook) -> NDArray[np.float64]:
    """Return in what two images differ; the same with opposite signs where they change places.

    Returns
    -------
    ndarray
        All 0 where the images do not show the same anatomy. Differences of the profiles; tails and
        skewness of the difference of the images; and those of its fine part, where contrast agent
        shows.
    """
    inner = one.inner_kji & other.inner_kji
    a, b = one.levels_kji[inner], other.levels_kji[inner]
    if len(a) < _MIN_VOXELS or not _related(a, b):
        return np.zeros(len(one.profile) + 9)
    broad = np.clip(a, *_WEIGHTING_LEVELS) - np.clip(b, *_WEIGHTING_LEVELS)
    sharp = a - b
    fine = one.fine_kji[inner] - other.fine_kji[inner]
    features: NDArray[np.float64] = np.array(
        [
            *(one.profile - other.profile),
            *(_tails(broad, percent) for percent in (1, 3)),
            np.tanh(skew(broad) / 2),
            *(_tails(fine, percent) for percent in (0.1, 0.3, 1)),
            np.tanh(skew(np.clip(fine, -3, 3)) / 2),
            _tails(sharp, 0.3),
            np.tanh(skew(np.clip(sharp, -5, 5)) / 2),
        ]
    )
    # Values that are all the same have no skewness.
    np.nan_to_num(features, copy=False)
    return features


def _look(values: _Image, present: _Mask, depth_mm: _Image, fine_voxels: float) -> BrainLook:
    inner = present & (depth_mm > _INNER_MM)
    low, middle, high = np.percentile(values[inner], (25, 50, 75))
    levels = np.clip((values - middle) / max(high - low, 1e-6), *_VESSEL_LEVELS)
    levels = np.where(present, levels, 0).astype(np.float32)
    weight = ndimage.gaussian_filter(present.astype(np.float32), fine_voxels)
    fine = levels - ndimage.gaussian_filter(levels, fine_voxels) / np.maximum(weight, 1e-3)
    clipped = np.clip(levels, *_WEIGHTING_LEVELS)
    profile = [
        *np.percentile(clipped[inner], _PERCENTILES),
        np.tanh(skew(clipped[inner]) / 2),
        *(
            _median(clipped[present & (depth_mm > near) & (depth_mm <= far)])
            for near, far in _DEPTHS_MM
        ),
    ]
    return BrainLook(levels, fine, inner, np.array(profile, dtype=np.float64))


def _related(a: _Image, b: _Image) -> bool:
    every = max(1, len(a) // 20_000)
    shared = normalised_mutual_information(a[::every], b[::every], _BINS)
    return shared >= _MIN_SHARED_INFORMATION


def _median(values: _Image) -> float:
    return float(np.median(values)) if values.size else 0.0


def _tails(difference: _Image, percent: float) -> float:
    """Return how much farther the difference reaches up than down, as the log of the ratio."""
    low, middle, high = np.percentile(difference, (percent, 50, 100 - percent))
    return float(np.log(max(high - middle, 1e-6) / max(middle - low, 1e-6)))


def _halved(image: _Image, brain: _Mask) -> tuple[_Image, _Mask]:
    """Average blocks over what is brain and has data; and where most of a block is that."""
    known = (brain & (image != 0)).astype(np.float32)
    share = _block_mean(known)
    values: _Image = (_block_mean(image * known) / np.maximum(share, 1e-3)).astype(np.float32)
    return values, share > 0.5


def _block_mean(array: _Image) -> _Image:
    padded = np.pad(array, [(0, -n % _BLOCK) for n in array.shape])
    nk, nj, ni = (n // _BLOCK for n in padded.shape)
    blocks = padded.reshape(nk, _BLOCK, nj, _BLOCK, ni, _BLOCK)
    mean: _Image = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    return mean


def _depth_mm(brain: _Mask, spacing_mm: float) -> _Image:
    distance = ndimage.distance_transform_edt(np.pad(brain, 1))[1:-1, 1:-1, 1:-1]
    depth: _Image = ((distance - 0.5) * spacing_mm).astype(np.float32)
    return depth
