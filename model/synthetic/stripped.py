"""What a brain extractor keeps of a simulated head."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.synthetic.phantom import HeadPhantom
from model.synthetic.tissues import BRAIN_TISSUES, Tissue

_CSF_KEPT_MM = 1.2
_CLOSED_MM = 6.0
_LOWEST_MM = -62.0


def brain_mask(phantom: HeadPhantom) -> NDArray[np.bool_]:
    """Brain with its ventricles and the CSF in its sulci, as a brain extractor keeps it.

    Brainstem below the cerebellum is cut off where BraTS cuts it, at the foramen magnum.
    """
    spacing = phantom.box.spacing_mm
    _, _, z = phantom.box.axes_mm()
    is_brain = np.zeros(max(Tissue) + 1, dtype=bool)
    is_brain[list(BRAIN_TISSUES)] = True
    tissue = is_brain[phantom.tissues_kji] & (z > _LOWEST_MM)
    reach = max(1, round(_CLOSED_MM / spacing))
    found = ndimage.find_objects(tissue.astype(np.uint8))[0]
    room = tuple(slice(max(s.start - reach - 2, 0), s.stop + reach + 2) for s in found)
    closed = ndimage.binary_closing(tissue[room], iterations=reach)
    filled = ndimage.binary_fill_holes(closed | tissue[room])
    grown = ndimage.binary_dilation(filled, iterations=max(1, round(_CSF_KEPT_MM / spacing)))
    parts, _ = ndimage.label(grown)
    mask = np.zeros(tissue.shape, dtype=bool)
    mask[room] = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return mask
