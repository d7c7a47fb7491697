"""The head around the brain: skin, fat, muscle, skull, air, eyes; and the cavity of the skull.

Coordinates are LPS millimetres from the middle of the anterior commissure. The places and sizes are
those of an average adult, rounded; left and right share one description through the absolute value
of x, and the deformation of the canvas makes them differ.
"""

from dataclasses import dataclass

import numpy as np

from model.synthetic.canvas import Canvas
from model.synthetic.fields import (
    FloatArray,
    Point,
    Points,
    capsule,
    ellipsoid,
    mirrored,
    smooth_maximum,
    smooth_minimum,
    smooth_noise,
)
from model.synthetic.tissues import Tissue

_SKULL_MM = 6.2
_SCALP_MM = 5.6
_CSF_GAP_MM = 1.8


@dataclass(frozen=True, slots=True)
class Body:
    """An ellipsoid of one tissue; ``paired`` ones lie on both sides."""

    tissue: Tissue
    centre_mm: Point
    radii_mm: Point
    paired: bool = False


# From deep to shallow, so that a later one covers an earlier one.
_FACE = (
    Body(Tissue.FAT, (33, -50, -62), (22, 22, 28), paired=True),
    Body(Tissue.MUSCLE, (50, -8, -58), (11, 26, 34), paired=True),
    Body(Tissue.MUSCLE, (27, 18, -72), (14, 14, 40), paired=True),
    Body(Tissue.MARROW, (42, -42, -100), (9, 30, 9), paired=True),
    Body(Tissue.MUSCLE, (0, -42, -96), (25, 34, 20)),
    Body(Tissue.MARROW, (0, -2, -44), (16, 12, 16)),
    Body(Tissue.CORTICAL_BONE, (46, 24, -34), (18, 13, 10), paired=True),
    Body(Tissue.AIR, (58, 34, -46), (6, 7, 9), paired=True),
    Body(Tissue.MARROW, (0, 30, -86), (20, 12, 8)),
    Body(Tissue.MUCOSA, (0, -54, -53), (16, 34, 21)),
    Body(Tissue.AIR, (5, -54, -60), (3.0, 30, 11), paired=True),
    Body(Tissue.AIR, (10.5, -52, -48), (2.2, 24, 9), paired=True),
    Body(Tissue.CORTICAL_BONE, (29, -54, -64), (16, 19, 18), paired=True),
    Body(Tissue.MUCOSA, (29, -54, -64), (15, 18, 17), paired=True),
    Body(Tissue.AIR, (29, -54, -63.5), (13.5, 16.5, 15.5), paired=True),
    Body(Tissue.MUCOSA, (0, -24, -38), (13, 12, 10)),
    Body(Tissue.AIR, (6, -24, -38), (5, 10.5, 8.5), paired=True),
    Body(Tissue.MUCOSA, (0, -52, -28), (11, 20, 10)),
    Body(Tissue.AIR, (6.5, -60, -28), (3.2, 7, 7), paired=True),
    Body(Tissue.AIR, (6.5, -46, -29), (3.2, 6, 7), paired=True),
    Body(Tissue.AIR, (0, -4, -76), (9, 7, 22)),
    Body(Tissue.AIR, (0, -50, -77), (15, 22, 2.5)),
    Body(Tissue.FAT, (30, -52, -33), (17, 23, 17), paired=True),
    Body(Tissue.MUSCLE, (19, -52, -33), (2.2, 18, 5), paired=True),
    Body(Tissue.MUSCLE, (42, -54, -33), (2.2, 16, 5), paired=True),
    Body(Tissue.MUSCLE, (30, -52, -21), (5, 18, 2.2), paired=True),
    Body(Tissue.MUSCLE, (30, -52, -45), (5, 18, 2.2), paired=True),
    Body(Tissue.DURA, (31.5, -66, -33), (12.8, 12.8, 12.8), paired=True),
    Body(Tissue.VITREOUS, (31.5, -66, -33), (11.8, 11.8, 11.8), paired=True),
    Body(Tissue.LENS, (31.5, -74.2, -33), (4.6, 2.2, 4.6), paired=True),
)
_OPTIC_NERVE: tuple[Point, Point] = ((12, -24, -26), (29, -55, -33))
_FRONTAL_SINUS = Body(Tissue.AIR, (9, -83, -14), (9, 3.2, 10), paired=True)


def cerebrum(points: Points) -> FloatArray:
    """Signed distance to the unfolded cerebrum, both hemispheres together, above the tent."""
    x, y, z = mirrored(points)
    lateral: FloatArray = x / (1 + np.float32(0.0011) * (y - 17))
    main = _boxy_ellipsoid((lateral, y, z), (0, 17, 14), (65.5, 88, 62))
    base: FloatArray = np.float32(0.03) * y - (z + np.float32(20))
    main = smooth_maximum(main, base, 16)
    temporal = ellipsoid((x, y, z), (42, 17, -21), (23, 43, 24))
    above = tentorium(points) - np.float32(1.3) + np.maximum(np.float32(38) - y, 0)
    hull: FloatArray = np.maximum(smooth_minimum(main, temporal, 8), -above)
    return hull


def cerebellum(points: Points) -> FloatArray:
    """Signed distance to the unfolded cerebellum, below the tent."""
    half = ellipsoid(mirrored(points), (23, 62, -32), (30, 31, 30))
    vermis = ellipsoid(points, (0, 62, -26), (16, 26, 28))
    hull: FloatArray = np.maximum(
        smooth_minimum(half, vermis, 6), tentorium(points) + np.float32(1.3)
    )
    return hull


def brainstem(points: Points) -> FloatArray:
    """Signed distance to midbrain, pons, medulla and upper cord."""
    pons = ellipsoid(points, (0, 24, -30), (17, 13, 15))
    midbrain = capsule(points, ((0, 24, -14), (0, 25, -4)), (12.5, 12))
    medulla = capsule(points, ((0, 34, -44), (0, 44, -74)), (9.5, 6.5))
    cord = capsule(points, ((0, 44, -74), (0, 46, -125)), (6.5, 6))
    return smooth_minimum(smooth_minimum(pons, midbrain, 5), smooth_minimum(medulla, cord, 3), 6)


def tentorium(points: Points) -> FloatArray:
    """Height in millimetres above the tent between cerebrum and cerebellum."""
    x, y, z = mirrored(points)
    height: FloatArray = z - (
        5 - np.float32(0.40) * x - np.float32(0.24) * np.maximum(y - np.float32(52), 0)
    )
    return height


def _boxy_ellipsoid(points: Points, centre_mm: Point, radii_mm: Point) -> FloatArray:
    """Signed distance to a superellipsoid of exponent 2.5, first order near its surface."""
    total = np.zeros(points[0].shape, dtype=np.float32)
    for axis, centre, radius in zip(points, centre_mm, radii_mm, strict=True):
        u = np.abs((axis - np.float32(centre)) * np.float32(1 / radius))
        total += u * u * np.sqrt(u)
    distance: FloatArray = (total ** np.float32(0.4) - 1) * np.float32(min(radii_mm))
    return distance


def skull_cavity(points: Points) -> FloatArray:
    """Signed distance to the inside of the skull, smooth where the brain is folded."""
    brain = smooth_minimum(cerebrum(points), cerebellum(points), 5)
    stem = brainstem(points) - np.float32(3)
    cistern = ellipsoid(points, (0, 38, -6), (19, 14, 13))
    brain = smooth_minimum(brain - np.float32(_CSF_GAP_MM), stem, 8)
    return np.minimum(brain, cistern)


def _skin(points: Points, cranium: FloatArray) -> FloatArray:
    """Signed distance to the surface of the head."""
    both = mirrored(points)
    face = ellipsoid(points, (0, -38, -62), (62, 54, 62))
    jaw = ellipsoid(points, (0, -52, -112), (42, 42, 24))
    nose = capsule(points, ((0, -88, -36), (0, -105, -62)), (6, 9))
    wing = ellipsoid(both, (9, -95, -66), (9, 12, 8))
    lips = ellipsoid(points, (0, -86, -88), (26, 14, 12))
    neck = capsule(points, ((0, 28, -60), (0, 34, -150)), (58, 56))
    ear = ellipsoid(both, (77, 26, -30), (5, 17, 30))
    skin = smooth_minimum(cranium, smooth_minimum(face, jaw, 18), 14)
    skin = smooth_minimum(skin, neck, 16)
    skin = smooth_minimum(skin, smooth_minimum(nose, wing, 6), 8)
    skin = smooth_minimum(skin, lips, 10)
    return smooth_minimum(skin, ear, 3)


def paint_head(canvas: Canvas, rng: np.random.Generator) -> FloatArray:
    """Paint everything outside the brain, and CSF into the cavity of the skull.

    Parameters
    ----------
    canvas
        To paint on; its points carry the deformation.
    rng
        Source of randomness.

    Returns
    -------
    cavity_mm
        Signed distance to the inside of the skull on the canvas' grid, negative inside.
    """
    box, points = canvas.coarse_box, canvas.coarse_points
    cavity = skull_cavity(points)
    skull = np.float32(_SKULL_MM) + smooth_noise(rng, box, 32) * np.float32(0.6)
    scalp = np.float32(_SCALP_MM) + smooth_noise(rng, box, 45) * np.float32(0.5)
    skin = _skin(points, cavity - skull - scalp)
    temporal = ellipsoid(mirrored(points), (68, -18, -14), (10, 34, 34))
    streaks = np.abs(smooth_noise(rng, box, 11)) * np.float32(5) - np.float32(1.1)
    streaks = np.maximum(streaks, points[2] + np.float32(28))
    _paint_scalp(canvas, *(canvas.to_fine(f) for f in (skin, cavity - skull, temporal, streaks)))
    for body in _FACE:
        paint_body(canvas, body)
    window = canvas.window((-32, -58, -36), (32, -22, -22))
    nerve = capsule(mirrored(canvas.points_in(window)), _OPTIC_NERVE, (2.2, 2.2))
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(nerve), window)
    cavity, skull = canvas.to_fine(cavity), canvas.to_fine(skull)
    _paint_skull(canvas, cavity, skull)
    paint_body(canvas, _FRONTAL_SINUS)
    canvas.paint(Tissue.DURA, canvas.coverage(cavity))
    canvas.paint(Tissue.CSF, canvas.coverage(cavity + np.float32(0.6)))
    return cavity


def _paint_scalp(
    canvas: Canvas, skin: FloatArray, bone: FloatArray, temporal: FloatArray, streaks: FloatArray
) -> None:
    """Skin, the fat below it, and the muscle below the fat."""
    canvas.paint(Tissue.SKIN, canvas.coverage(skin))
    canvas.paint(Tissue.FAT, canvas.coverage(skin + np.float32(1.5)))
    deep = np.minimum(skin + np.float32(4.6), np.maximum(bone - np.float32(1), skin + 3))
    canvas.paint(Tissue.MUSCLE, canvas.coverage(deep))
    fat = np.maximum(streaks, skin + np.float32(4))
    canvas.paint(Tissue.FAT, canvas.coverage(fat, 2.0))
    canvas.paint(Tissue.MUSCLE, canvas.coverage(np.maximum(temporal, skin + np.float32(3.5))))


def _paint_skull(canvas: Canvas, cavity: FloatArray, skull: FloatArray) -> None:
    """Outer and inner table with marrow between them, none of it at the base."""
    canvas.paint(Tissue.CORTICAL_BONE, canvas.coverage(cavity - skull))
    middle = np.abs(cavity - skull * np.float32(0.5))
    marrow = middle - (skull - np.float32(3.4)) * np.float32(0.5)
    base = -(canvas.points[2] + np.float32(18))
    canvas.paint(Tissue.MARROW, canvas.coverage(np.maximum(marrow, base)))


def paint_body(canvas: Canvas, body: Body, softness_mm: float | None = None) -> None:
    """Paint an ellipsoid, or a pair of them."""
    centre, radii = np.asarray(body.centre_mm), np.asarray(body.radii_mm)
    lower, upper = centre - radii, centre + radii
    if body.paired:
        lower[0] = -upper[0]
    window = canvas.window(lower, upper)
    points = canvas.points_in(window)
    if body.paired:
        points = mirrored(points)
    distance = ellipsoid(points, body.centre_mm, body.radii_mm)
    canvas.paint(body.tissue, canvas.coverage(distance, softness_mm), window)
