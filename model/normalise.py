"""Intensity normalisation, the same for training, evaluation and clinical use."""

from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import UnusableImage
from model.spec import SEQUENCES, FloatArray

CLIP_LOW: Final = -5.0
CLIP_HIGH: Final = 10.0
"""Normalised intensities beyond these are artefacts (spikes, scalp left over), not tissue."""


def normalise(images_ckji: npt.NDArray[np.generic]) -> FloatArray:
    """Bring each sequence to zero mean and unit deviation over its brain voxels.

    Voxels that are exactly zero in a channel stay zero; a channel that is zero everywhere (a
    missing sequence) stays zero everywhere, which is how the network was trained to be told so.
    Nothing depends on how much empty space surrounds the brain.

    Parameters
    ----------
    images_ckji
        Raw intensities, shape ``(4, k, j, i)``, channels as in
        :data:`model.spec.SEQUENCES`, exact zero outside the brain.

    Returns
    -------
    FloatArray
        Same shape, float32, within ``[CLIP_LOW, CLIP_HIGH]``.

    Raises
    ------
    ValueError
        If the shape is wrong or a value is not finite.
    UnusableImage
        If every channel is empty.
    """
    if images_ckji.ndim != 4 or images_ckji.shape[0] != len(SEQUENCES):
        msg = f"expected (4, k, j, i) intensities, got shape {images_ckji.shape}"
        raise ValueError(msg)
    normalised = np.zeros(images_ckji.shape, dtype=np.float32)
    empty = True
    for channel, source in zip(normalised, images_ckji, strict=True):
        inside = source != 0
        values = source[inside].astype(np.float32)
        if values.size == 0:
            continue
        empty = False
        mean = float(values.mean(dtype=np.float64))
        deviation = float(values.std(dtype=np.float64))
        if not np.isfinite(mean) or not np.isfinite(deviation):
            msg = "intensities must be finite numbers"
            raise ValueError(msg)
        channel[inside] = np.clip((values - mean) / max(deviation, 1e-6), CLIP_LOW, CLIP_HIGH)
    if empty:
        msg = "every sequence is zero everywhere: there is no brain to segment"
        raise UnusableImage(msg)
    return normalised
