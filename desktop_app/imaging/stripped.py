"""Whether an image comes without the skull, and what its empty voxels hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.volume import Volume
from desktop_app.imaging.morphology import filled, largest_part

# Measured: brains alone fill 1.1 to 1.9 litres and 146 to 195 cm² of their widest axial slice,
# whole heads at least 3.4 litres and 230 cm².
_MAX_BRAIN_LITRES = 2.3
_MAX_BRAIN_AREA_CM2 = 215.0
_MIN_EMPTY_SHARE = 0.15
_LOOK_MM = 2.0
# Air that is not constant: of the edge, some may be tissue.
_AIR_PERCENTILE = 1


def background_value(volume: Volume) -> float:
    """Return the value that fills the edge of the image if one does, else 0."""
    filling = _filling(_faces(volume))
    return 0.0 if filling is None else filling


def air_value(volume: Volume) -> float:
    """Return about what the image holds where there is nothing; files differ by an offset."""
    faces = _faces(volume)
    filling = _filling(faces)
    return float(np.percentile(faces, _AIR_PERCENTILE)) if filling is None else filling


def _faces(volume: Volume) -> NDArray[Any]:
    array = volume.array_kji
    return np.concatenate(
        [array[[0, -1]].ravel(), array[:, [0, -1]].ravel(), array[:, :, [0, -1]].ravel()]
    )


def _filling(faces: NDArray[Any]) -> float | None:
    values, counts = np.unique(faces, return_counts=True)
    most = int(np.argmax(counts))
    return float(values[most]) if counts[most] > 0.5 * faces.size else None


def is_brain_extracted(volume: Volume) -> bool:
    """Whether skull and scalp have been taken out of the image already.

    Told by what is left: the background holds one constant value, and the rest, cavities filled,
    has the size of a brain and not of a head.

    Parameters
    ----------
    volume
        Any MR image of a head, in any orientation; may be a slab.
    """
    present = volume.array_kji != background_value(volume)
    if np.mean(present) > 1 - _MIN_EMPTY_SHARE:
        return False
    stride_kji = [max(1, int(_LOOK_MM / spacing)) for spacing in volume.geometry.spacing_mm]
    look = present[:: stride_kji[0], :: stride_kji[1], :: stride_kji[2]]
    spacing_kji = np.array(volume.geometry.spacing_mm) * stride_kji
    body = filled(largest_part(look))
    # The axis of the array that runs most nearly from foot to head.
    axis = 2 - int(np.argmax(np.abs(volume.geometry.direction_lps[2])))
    others = tuple(n for n in range(3) if n != axis)
    areas_cm2 = body.sum(axis=others) * spacing_kji[list(others)].prod() / 100
    litres = float(areas_cm2.sum() * spacing_kji[axis] / 1e4)
    # The area tells a slab of a head, which holds no more than a whole brain.
    return bool(litres <= _MAX_BRAIN_LITRES and areas_cm2.max() <= _MAX_BRAIN_AREA_CM2)
