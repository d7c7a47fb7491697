"""The brain: folded cortex, white matter, ventricles, deep nuclei, hindbrain and vessels."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

from model.synthetic.canvas import Canvas, Window
from model.synthetic.fields import (
    Box,
    FloatArray,
    capsule,
    ellipsoid,
    level_distance,
    smooth_minimum,
    smooth_noise,
)
from model.synthetic.head import Body, Point, brainstem, cerebellum, cerebrum, tentorium
from model.synthetic.tissues import Tissue

CORTEX_MM = 2.8
BRAIN_LOWER_MM: Point = (-74, -76, -66)
BRAIN_UPPER_MM: Point = (74, 110, 82)

_NUCLEI = (
    Body(Tissue.STRIATUM, (25.5, -3, 1), (5.5, 17, 10), paired=True),
    Body(Tissue.PALLIDUM, (19, 4, 0), (4, 9, 7), paired=True),
    Body(Tissue.STRIATUM, (13.5, -14, 8), (5, 9, 9), paired=True),
    Body(Tissue.STRIATUM, (16.5, 6, 19), (3.2, 16, 4), paired=True),
    Body(Tissue.THALAMUS, (11.5, 19, 7), (9.5, 15, 9), paired=True),
    Body(Tissue.GREY_MATTER, (25, 16, -22), (6.5, 14, 4.5), paired=True),
    Body(Tissue.GREY_MATTER, (23, 4, -20), (7, 7, 7), paired=True),
    Body(Tissue.PALLIDUM, (4.5, 20, -9), (2.6, 3, 3), paired=True),
)

# Centre line of a lateral ventricle with its radii: frontal horn, body, atrium; then the occipital
# and the temporal horn.
_VENTRICLE: tuple[tuple[Point, float], ...] = (
    ((8, -30, 3), 3.0),
    ((7.5, -20, 10), 5.0),
    ((7.5, -4, 18), 5.4),
    ((9.5, 14, 22), 5.6),
    ((15, 30, 20), 6.0),
    ((23.5, 42, 11), 7.2),
)
_OCCIPITAL_HORN: tuple[tuple[Point, float], ...] = (((23.5, 42, 11), 6.5), ((24, 68, 6), 2.4))
_TEMPORAL_HORN: tuple[tuple[Point, float], ...] = (
    ((23.5, 42, 11), 5.5),
    ((33, 30, -5), 3.4),
    ((35, 14, -16), 2.4),
    ((31, 0, -19), 1.8),
)


@dataclass(frozen=True, slots=True, eq=False)
class Cortex:
    """Where the folded surface of the cerebrum lies, inside a window of the canvas.

    Parameters
    ----------
    window
        The part of the grid meant.
    hull_mm
        Signed distance to the unfolded cerebrum.
    pia_mm
        Depth below the nearest CSF, sulci counted; negative in CSF.
    """

    window: Window
    hull_mm: FloatArray
    pia_mm: FloatArray


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
    window = canvas.window(BRAIN_LOWER_MM, BRAIN_UPPER_MM, margin_mm=4)
    cortex = _fold(canvas, window, rng)
    _paint_hindbrain(canvas, rng)
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(cortex.hull_mm), window)
    thickness = np.float32(CORTEX_MM)
    canvas.paint(
        Tissue.GREY_MATTER,
        canvas.coverage(np.maximum(cortex.pia_mm - thickness, cortex.hull_mm)),
        window,
    )
    canvas.paint(Tissue.CSF, canvas.coverage(cortex.pia_mm) * (cortex.hull_mm < 0), window)
    _paint_midline(canvas)
    for body in _NUCLEI:
        _paint_nucleus(canvas, body)
    _paint_ventricles(canvas)
    return cortex


def _fold(canvas: Canvas, window: Window, rng: np.random.Generator) -> Cortex:
    """Cut sulci, fissures and the gap between the hemispheres into the cerebrum."""
    x, y, z = canvas.coordinates(window)
    box = _window_box(canvas.box, window)
    above = tentorium(x, y, z) - np.float32(1.5) + np.maximum(38 - y, 0)
    hull = np.maximum(cerebrum(x, y, z), -above)
    medial = _medial_depth(x, y, z, smooth_noise(rng, box, 30))
    depth = np.minimum(-hull, medial)
    sulci = _sulci(x, y, z, box=box, depth=depth, rng=rng)
    pia = np.minimum(np.minimum(depth, sulci), _sylvian(x, y, z, smooth_noise(rng, box, 16)))
    return Cortex(window, hull, pia)


def _window_box(box: Box, window: Window) -> Box:
    k, j, i = (s.indices(n) for s, n in zip(window, box.shape_kji, strict=True))
    x, y, z = box.origin_lps_mm
    return Box(
        (k[1] - k[0], j[1] - j[0], i[1] - i[0]),
        (x + i[0] * box.spacing_mm, y + j[0] * box.spacing_mm, z + k[0] * box.spacing_mm),
        box.spacing_mm,
    )


def _medial_depth(x: FloatArray, y: FloatArray, z: FloatArray, wave: FloatArray) -> FloatArray:
    """Depth below the medial wall of a hemisphere; large where the callosum bridges it."""
    arch = np.sqrt(((y - 5) / np.float32(41)) ** 2 + ((z - 2) / np.float32(27)) ** 2)
    bridge = np.maximum(1 - arch, 0) * np.float32(60)
    gap = np.abs(x + wave * np.float32(0.7)) - np.float32(0.9)
    depth: FloatArray = np.where(bridge > 0, np.hypot(np.maximum(gap, 0) + 1, bridge), gap)
    return depth.astype(np.float32)


def _sulci(
    x: FloatArray,
    y: FloatArray,
    z: FloatArray,
    *,
    box: Box,
    depth: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Distance to the walls of the sulci.

    The zero surfaces of band-limited noise make a labyrinth like that of the gyri. The noise is
    looked up on a shell around the core of each hemisphere, so that its walls stand upright on the
    surface; a little three-dimensional noise bends them.
    """
    core = (np.float32(33), np.clip(y, -34, 62), np.float32(14))
    radii = (np.float32(35), np.float32(36), np.float32(58))
    bend = [smooth_noise(rng, box, 22) * np.float32(3.2) for _ in range(3)]
    rays = [
        (axis + b - c) / r
        for axis, b, c, r in zip((np.abs(x), y, z), bend, core, radii, strict=True)
    ]
    length = np.sqrt(rays[0] ** 2 + rays[1] ** 2 + rays[2] ** 2) + np.float32(1e-3)
    side = np.where(x > 0, np.float32(1), np.float32(-1))
    shell = [c + r * ray / length for c, r, ray in zip(core, radii, rays, strict=True)]
    shell[0] = shell[0] * side
    pattern = _labyrinth(rng)
    field = ndimage.map_coordinates(
        pattern, [(axis + 130) / 3 for axis in reversed(shell)], order=1, mode="nearest"
    )
    wall = level_distance(field, box.spacing_mm)
    bottom = 15 + 4.5 * smooth_noise(rng, box, 26)
    below = np.maximum(depth - bottom.astype(np.float32), 0)
    width = np.float32(0.45) + np.float32(1.1) * np.exp(-np.maximum(depth, 0) / 4)
    distance: FloatArray = np.hypot(wall, below) - width
    return distance


def _labyrinth(rng: np.random.Generator) -> FloatArray:
    """Noise with one dominant wavelength (26 mm) on a 3 mm lattice that covers the head."""
    white = rng.standard_normal((88, 88, 88), dtype=np.float32)
    band = ndimage.gaussian_filter(white, 1.75) - ndimage.gaussian_filter(white, 2.35)
    pattern: FloatArray = band / band.std()
    return pattern


def _sylvian(x: FloatArray, y: FloatArray, z: FloatArray, wave: FloatArray) -> FloatArray:
    """Distance to the lateral fissure and to the cistern over the insula."""
    lateral = np.abs(x)
    slope = np.float32(0.45)
    height = (z + 7 - slope * (y - 5) + wave * np.float32(1.5)) / np.sqrt(1 + slope**2)
    behind = np.maximum(np.abs(y - 7) - 31, 0)
    inward = np.maximum(38 - lateral, 0)
    fissure = np.sqrt(height**2 + behind**2 + inward**2) - np.float32(1.2)
    across = np.abs(lateral - 38.5 + wave)
    over = np.maximum(np.abs(height) - 12, 0)
    along = np.maximum(np.abs(y - 2) - 20, 0)
    insula = np.sqrt(across**2 + over**2 + along**2) - np.float32(0.9)
    distance: FloatArray = np.minimum(fissure, insula).astype(np.float32)
    return distance


def _paint_hindbrain(canvas: Canvas, rng: np.random.Generator) -> None:
    window = canvas.window((-56, 8, -126), (56, 96, 12), margin_mm=4)
    x, y, z = canvas.coordinates(window)
    box = _window_box(canvas.box, window)
    hull = np.maximum(cerebellum(x, y, z), tentorium(x, y, z) + np.float32(1.5))
    radius = np.hypot(y - 42, z + 30) + np.float32(1)
    turns = np.float32(30 / (2 * np.pi)) * np.arctan2(z + 30, y - 42)
    turns += smooth_noise(rng, box, 14) * np.float32(0.45)
    leaf = np.abs(turns - np.round(turns)) * radius * np.float32(2 * np.pi / 30)
    fissure = np.hypot(leaf, np.maximum(-hull - 11, 0)) - np.float32(0.35)
    pia = np.minimum(-hull, fissure)
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(hull), window)
    canvas.paint(
        Tissue.GREY_MATTER, canvas.coverage(np.maximum(pia - np.float32(1.9), hull)), window
    )
    canvas.paint(Tissue.CSF, canvas.coverage(pia) * (hull < 0), window)
    stem = brainstem(x, y, z)
    canvas.paint(Tissue.BRAINSTEM, canvas.coverage(stem), window)
    peduncle = capsule(np.abs(x), y, z, ((10, 28, -30), (22, 48, -34)), (6, 5))
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(peduncle), window)
    fourth = ellipsoid(x, y, z, (0, 42, -32), (6, 4.5, 11))
    canvas.paint(Tissue.CSF, canvas.coverage(fourth), window)


def _paint_midline(canvas: Canvas) -> None:
    """Callosum, fornix and what the arch of the callosum encloses."""
    window = canvas.window((-16, -46, -28), (16, 54, 34))
    x, y, z = canvas.coordinates(window)
    outer = np.sqrt(((y - 5) / 41) ** 2 + ((z - 2) / 27) ** 2)
    arch = np.abs(outer - np.float32(0.89)) * 30 - np.float32(3.1)
    arch = np.maximum(arch, -(z - 1 + np.float32(0.1) * np.abs(y)))
    callosum = np.maximum(arch, np.abs(x) - np.float32(14)).astype(np.float32)
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(callosum), window)
    fornix = capsule(np.abs(x), y, z, ((1.5, -4, 2), (2, 20, 15)), (1.8, 2.2))
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(fornix), window)
    cisterns = ellipsoid(x, y, z, (0, 0, -19), (11, 13, 7))
    canvas.paint(Tissue.CSF, canvas.coverage(cisterns), window)
    chiasm = ellipsoid(x, y, z, (0, -6, -15), (7, 4, 2))
    canvas.paint(Tissue.WHITE_MATTER, canvas.coverage(chiasm), window)
    ambient = ellipsoid(x, y, z, (0, 42, 3), (12, 4, 5))
    canvas.paint(Tissue.CSF, canvas.coverage(ambient), window)
    pineal = ellipsoid(x, y, z, (0, 39, 2), (3, 4, 3))
    canvas.paint(Tissue.MUCOSA, canvas.coverage(pineal), window)


def _paint_nucleus(canvas: Canvas, body: Body) -> None:
    reach = body.centre_mm[0] + body.radii_mm[0]
    lower = (-reach, *(c - r for c, r in zip(body.centre_mm[1:], body.radii_mm[1:], strict=True)))
    upper = (reach, *(c + r for c, r in zip(body.centre_mm[1:], body.radii_mm[1:], strict=True)))
    window = canvas.window(lower, upper)
    x, y, z = canvas.coordinates(window)
    distance = ellipsoid(np.abs(x), y, z, body.centre_mm, body.radii_mm)
    canvas.paint(body.tissue, canvas.coverage(distance), window)


def _paint_ventricles(canvas: Canvas) -> None:
    window = canvas.window((-42, -36, -26), (42, 74, 32))
    x, y, z = canvas.coordinates(window)
    lateral = np.abs(x)
    inside: FloatArray | None = None
    for line in (_VENTRICLE, _OCCIPITAL_HORN, _TEMPORAL_HORN):
        for (start, first), (stop, last) in pairwise(line):
            rod = capsule(lateral, y, z, (start, stop), (first, last))
            inside = rod if inside is None else smooth_minimum(inside, rod, 2.5)
    if inside is None:
        raise AssertionError("the ventricle has no segments")
    inside = np.maximum(inside, np.float32(0.7) - lateral)
    canvas.paint(Tissue.CSF, canvas.coverage(inside), window)
    third = ellipsoid(x, y, z, (0, 10, 0), (2.2, 13, 8))
    canvas.paint(Tissue.CSF, canvas.coverage(third), window)
    aqueduct = capsule(x, y, z, ((0, 26, -4), (0, 36, -22)), (1.0, 1.4))
    canvas.paint(Tissue.CSF, canvas.coverage(aqueduct), window)
    plexus = capsule(lateral, y, z, ((21, 36, 12), (25, 44, 6)), (2.4, 3.0))
    canvas.paint(Tissue.CHOROID, canvas.coverage(plexus), window)
