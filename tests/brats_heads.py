"""Simulated patients in the form of BraTS: co-registered, brain extracted, labelled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.spec import Sequence
from model.synthetic.acquisition import receive
from model.synthetic.phantom import HeadPhantom, simulate
from model.synthetic.signal import PROTOCOLS
from model.synthetic.stripped import brain_mask

_MARGIN_MM = 6.0
_WHITE_MATTER = 400.0
# Registration to an atlas interpolates; in voxels.
_BLUR = 0.55


@dataclass(frozen=True, slots=True, eq=False)
class BratsCase:
    """T1, T1c, T2 and FLAIR, exactly 0 outside the brain; labels 1 NCR, 2 ED, 3 ET."""

    channels_ckji: NDArray[np.float32]
    labels_kji: NDArray[np.uint8]
    affine_lps_mm: NDArray[np.float64]


def as_brats_case(phantom: HeadPhantom, seed: int, *, noise: float = 0.03) -> BratsCase:
    """Picture a head on the grid of the phantom, cropped to its brain.

    `seed` is that of noise and shading; `noise` is relative to white matter.
    """
    mask = brain_mask(phantom)
    margin = round(_MARGIN_MM / phantom.box.spacing_mm)
    crop = tuple(
        slice(max(part.start - margin, 0), part.stop + margin)
        for part in ndimage.find_objects(mask.astype(np.uint8))[0]
    )
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    channels = []
    for sequence in Sequence:
        clean = ndimage.gaussian_filter(simulate(phantom, PROTOCOLS[sequence])[crop], _BLUR)
        received = receive(clean, rng, noise=noise, shading=0.1)
        channels.append(np.where(mask[crop], np.maximum(received, 1e-3) * _WHITE_MATTER, 0))
    affine = phantom.affine_lps_mm
    affine[:3, 3] += [part.start * phantom.box.spacing_mm for part in reversed(crop)]
    return BratsCase(
        np.stack(channels).astype(np.float32), phantom.tumour_kji[crop] * mask[crop], affine
    )
