"""What lies at a point: the read-out below the views."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ui.viewers.planes import position_text
from ui.viewers.reslice import ResliceSource
from ui.viewers.slice_texts import number_text


def probe_text(
    point_lps_mm: NDArray[np.float64],
    image: ResliceSource | None,
    unit: str,
    labels: ResliceSource | None,
    names: Mapping[int, str],
) -> str:
    """Return position, image value and label as one line.

    The value is that of the voxel itself, not interpolated.
    """
    parts = [position_text(point_lps_mm)]
    if image is not None:
        value = image.value_at(point_lps_mm)
        shown = "outside the image" if value is None else f"{number_text(value)} {unit}".strip()
        parts.append(shown)
    if labels is not None:
        label = labels.value_at(point_lps_mm)
        if label:
            parts.append(names.get(int(label), f"label {int(label)}"))
    return "   ·   ".join(parts)
