"""The brain: cortex, white matter, deep nuclei, ventricles, hindbrain."""

from itertools import pairwise

import numpy as np

from model.synthetic.canvas import Canvas
from model.synthetic.cortex import Cortex, fold
from model.synthetic.fields import (
    FloatArray,
    Point,
    capsule,
    ellipsoid,
    mirrored,
    smooth_minimum,
    smooth_noise,
)
from model.synthetic.head import Body, brainstem, cerebellum, paint_body
from model.synthetic.tissues import Tissue

_CORTEX_MM = 2.6
_FOLIUM_MM = 1.6
_LEAVES = 34
# Ventricles are higher than wide.
_SQUEEZE = 1.35

_NUCLEI = (
    Body(Tissue.STRIATUM, (25.5, -3, 1), (5.5, 17, 10), paired=True),
    Body(Tissue.PALLIDUM, (19, 4, 0), (4, 9, 7), paired=True),
    Body(Tissue.STRIATUM, (13.5, -15, 8), (4.6, 9, 9), paired=True),
    Body(Tissue.STRIATUM, (16.5, 6, 18), (3.0, 16, 4), paired=True),
    Body(Tissue.THALAMUS, (10.5, 19, 7), (9.0, 14, 8.5), paired=True),
    Body(Tissue.GREY_MATTER, (25, 16, -22), (6.5, 14, 4.5), paired=True),
    Body(Tissue.GREY_MATTER, (23, 4, -20), (7, 7, 7), paired=True),
    Body(Tissue.PALLIDUM, (4.5, 20, -9), (2.6, 3, 3), paired=True),
)

# Centre lines with radii: frontal horn, body, atrium; occipital horn; temporal horn.
_VENTRICLE: tuple[tuple[tuple[Point, float], ...], ...] = (
    (
        ((14, -33, 1), 2.2),
        ((9, -24, 8), 4.2),
        ((6.3, -8, 15), 5.2),
        ((8.0, 10, 21), 5.2),
        ((14, 28, 20), 5.6),
        ((23.5, 42, 11), 7.0),
    ),
    (((23.5, 42, 11), 6.5), ((24, 68, 6), 2.2)),
    (((23.5, 42, 11), 5.5), ((33, 30, -5), 3.2), ((35, 14, -16), 2.2), ((31, 0, -19), 1.6)),
)
_CISTERNS = (
    Body(Tissue.CSF, (0, 0, -19), (11, 13, 7)),
    Body(Tissue.WHITE_MATTER, (0, -6, -15), (7, 4, 2)),
    Body(Tissue.CSF, (0, 43, 3), (9, 3.5, 4)),
    Body(Tissue.THALAMUS, (0, 39, 2), (3, 4, 3)),
    Body(Tissue.CSF, (0, 10, 0), (2.0, 13, 8)),
    Body(Tissue.THALAMUS, (0, 16, 4), (4, 3.5, 3.5)),
)


def paint_brain(canvas: Canvas, rng: np.random.Generator) -> Cortex:
    """Paint the brain into the CSF of the skull.

    Parameters
    ----------
    canvas
        To paint on.
    rng
        Source of randomness.

    Returns
    -------
    cortex
        The folded surface, for what is painted later.
    """
    window = canvas.window((-74, -76, -48), (74, 110, 82), margin_mm=4)
    cortex = fold(canvas, window, rng)
    _paint_hindbrain(canvas, rng)
    _paint_folded(canvas, cortex)
    _paint_callosum(canvas)
    for body in _NUCLEI:
        paint_body(canvas, body, softness_mm=2.5)
    for body in _CISTERNS:
        paint_body(canvas, body)
    _paint_ventricles(canvas)
    return cortex


def _paint_folded(canvas: Canvas, cortex: Cortex) -> None:
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(cortex.hull_mm), cortex.window)
    grey = np.maximum(cortex.pia_mm - np.float32(_CORTEX_MM), cortex.hull_mm)
    softness = max(1.4, canvas.box.spacing_mm)
    canvas.paint(Tissue.GREY_MATTER, canvas.coverage(grey, softness), cortex.window)
    open_space = np.maximum(cortex.pia_mm, cortex.hull_mm)
    canvas.paint(Tissue.CSF, canvas.coverage(open_space), cortex.window)


def _paint_hindbrain(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint the cerebellum, whose leaves fan out from the fourth ventricle, and the brainstem."""
    window = canvas.window((-58, 8, -126), (58, 98, 12), margin_mm=4)
    coarse_points, box = canvas.coarse(window)
    hull = cerebellum(coarse_points)
    hull, stem, wave = (
        canvas.to_fine(f)
        for f in (hull, brainstem(coarse_points), smooth_noise(rng, box, 11) * np.float32(0.8))
    )
    points = canvas.points_in(window)
    _, y, z = points
    per_radian = np.float32(_LEAVES / (2 * np.pi))
    turns = per_radian * np.arctan2(z + 30, y - 42) + wave
    leaf = np.abs(turns - np.round(turns)) * (np.hypot(y - 42, z + 30) + 1) / per_radian
    pia = np.minimum(-hull, np.hypot(leaf, np.maximum(-hull - 14, 0)) - np.float32(0.25))
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(hull), window)
    grey = np.maximum(pia - np.float32(_FOLIUM_MM), hull)
    canvas.paint(Tissue.GREY_MATTER, canvas.coverage(grey, 1.6), window)
    canvas.paint(Tissue.CSF, canvas.coverage(np.maximum(pia, hull)), window)
    canvas.paint(Tissue.BRAINSTEM, canvas.coverage(stem), window)
    peduncle = capsule(mirrored(points), ((10, 28, -30), (22, 50, -34)), (6, 5))
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(peduncle), window)
    fourth = ellipsoid(points, (0, 41, -32), (6, 4.5, 11))
    aqueduct = capsule(points, ((0, 29, -4), (0, 37, -22)), (0.9, 1.4))
    canvas.paint(Tissue.CSF, canvas.coverage(np.minimum(fourth, aqueduct)), window)


def _paint_callosum(canvas: Canvas) -> None:
    window = canvas.window((-16, -46, -28), (16, 54, 34))
    points = canvas.points_in(window)
    x, y, z = points
    outer = np.hypot((y - 5) * np.float32(1 / 41), (z - 2) * np.float32(1 / 27))
    arch = np.abs(outer - np.float32(0.89)) * 30 - np.float32(3.1)
    arch = np.maximum(arch, np.float32(0.1) * np.abs(y) - z - 1)
    body: FloatArray = np.maximum(arch, np.abs(x) - np.float32(14))
    fornix = capsule(mirrored(points), ((1.5, -4, 2), (2, 20, 15)), (1.8, 2.2))
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(np.minimum(body, fornix)), window)


def _paint_ventricles(canvas: Canvas) -> None:
    """Lateral ventricles with their choroid plexus."""
    window = canvas.window((-42, -38, -26), (42, 74, 32))
    points, _ = canvas.coarse(window)
    points = mirrored(points)
    squeezed = (points[0] * np.float32(_SQUEEZE), points[1], points[2])
    inside = np.full(points[0].shape, 1e3, dtype=np.float32)
    for line in _VENTRICLE:
        squeezed_line = [((x * _SQUEEZE, y, z), radius) for (x, y, z), radius in line]
        for (start, first), (stop, last) in pairwise(squeezed_line):
            rod = capsule(squeezed, (start, stop), (first, last))
            inside = smooth_minimum(inside, rod, 2.5)
    septum = np.float32(0.6) - points[0]
    plexus = capsule(points, ((19, 36, 14), (25, 46, 6)), (2.0, 2.8))
    inside, septum, plexus = (canvas.to_fine(f) for f in (inside, septum, plexus))
    canvas.paint(Tissue.CSF, canvas.coverage(np.maximum(inside, septum)), window)
    canvas.paint(Tissue.CHOROID, canvas.coverage(plexus), window)
