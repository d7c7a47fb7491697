"""Regions completed from a few strokes in each, and in what surrounds them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from desktop_app.imaging.morphology import Mask

Seeds = NDArray[np.uint8]
Images = Sequence[NDArray[np.floating]]

_BINS = 32
# So many bins around what a stroke crossed count as alike.
_ALIKE_BINS = 3.0
# Of each region: what no stroke looked like is possible in all of them.
_UNSEEN = 0.02
# How much the looks of a voxel count beside its neighbours.
_LOOKS = 0.02
# A step as large as this many usual ones is an edge.
_EDGE = 1.0
_LEAST_WEIGHT = 1e-3
_TOLERANCE, _MOST_STEPS = 1e-3, 300


def grown(
    images: Images, seeds: Seeds, domain: Mask, spacing_mm: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Return how likely each voxel belongs to each kind of seed.

    A random walker (Grady 2006, doi 10.1109/TPAMI.2006.233) that crosses edges of the images
    unwillingly, from voxels that look like seeds of a kind towards it (the priors of Grady 2005,
    doi 10.1109/CVPR.2005.239): how often each combination of grey values was crossed by seeds of
    a kind says how likely others like it are of that kind.

    Parameters
    ----------
    images
        (k, j, i) each, on one grid.
    seeds
        (k, j, i) the kinds, counted from 1 without a gap; 0 where there is none.
    domain
        Where a walker may go; all seeds lie in it.

    Returns
    -------
    ndarray
        (kind, k, j, i) float32, 0 outside the domain; the first for kind 1.
    """
    at, kinds = seeds[domain], int(seeds.max())
    greys = np.array([_scaled(image[domain], at) for image in images])
    likely = _likely(greys, at, kinds)
    weights = _weights(greys, domain, spacing_mm)
    free = at == 0
    to_free, to_seeds = weights[free][:, free], weights[free][:, ~free]
    total = np.asarray(weights.sum(axis=1)).ravel()[free] + _LOOKS
    chances = np.zeros((kinds, len(at)), np.float32)
    for kind in range(1, kinds):  # they add up to one
        pulled = to_seeds @ (at[~free] == kind) + _LOOKS * likely[kind - 1, free]
        chances[kind - 1, free] = _solved(to_free, total, pulled, likely[kind - 1, free])
        chances[kind - 1, at == kind] = 1.0
    chances[-1] = 1.0 - chances[:-1].sum(axis=0)
    result = np.zeros((kinds, *domain.shape), np.float32)
    result[:, domain] = chances
    return result


def _scaled(values: NDArray[np.floating], at: Seeds) -> NDArray[np.float64]:
    """Return values from 0 to 1, with room for those of every kind, however few."""
    ends = np.array([np.percentile(values[at == kind], (1, 99)) for kind in np.unique(at)])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    scaled: NDArray[np.float64] = np.clip((values - low) / max(high - low, 1e-6), 0.0, 1.0)
    return scaled


def _likely(greys: NDArray[np.float64], at: Seeds, kinds: int) -> NDArray[np.float64]:
    """Return (kind, voxel) how likely each voxel is of each kind by its grey values alone."""
    shape = (_BINS,) * len(greys)
    bins = np.minimum((greys * _BINS).astype(int), _BINS - 1)
    flat = np.ravel_multi_index(tuple(bins), shape)
    likely = []
    for kind in range(1, kinds + 1):
        counted = np.bincount(flat[at == kind], minlength=_BINS ** len(greys)).astype(np.float64)
        spread = ndimage.gaussian_filter(counted.reshape(shape), _ALIKE_BINS, mode="nearest")
        share = spread.ravel() / counted.sum() + _UNSEEN / counted.size
        likely.append(share[flat])
    result: NDArray[np.float64] = np.array(likely) / np.sum(likely, axis=0)
    return result


def _weights(
    greys: NDArray[np.float64], domain: Mask, spacing_mm: tuple[float, float, float]
) -> sparse.csr_array:
    """Return (voxel, voxel) how easily a walker goes from each voxel to its six neighbours."""
    number = np.full(domain.shape, -1)
    number[domain] = np.arange(greys.shape[1])
    pairs, near = [], []
    for axis, mm in enumerate(spacing_mm):
        along = np.moveaxis(number, axis, 0)
        pair = np.array([along[:-1].ravel(), along[1:].ravel()])
        pair = pair[:, (pair >= 0).all(axis=0)]
        pairs.append(pair)
        near.append(np.full(pair.shape[1], (min(spacing_mm) / mm) ** 2))
    one, two = np.concatenate(pairs, axis=1)
    steps = ((greys[:, one] - greys[:, two]) ** 2).sum(axis=0)
    usual = float(np.median(steps[steps > 0])) if steps.any() else 1.0
    weight = np.concatenate(near) * (np.exp(-steps / (2 * _EDGE**2 * usual)) + _LEAST_WEIGHT)
    count = greys.shape[1]
    ends = (np.concatenate([one, two]), np.concatenate([two, one]))
    return sparse.coo_array((np.concatenate([weight, weight]), ends), (count, count)).tocsr()


def _solved(
    between: sparse.csr_array,
    total: NDArray[np.float64],
    pulled: NDArray[np.float64],
    first: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Solve (diagonal of `total` − `between`) x = `pulled` by conjugate gradients."""
    x = first.copy()
    left = pulled - (total * x - between @ x)
    step = left / total
    size, enough = left @ step, _TOLERANCE * np.linalg.norm(pulled)
    for _ in range(_MOST_STEPS):
        if np.linalg.norm(left) <= enough:
            break
        moved = total * step - between @ step
        share = size / (step @ moved)
        x += share * step
        left -= share * moved
        scaled = left / total
        size, before = left @ scaled, size
        step = scaled + (size / before) * step
    return x
