"""The folded surface of the cerebrum."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from model.synthetic.canvas import Canvas, Window
from model.synthetic.fields import Box, FloatArray, Points, ellipsoid, mirrored, slope, smooth_noise
from model.synthetic.head import cerebrum

_LATTICE_MM = 2.5
_LATTICE_REACH_MM = 130.0

# Wavelength over the shell, depth and its standard deviation, in millimetres: primary, secondary
# and shallow tertiary sulci.
_FAMILIES = ((30.0, 22.0, 5.0), (30.0, 11.0, 5.0), (20.0, 5.0, 3.0))


@dataclass(frozen=True, slots=True, eq=False)
class Cortex:
    """Where the surface of the cerebrum lies, inside a window of the canvas.

    Parameters
    ----------
    window
        The part of the grid meant.
    hull_mm
        Signed distance to the unfolded cerebrum, negative inside.
    depth_mm
        Depth below the hull and below the wall between the hemispheres.
    pia_mm
        Depth below the nearest CSF, sulci counted; negative in CSF.
    wall_mm
        Distance to the middle of the nearest large sulcus, were it endlessly deep.
    """

    window: Window
    hull_mm: FloatArray
    depth_mm: FloatArray
    pia_mm: FloatArray
    wall_mm: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Sulci:
    """A family of sulci on the coarse grid: a field that vanishes on them, and their depth."""

    field: FloatArray
    field_slope: FloatArray
    floor_mm: FloatArray


def fold(canvas: Canvas, window: Window, rng: np.random.Generator) -> Cortex:
    """Cut sulci, fissures and the gap between the hemispheres into the cerebrum.

    Parameters
    ----------
    canvas
        Whose points to use.
    window
        Part of the grid that holds the cerebrum, made by `Canvas.window`.
    rng
        Source of randomness.
    """
    points, box = canvas.coarse(window)
    hull = cerebrum(points)
    medial = _medial_depth(points, smooth_noise(rng, box, 26))
    loose = np.exp(np.float32(0.5) * smooth_noise(rng, box, 18))
    shell, reach = _shell(points, box, rng)
    # The shell is narrow towards the other hemisphere: shallower sulci keep gyri from thinning out.
    inwards = np.clip((-hull - medial) * np.float32(0.1) + np.float32(0.5), 0, 1)
    near_core = inwards * np.float32(8)
    near_core += np.maximum(np.float32(0.38) - reach, 0) * np.float32(60)
    near_core += np.maximum(-ellipsoid(points, (0, 6, 2), (35, 36, 19)), 0) * np.float32(3)
    families = [
        _Sulci(
            *_labyrinth(shell, box, wavelength, rng),
            floor + spread * smooth_noise(rng, box, 20) - near_core,
        )
        for wavelength, floor, spread in _FAMILIES
    ]
    sylvian = canvas.to_fine(_sylvian(points, smooth_noise(rng, box, 16)))
    hull, medial, loose = (canvas.to_fine(f) for f in (hull, medial, loose))
    depth = np.minimum(-hull, medial)
    width = loose * (np.float32(0.22) + np.float32(0.65) * np.exp(np.maximum(depth, 0) / -4))
    pia: FloatArray = np.minimum(depth, sylvian)
    walls: list[FloatArray] = []
    for sulci in families:
        wall = canvas.to_fine(sulci.field)
        wall = np.divide(np.abs(wall, out=wall), canvas.to_fine(sulci.field_slope), out=wall)
        below = np.maximum(depth - canvas.to_fine(sulci.floor_mm), 0)
        np.minimum(pia, np.hypot(wall, below) - width, out=pia)
        walls.append(wall)
    return Cortex(window, hull, depth.astype(np.float32, copy=False), pia, walls[0])


def _medial_depth(points: Points, wave: FloatArray) -> FloatArray:
    """Depth below the medial wall of a hemisphere; large where the callosum bridges it."""
    x, y, z = points
    arch = np.hypot((y - 5) / np.float32(41), (z - 2) / np.float32(27))
    bridge = np.maximum(1 - arch, 0) * np.float32(60)
    gap = np.abs(x + wave * np.float32(1.3)) - np.float32(0.8)
    depth: FloatArray = np.where(bridge > 0, np.hypot(np.maximum(gap, 0) + 1, bridge), gap)
    return depth


def _shell(points: Points, box: Box, rng: np.random.Generator) -> tuple[Points, FloatArray]:
    """Project points outwards onto a shell around the core of their hemisphere.

    What varies over the shell only stands upright on the surface of the brain, as sulci do; some
    noise bends it. The second value is the distance from the core, 1 on the shell.
    """
    _, y, _ = points
    core = (np.float32(33), np.clip(y, -34, 62), np.float32(14))
    radii = (np.float32(35), np.float32(36), np.float32(58))
    rays = [
        (axis + smooth_noise(rng, box, 15) * np.float32(6) - c) / r
        for axis, c, r in zip(mirrored(points), core, radii, strict=True)
    ]
    reach = np.sqrt(rays[0] ** 2 + rays[1] ** 2 + rays[2] ** 2) + np.float32(1e-3)
    x, y, z = (c + r * ray / reach for c, r, ray in zip(core, radii, rays, strict=True))
    # The two hemispheres look up different places of the noise.
    return (np.where(points[0] > 0, x, -x), y, z), reach


def _labyrinth(
    shell: Points, box: Box, wavelength_mm: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Noise with one dominant wavelength, and its slope; its zero surfaces wind as sulci do."""
    nodes = round(2 * _LATTICE_REACH_MM / _LATTICE_MM) + 1
    white = rng.standard_normal((nodes, nodes, nodes), dtype=np.float32)
    # A difference of Gaussians with sigmas s and 1.35 s passes wavelengths around 5.2 s.
    narrow = wavelength_mm / 5.2 / _LATTICE_MM
    band = ndimage.gaussian_filter(white, narrow, truncate=3)
    band -= ndimage.gaussian_filter(white, 1.35 * narrow, truncate=3)
    band /= band.std()
    places = [(axis + np.float32(_LATTICE_REACH_MM)) / _LATTICE_MM for axis in reversed(shell)]
    field = ndimage.map_coordinates(band, places, order=1, mode="nearest")
    return field, slope(field, box.spacing_mm)


def _sylvian(points: Points, wave: FloatArray) -> FloatArray:
    """Distance to the lateral fissure and to the cistern over the insula."""
    x, y, z = mirrored(points)
    steep = np.float32(0.45)
    height = (z + 7 - steep * (y - 5) + wave * np.float32(1.5)) / np.sqrt(1 + steep**2)
    behind = np.maximum(np.abs(y - 7) - 31, 0)
    inward = np.maximum(38 - x, 0)
    fissure = np.sqrt(height**2 + behind**2 + inward**2) - np.float32(0.9)
    across = np.abs(x - np.float32(38.5) + wave)
    over = np.maximum(np.abs(height) - 12, 0)
    along = np.maximum(np.abs(y - 2) - 20, 0)
    insula = np.sqrt(across**2 + over**2 + along**2) - np.float32(0.7)
    distance: FloatArray = np.minimum(fissure, insula)
    return distance
