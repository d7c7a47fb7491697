"""The measures agree with MONAI, with DeepMind's surface-distance, and with plain counting."""

import numpy as np
import pytest
import surface_distance
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from monai.metrics import DiceMetric, HausdorffDistanceMetric
from scipy import ndimage

from model.evaluate.metrics import dice, score, surface_measures

SPACING = (1.0, 1.5, 0.8)
SMALL = st.tuples(*[st.integers(1, 5)] * 3)


@st.composite
def pairs_of_masks(draw):
    shape = draw(SMALL)
    return tuple(draw(arrays.arrays(np.bool_, shape)) for _ in range(2))


def blobs(seed):
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(28, 26, 30)), 3)
    predicted = smooth > np.quantile(smooth, 0.8)
    reference = np.roll(smooth, (1, 0, -2), axis=(0, 1, 2)) > np.quantile(smooth, 0.83)
    return predicted, reference


def as_batch(mask):
    return torch.from_numpy(mask)[None, None].float()


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
@pytest.mark.parametrize("seed", range(3))
def test_dice_and_hausdorff_are_monais(seed):
    predicted, reference = blobs(seed)
    overlap = DiceMetric()(as_batch(predicted), as_batch(reference))
    distance = HausdorffDistanceMetric(percentile=95)(
        as_batch(predicted), as_batch(reference), spacing=SPACING
    )
    ours = score(predicted, reference, SPACING)
    assert ours.dice == pytest.approx(float(overlap), rel=1e-5)
    assert ours.hd95_mm == pytest.approx(float(distance), rel=1e-4)


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@pytest.mark.parametrize("seed", range(3))
def test_surfaces_are_nearly_those_of_surface_distance(seed):
    """Its surfaces lie between voxels and weigh by area: the same within a part of a voxel."""
    predicted, reference = blobs(seed)
    surfaces = surface_distance.compute_surface_distances(reference, predicted, SPACING)
    theirs_mm = surface_distance.compute_robust_hausdorff(surfaces, 95)
    theirs = surface_distance.compute_surface_dice_at_tolerance(surfaces, 1.0)
    hd95_mm, surface_dice = surface_measures(predicted, reference, SPACING)
    assert hd95_mm == pytest.approx(theirs_mm, abs=0.5 * max(SPACING))
    assert surface_dice == pytest.approx(theirs, abs=0.06)


@settings(max_examples=60)
@given(pairs_of_masks())
def test_dice_is_what_counting_gives(masks):
    predicted, reference = masks
    both = sum(bool(p and r) for p, r in zip(predicted.flat, reference.flat, strict=True))
    size = sum(map(int, predicted.flat)) + sum(map(int, reference.flat))
    assert dice(predicted, reference) == (2 * both / size if size else 1.0)


@settings(max_examples=60)
@given(pairs_of_masks())
def test_surface_measures_are_what_every_pair_of_voxels_gives(masks):
    predicted, reference = masks
    if not predicted.any() or not reference.any():
        return
    there, back = (_nearest(a, b) for a, b in ((predicted, reference), (reference, predicted)))
    hd95_mm, surface_dice = surface_measures(predicted, reference, SPACING)
    assert hd95_mm == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    close = (there <= 1.0).sum() + (back <= 1.0).sum()
    assert surface_dice == pytest.approx(close / (there.size + back.size))


def _nearest(source, target):
    points = [np.argwhere(_surface(mask)) * SPACING for mask in (source, target)]
    apart = np.linalg.norm(points[0][:, None] - points[1][None], axis=-1)
    return apart.min(axis=1)


def _surface(mask):
    padded = np.pad(mask, 1)
    surface = np.zeros_like(mask)
    for index in np.argwhere(mask):
        k, j, i = index + 1
        neighbours = (
            padded[k - 1, j, i],
            padded[k + 1, j, i],
            padded[k, j - 1, i],
            padded[k, j + 1, i],
            padded[k, j, i - 1],
            padded[k, j, i + 1],
        )
        surface[tuple(index)] = not all(neighbours)
    return surface


@settings(max_examples=30)
@given(pairs_of_masks())
def test_swapping_the_two_changes_nothing_but_the_names(masks):
    one, other = score(*masks, SPACING), score(*reversed(masks), SPACING)
    assert one.dice == other.dice
    assert one.hd95_mm == other.hd95_mm
    assert one.surface_dice == pytest.approx(other.surface_dice)
    assert one.reference_mm3 == other.predicted_mm3
