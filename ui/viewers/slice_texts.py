"""The texts a slice view writes: where the slice lies, how it is windowed."""

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from ui.viewers.planes import PlaneFrame, direction_letters
from ui.viewers.window_level import Window

# Beyond what rounding of headers and a rotation by registration bring about.
_COARSER = 1.1


def number_text(value: float) -> str:
    """Return a number with as many decimals as its size deserves."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.3g}"


def window_text(window: Window) -> str:
    """Return width and centre as radiology writes them."""
    return f"W {number_text(window.width)}  L {number_text(window.center)}"


def position_lines(
    frame: PlaneFrame,
    step: int,
    cursor_lps_mm: NDArray[np.float64],
    image: Geometry | None = None,
) -> tuple[str, ...]:
    """Return the slice's number, and its position along the axis it is named after.

    The position is that of the crosshair on the slice, which on oblique grids matters. A third line
    tells where the image itself has fewer slices than are shown.

    Parameters
    ----------
    image
        Grid of the image shown, if there is one.
    """
    u_mm, v_mm, _ = frame.to_uvw_mm(cursor_lps_mm)
    through = frame.spacing_mm[2]
    point = frame.to_patient_mm(u_mm, v_mm, step * through)
    forward = np.array(frame.plane.forward_lps, dtype=np.float64)
    value = round(float(point @ forward), 1)
    letter = direction_letters(forward if value >= 0 else -forward)
    lines = (
        f"Slice {frame.slice_number(step)} / {frame.counts[2]}",
        f"{letter} {abs(value):.1f} mm  ·  every {through:.3g} mm",
    )
    of_image = PlaneFrame.of(image, frame.plane).spacing_mm[2] if image is not None else 0.0
    if of_image <= through * _COARSER:
        return lines
    return (*lines, f"interpolated from {of_image:.3g} mm")
