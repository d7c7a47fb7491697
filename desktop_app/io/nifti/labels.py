"""Label maps among NIfTI files: known by their header or their voxels, whatever they are named."""

import gzip
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

# nifti1.h: NIFTI_INTENT_LABEL
LABEL_INTENT = 1002
# No image has so few values, and few label maps have more that are not known by their intent.
_MOST_LABELS = 8
MOST_PARTS = 32
"""How many values beside the background can be taken over from a file that is known to be one."""

_LARGEST_LABEL = 255
# Enough of the edge of an image to meet as many values.
_CHUNK_BYTES = 1 << 16
_UNREADABLE = (OSError, EOFError, ValueError, zlib.error)


def holds_labels(path: Path, *, is_named_image: bool, most_values: int = _MOST_LABELS) -> bool:
    """Whether a NIfTI file holds labels: a few small whole numbers, or what its header calls so.

    Parameters
    ----------
    path
        A file whose header can be read.
    is_named_image
        Whether its name tells a sequence. Then only voxels of one byte are looked at, which
        scanners do not write, so that large collections of images open as fast as before.
    most_values
        How many different values labels have at most, the background's among them.

    Returns
    -------
    bool
        ``False`` too where all voxels are alike, or cannot be read: loading tells what is wrong.
    """
    image: Any = nibabel.load(path)
    header = image.header
    if "intent_code" in header and int(header["intent_code"]) == LABEL_INTENT:
        return True
    dtype = image.dataobj.dtype
    if is_named_image and dtype.itemsize > 1:
        return False
    found: set[float] = set()
    compressed = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path) if compressed else path.open("rb") as file:
            file.seek(image.dataobj.offset)
            while chunk := file.read(_CHUNK_BYTES):
                values = np.frombuffer(
                    chunk[: len(chunk) // dtype.itemsize * dtype.itemsize], dtype
                )
                found.update(np.unique(values).tolist())
                if len(found) > most_values:
                    return False
    except _UNREADABLE:
        return False
    are_small = all(0 <= value <= _LARGEST_LABEL and value == int(value) for value in found)
    return are_small and len(found) > 1
