"""A checksum of labels, by which they are known again."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.axes import turned
from desktop_app.domain.geometry import Geometry

_LPS = np.eye(3)


def labels_checksum(labels_kji: NDArray[np.uint8], geometry: Geometry) -> str:
    """Return the SHA-256 of labels, the same in whatever order their axes are stored."""
    upright_kji, _ = turned(labels_kji, geometry, _LPS)
    checksum = hashlib.sha256(repr(upright_kji.shape).encode("ascii"))
    checksum.update(upright_kji.tobytes())
    return checksum.hexdigest()
