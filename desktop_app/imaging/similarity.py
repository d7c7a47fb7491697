"""How well two images agree."""

import numpy as np
from numpy.typing import NDArray


def normalised_mutual_information(
    one: NDArray[np.floating], other: NDArray[np.floating], bins: int = 32
) -> float:
    """Return the mutual information of paired values, 0 (independent) to 1 (one tells the other).

    2 I / (H₁ + H₂), the symmetric uncertainty (Witten & Frank 2005, p. 291), over equally filled
    bins, so that neither scale nor offset of the intensities matters.

    Parameters
    ----------
    one, other
        Values at the same n points.
    bins
        Number of bins for each.
    """
    return binned_mutual_information(_ranked(one, bins), _ranked(other, bins), bins)


def binned_mutual_information(one: NDArray[np.intp], other: NDArray[np.intp], bins: int) -> float:
    """Return the same for values that are numbers of bins already, 0 to `bins` − 1."""
    joint = np.bincount(one * bins + other, minlength=bins * bins).reshape(bins, bins) / len(one)
    p_one, p_other = joint.sum(axis=1), joint.sum(axis=0)
    entropies = _entropy(p_one) + _entropy(p_other)
    if entropies <= 0:
        return 0.0
    return float(2 * (entropies - _entropy(joint.ravel())) / entropies)


def _ranked(values: NDArray[np.floating], bins: int) -> NDArray[np.intp]:
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, values)


def _entropy(probabilities: NDArray[np.float64]) -> float:
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())
