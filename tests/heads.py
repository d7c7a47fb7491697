"""A head of ellipsoids: scalp, bone, fluid, brain, a tumour at its edge; quick to make."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume

# air, scalp, bone, fluid, white matter, grey matter, tumour, face
_SIGNALS = {
    Sequence.T1: (2, 140, 8, 28, 110, 80, 60, 90),
    Sequence.T1C: (2, 140, 8, 30, 112, 84, 190, 95),
    Sequence.T2: (2, 85, 8, 230, 70, 95, 150, 60),
    Sequence.FLAIR: (2, 85, 8, 22, 80, 105, 170, 65),
}


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Images on one grid, and where the brain (with its tumour) and the tumour are."""

    images: dict[Sequence, Volume]
    brain: NDArray[np.bool_]
    tumour: NDArray[np.bool_]
    geometry: Geometry


def make_head(spacing_mm: float = 2.0, seed: int = 0, *, noise: float = 3.0) -> Head:
    """Return a head of adult size with a neck, 240 × 220 × 180 mm, looking towards −P."""
    shape = tuple(int(n / spacing_mm) for n in (220, 240, 190))
    centre = np.array([130.0, 118.0, 95.0])
    kji = np.stack(np.meshgrid(*[np.arange(n) * spacing_mm for n in shape], indexing="ij"), -1)
    offset = kji - centre

    def ellipsoid(s: float, p: float, lateral: float) -> NDArray[np.float64]:
        return np.linalg.norm(offset / (s, p, lateral), axis=-1)

    labels = np.zeros(shape, dtype=np.uint8)
    face = np.linalg.norm((offset - (-60, -45, 0)) / (60, 50, 50), axis=-1) <= 1
    neck = (np.linalg.norm((offset / (1, 55, 50))[..., 1:], axis=-1) <= 1) & (offset[..., 0] < -40)
    labels[face | neck] = 7
    labels[ellipsoid(82, 100, 80) <= 1] = 1
    labels[ellipsoid(76, 93, 74) <= 1] = 2
    labels[ellipsoid(69, 86, 67) <= 1] = 3
    brain = ellipsoid(65, 82, 63) <= 1
    labels[brain] = 5
    labels[ellipsoid(59, 76, 57) <= 1] = 4
    labels[ellipsoid(14, 28, 12) <= 1] = 3
    tumour = (np.linalg.norm(offset - (15, -20, 48), axis=-1) <= 17) & brain
    labels[tumour] = 6
    geometry = Geometry(shape, np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0]))
    rng = np.random.default_rng(seed)
    images = {}
    for sequence, signals in _SIGNALS.items():
        clean = ndimage.gaussian_filter(np.array(signals, dtype=np.float32)[labels], 0.6)
        noisy = np.abs(clean + noise * rng.standard_normal(shape))
        images[sequence] = Volume(noisy.astype(np.float32), geometry)
    return Head(images, brain, tumour, geometry)


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))
