"""Patients that a network never read, made up: a truth, and an answer that misses it a little."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.evaluate.out_of_fold import Conditions, OutOfFold, codes_of

SHAPE = (30, 34, 32)
CONDITIONS = Conditions(weights_sha256="0" * 64, mirror=False)


def made_up_patient(seed: int, *, enhances: bool = True, error: float = 0.8) -> OutOfFold:
    """Nested blobs and probabilities that rise across their borders, shifted by chance.

    Parameters
    ----------
    error
        Standard deviation in voxels by which the answer's borders are off.
    """
    rng = np.random.default_rng(seed)
    centre = np.array(SHAPE) / 2 + rng.uniform(-2, 2, 3)
    apart = np.linalg.norm(np.moveaxis(np.indices(SHAPE), 0, -1) - centre, axis=-1)
    apart += ndimage.gaussian_filter(rng.normal(0, 8, SHAPE), 3)
    radii = {"WT": rng.uniform(9, 12), "TC": rng.uniform(5.5, 7.5), "ET": rng.uniform(3, 4.5)}
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for region, label in (("WT", 2), ("TC", 1), ("ET", 3)):
        if region != "ET" or enhances:
            labels[apart < radii[region]] = label
    probabilities = np.stack(
        [_answer(apart, radii[region] + rng.normal(0, error)) for region in ("TC", "WT", "ET")]
    )
    if not enhances:
        # A few voxels that are almost certain, as networks have them.
        probabilities[2] = 0.01
        probabilities[2, 14:16, 16:18, 15:18] = 0.9
    statistics = {"T1 roughness": rng.normal(), "brain volume": rng.normal()}
    return OutOfFold(
        f"P{seed:02}", CONDITIONS, codes_of(probabilities), labels, (1.0, 1.0, 1.0), statistics
    )


def _answer(apart: NDArray[np.float64], radius: float) -> NDArray[Any]:
    # Twice too certain: what is said to be 0.88 is true for 0.73.
    return 1 / (1 + np.exp(-2.0 * (radius - apart)))
