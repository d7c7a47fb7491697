"""Dural folds, venous sinuses and arteries: what lights up with contrast in a healthy head."""

import numpy as np

from model.synthetic.canvas import Canvas
from model.synthetic.cortex import Cortex
from model.synthetic.fields import FloatArray, Point, capsule, mirrored, slope, smooth_noise
from model.synthetic.head import tentorium
from model.synthetic.tissues import Tissue

# Ends and radii in millimetres: carotid, middle, anterior and posterior cerebral arteries;
# transverse and sigmoid sinus.
_PAIRED: tuple[tuple[Point, Point, float, float], ...] = (
    ((13, -2, -34), (11, -6, -22), 2.2, 2.1),
    ((11, -6, -22), (10, -3, -15), 2.1, 2.0),
    ((10, -3, -15), (30, -6, -13), 1.7, 1.4),
    ((30, -6, -13), (38.5, 6, -2), 1.3, 1.1),
    ((10, -3, -15), (3, -16, -12), 1.3, 1.2),
    ((3, -16, -12), (1.5, -38, 6), 1.2, 1.1),
    ((2, 11, -13), (18, 26, -9), 1.3, 1.1),
    ((2, 101, -9), (28, 92, -13), 3.0, 3.2),
    ((28, 92, -13), (47, 72, -19), 3.2, 3.2),
    ((47, 72, -19), (50, 48, -25), 3.2, 3.4),
    ((50, 48, -25), (42, 34, -44), 3.4, 3.6),
)
# Basilar artery, the vein of Galen with the straight sinus.
_UNPAIRED: tuple[tuple[Point, Point, float, float], ...] = (
    ((0, 13, -44), (0, 10, -14), 1.9, 1.7),
    ((0, 40, 7), (0, 50, 5.5), 1.8, 2.2),
    ((0, 50, 5.5), (0, 95, -7), 2.2, 2.6),
)


def paint_vessels(
    canvas: Canvas, cavity_mm: FloatArray, cortex: Cortex, rng: np.random.Generator
) -> None:
    """Paint falx, tent, sinuses, the large arteries, and small vessels on the cortex.

    Parameters
    ----------
    canvas
        Holds the brain.
    cavity_mm
        Signed distance to the inside of the skull, on the canvas' grid.
    cortex
        The folded surface.
    rng
        Source of randomness.
    """
    _paint_small_vessels(canvas, cortex, rng)
    _paint_folds(canvas, cavity_mm)
    for start, stop, first, last in _PAIRED + _UNPAIRED:
        reach = max(start[0], stop[0]) + 3
        lower = (-reach, min(start[1], stop[1]) - 3, min(start[2], stop[2]) - 3)
        upper = (reach, max(start[1], stop[1]) + 3, max(start[2], stop[2]) + 3)
        window = canvas.window(lower, upper)
        rod = capsule(mirrored(canvas.points_in(window)), (start, stop), (first, last))
        canvas.paint(Tissue.BLOOD, canvas.coverage(rod), window)


def _paint_folds(canvas: Canvas, cavity_mm: FloatArray) -> None:
    """Falx and tent, and the sinus in the root of the falx."""
    window = canvas.window((-62, -74, -42), (62, 112, 84))
    x, y, z = canvas.points_in(window)
    cavity = cavity_mm[window]
    brainless = canvas.primary_kji[window] == Tissue.CSF
    height = np.abs(tentorium((x, y, z)))
    behind = np.maximum(np.float32(50) - y, 0)
    tent = np.maximum(height - np.float32(0.4), behind)
    outside_arch = np.float32(1.2) - np.hypot((y - 5) / np.float32(41), (z - 2) / np.float32(27))
    falx = np.maximum(np.abs(x) - np.float32(0.4), outside_arch * np.float32(20))
    falx = np.maximum(falx, -(z + np.float32(8)))
    folds = canvas.coverage(np.minimum(falx, tent)) * brainless
    canvas.paint(Tissue.DURA, folds, window)
    # Triangular in section, the base on the skull.
    deep = cavity + np.float32(4) + y * np.float32(0.02)
    sinus = np.maximum(np.abs(x) - np.float32(0.65) * deep, -deep)
    sinus = np.maximum(np.maximum(sinus, cavity), -(z + np.float32(6)))
    canvas.paint(Tissue.BLOOD, canvas.coverage(sinus), window)


def _paint_small_vessels(canvas: Canvas, cortex: Cortex, rng: np.random.Generator) -> None:
    """Veins that wander over the brain's surface and arteries that run along its sulci."""
    _, box = canvas.coarse(cortex.window)
    course = smooth_noise(rng, box, 15)
    aside = canvas.to_fine(course) / canvas.to_fine(slope(course, box.spacing_mm))
    present = canvas.to_fine(smooth_noise(rng, box, 24))
    veins = np.hypot(aside, cortex.depth_mm + np.float32(0.7)) - np.float32(1.0)
    veins = np.maximum(veins, np.float32(0.5) - present)
    level = np.float32(5) + np.float32(4) * present
    arteries = np.hypot(cortex.wall_mm, cortex.depth_mm - level) - np.float32(0.75)
    arteries = np.maximum(arteries, np.float32(0.5) - np.abs(present))
    vessels = np.maximum(np.minimum(veins, arteries), cortex.hull_mm - np.float32(1.8))
    canvas.paint(Tissue.BLOOD, canvas.coverage(vessels), cortex.window)
