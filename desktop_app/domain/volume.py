"""An image with its place in the patient."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry

SIDES_UNKNOWN = (
    "The file does not say how the head lies in it: left and right cannot be told and may be "
    "swapped."
)
"""The note of an image whose header leaves its orientation open."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Volume:
    """Voxel values on a grid; the array becomes read-only.

    Parameters
    ----------
    array_kji
        (k, j, i) values; stored as given (int16, float32, uint8 ...), never writeable again.
    geometry
        The grid the values lie on.
    unit
        Unit of the values, empty for arbitrary MR intensities.
    source
        Where the values come from, for people: a series description or a file name.
    notes
        One plain sentence each: what was repaired or assumed while loading.

    Raises
    ------
    ValueError
        If the array's shape is not the geometry's.
    """

    array_kji: NDArray[Any]
    geometry: Geometry
    unit: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        array = np.asarray(self.array_kji)
        if array.shape != self.geometry.shape_kji:
            raise ValueError(f"array is {array.shape}, its geometry {self.geometry.shape_kji}")
        if array.flags.writeable:
            array = array.view()
            array.setflags(write=False)
        object.__setattr__(self, "array_kji", array)
