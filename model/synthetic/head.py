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
    capsule,
    ellipsoid,
    smooth_maximum,
    smooth_minimum,
    smooth_noise,
)
from model.synthetic.tissues import Tissue

SKULL_MM = 6.5
SCALP_MM = 6.0
_CSF_GAP_MM = 2.0

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Body:
    """An ellipsoid of one tissue; ``paired`` ones lie on both sides."""

    tissue: Tissue
    centre_mm: Point
    radii_mm: Point
    paired: bool = False


# From deep to shallow, so that a later one covers an earlier one.
_FACE_BODIES = (
    Body(Tissue.FAT, (33, -50, -62), (24, 24, 30), paired=True),
    Body(Tissue.MUSCLE, (50, -8, -58), (11, 26, 34), paired=True),
    Body(Tissue.MUSCLE, (27, 18, -72), (14, 14, 40), paired=True),
    Body(Tissue.MARROW, (42, -42, -100), (9, 30, 9), paired=True),
    Body(Tissue.MUSCLE, (0, -42, -96), (25, 34, 20)),
    Body(Tissue.MARROW, (0, -2, -44), (16, 12, 16)),
    Body(Tissue.CORTICAL_BONE, (46, 24, -34), (18, 11, 9), paired=True),
    Body(Tissue.AIR, (57, 32, -44), (8, 9, 11), paired=True),
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
    Body(Tissue.AIR, (9, -80, -6), (9, 4.5, 12), paired=True),
    Body(Tissue.AIR, (0, -4, -76), (9, 7, 22)),
    Body(Tissue.AIR, (0, -50, -77), (15, 22, 2.5)),
    Body(Tissue.FAT, (31, -54, -33), (18.5, 24, 18), paired=True),
    Body(Tissue.MUSCLE, (20, -52, -33), (2.0, 18, 5), paired=True),
    Body(Tissue.MUSCLE, (42, -54, -33), (2.0, 16, 5), paired=True),
    Body(Tissue.MUSCLE, (30, -52, -21), (5, 18, 2.0), paired=True),
    Body(Tissue.MUSCLE, (30, -52, -45), (5, 18, 2.0), paired=True),
    Body(Tissue.DURA, (31.5, -66, -33), (12.6, 12.6, 12.6), paired=True),
    Body(Tissue.VITREOUS, (31.5, -66, -33), (11.8, 11.8, 11.8), paired=True),
    Body(Tissue.LENS, (31.5, -74.2, -33), (4.6, 2.2, 4.6), paired=True),
)


def cerebrum(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Signed distance to the unfolded cerebrum, both hemispheres together."""
    lateral: FloatArray = np.abs(x) / (1 + np.float32(0.0011) * (y - 17))
    main = _super_ellipsoid(lateral, y, z, (0, 17, 14), (68, 88, 62))
    base = -(z + np.float32(20) - np.float32(0.03) * y)
    main = smooth_maximum(main, base.astype(np.float32), 16)
    temporal = ellipsoid(np.abs(x), y, z, (42, 17, -21), (23.5, 43, 24))
    return smooth_minimum(main, temporal, 8)


def cerebellum(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Signed distance to the unfolded cerebellum."""
    half = ellipsoid(np.abs(x), y, z, (23, 62, -37), (29, 29, 23))
    vermis = ellipsoid(x, y, z, (0, 63, -27), (12, 24, 22))
    return smooth_minimum(half, vermis, 6)


def brainstem(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Signed distance to midbrain, pons, medulla and upper cord."""
    pons = ellipsoid(x, y, z, (0, 25, -30), (17, 13, 16))
    midbrain = capsule(x, y, z, ((0, 22, -14), (0, 25, -2)), (13, 12))
    medulla = capsule(x, y, z, ((0, 34, -44), (0, 44, -74)), (9.5, 6.5))
    cord = capsule(x, y, z, ((0, 44, -74), (0, 46, -125)), (6.5, 6))
    return smooth_minimum(smooth_minimum(pons, midbrain, 5), smooth_minimum(medulla, cord, 3), 6)


def tentorium(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Height in millimetres above the tent between cerebrum and cerebellum."""
    roof = 5 - np.float32(0.42) * np.abs(x) - np.float32(0.22) * np.maximum(y - 52, 0)
    height: FloatArray = z - roof
    return height


def _super_ellipsoid(
    x: FloatArray, y: FloatArray, z: FloatArray, centre_mm: Point, radii_mm: Point
) -> FloatArray:
    """Signed distance to an ellipsoid made a little boxy (exponent 2.5), first order."""
    total = np.zeros(x.shape, dtype=np.float32)
    for axis, c, r in zip((x, y, z), centre_mm, radii_mm, strict=True):
        u = np.abs((axis - np.float32(c)) / np.float32(r))
        total += u * u * np.sqrt(u)
    level = total ** np.float32(0.4)
    distance: FloatArray = (level - 1) * np.float32(min(radii_mm))
    return distance


def skull_cavity(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Signed distance to the inside of the skull, smooth where the brain is folded."""
    brain = smooth_minimum(cerebrum(x, y, z), cerebellum(x, y, z), 14)
    stem = brainstem(x, y, z) - np.float32(2.5)
    return smooth_minimum(brain - np.float32(_CSF_GAP_MM), stem, 8)


def _surface(x: FloatArray, y: FloatArray, z: FloatArray, cranium: FloatArray) -> FloatArray:
    """Signed distance to the skin."""
    ax = np.abs(x)
    face = ellipsoid(x, y, z, (0, -38, -62), (63, 56, 62))
    jaw = ellipsoid(x, y, z, (0, -52, -112), (42, 42, 24))
    nose = capsule(x, y, z, ((0, -88, -34), (0, -110, -62)), (7, 10))
    wing = ellipsoid(ax, y, z, (9, -98, -66), (9, 12, 8))
    lips = ellipsoid(x, y, z, (0, -88, -88), (26, 14, 12))
    neck = capsule(x, y, z, ((0, 28, -60), (0, 34, -150)), (58, 56))
    ear = ellipsoid(ax, y, z, (79, 26, -30), (5, 17, 30))
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
        To paint on; its coordinates carry the deformation.
    rng
        Source of randomness.

    Returns
    -------
    cavity_mm
        Signed distance to the inside of the skull, float32, negative inside.
    """
    x, y, z = canvas.coordinates((slice(None), slice(None), slice(None)))
    cavity = skull_cavity(x, y, z)
    thickness = smooth_noise(rng, canvas.box, 32)
    skull = np.float32(SKULL_MM) + thickness * np.float32(0.5)
    scalp = skull + np.float32(SCALP_MM) + smooth_noise(rng, canvas.box, 45) * np.float32(0.4)
    skin = _surface(x, y, z, cavity - scalp)

    canvas.paint(Tissue.SKIN, canvas.coverage(skin))
    canvas.paint(Tissue.FAT, canvas.coverage(skin + np.float32(1.6)))
    galea = np.maximum(skin + np.float32(3.9), cavity - skull - np.float32(30))
    canvas.paint(Tissue.MUSCLE, canvas.coverage(galea))
    _paint_muscles(canvas, skin, rng)
    for body in _FACE_BODIES:
        _paint_body(canvas, body)
    canvas.paint(Tissue.CORTICAL_BONE, canvas.coverage(cavity - skull))
    diploe = np.abs(cavity - skull * np.float32(0.52)) - (skull - np.float32(3.9)) * np.float32(0.5)
    canvas.paint(Tissue.MARROW, canvas.coverage(np.maximum(diploe, -(z + np.float32(18)))))
    canvas.paint(Tissue.DURA, canvas.coverage(cavity))
    canvas.paint(Tissue.CSF, canvas.coverage(cavity + np.float32(0.7)))
    return cavity


def _paint_muscles(canvas: Canvas, skin: FloatArray, rng: np.random.Generator) -> None:
    """Streak the muscle of face and neck with fat, and paint the temporal muscles."""
    x, y, z = canvas.coordinates((slice(None), slice(None), slice(None)))
    streaks = np.abs(smooth_noise(rng, canvas.box, 11)) * np.float32(5) - np.float32(1.1)
    below = np.maximum(streaks, z + np.float32(28))
    canvas.paint(Tissue.FAT, canvas.coverage(np.maximum(below, skin + np.float32(4)), 2.0))
    temporal = ellipsoid(np.abs(x), y, z, (69, -18, -14), (9, 34, 34))
    canvas.paint(Tissue.MUSCLE, canvas.coverage(np.maximum(temporal, skin + np.float32(3))))


def _paint_body(canvas: Canvas, body: Body) -> None:
    centre, radii = np.asarray(body.centre_mm), np.asarray(body.radii_mm)
    lower, upper = centre - radii, centre + radii
    if body.paired:
        lower[0] = -upper[0]
    window = canvas.window(lower, upper)
    x, y, z = canvas.coordinates(window)
    side = np.abs(x) if body.paired else x
    distance = ellipsoid(side, y, z, body.centre_mm, body.radii_mm)
    canvas.paint(body.tissue, canvas.coverage(distance), window)
