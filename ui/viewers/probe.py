"""What lies at a point: the read-out below the views."""

from collections.abc import Mapping
from collections.abc import Sequence as Many
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ui.viewers.planes import position_text
from ui.viewers.reslice import ResliceSource
from ui.viewers.slice_texts import number_text


class Probed(NamedTuple):
    """An image whose value is told, with its unit, and its name where there are several."""

    source: ResliceSource
    unit: str
    name: str = ""


def probe_text(
    point_lps_mm: NDArray[np.float64],
    images: Many[Probed],
    labels: ResliceSource | None,
    names: Mapping[int, str],
) -> str:
    """Return position, image values and label as one line.

    Values are those of the voxels themselves, not interpolated.
    """
    parts = [position_text(point_lps_mm)]
    for source, unit, name in images:
        value = source.value_at(point_lps_mm)
        told = "outside the image" if value is None else f"{number_text(value)} {unit}"
        parts.append(f"{name} {told}".strip())
    if labels is not None:
        label = labels.value_at(point_lps_mm)
        if label:
            parts.append(names.get(int(label), f"label {int(label)}"))
    return "   ·   ".join(parts)
