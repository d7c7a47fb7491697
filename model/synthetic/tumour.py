"""The glioma: a necrotic core, an enhancing rim, and oedema that follows white matter."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.spec import Label
from model.synthetic.canvas import Canvas
from model.synthetic.cortex import Cortex
from model.synthetic.fields import Box, FloatArray, Points, smooth_minimum, smooth_noise
from model.synthetic.tissues import Tissue


class Side(StrEnum):
    """Side of the patient."""

    LEFT = "left"
    RIGHT = "right"


# Part of the oedema's width within which cortex takes part.
_SWOLLEN_CORTEX = 0.6


@dataclass(frozen=True, slots=True)
class TumourSpec:
    """Size and place of a glioma.

    Parameters
    ----------
    side
        Hemisphere of the patient.
    lateral_mm, posterior_mm, superior_mm
        Centre: distance from the midline, and position behind and above the anterior commissure.
    core_radius_mm
        Mean radius of necrosis and rim together.
    rim_mm
        Mean thickness of the enhancing rim; where it exceeds the radius there is no necrosis.
    oedema_mm
        Mean width of the oedema around the core.
    irregularity
        0 for a ball, 1 for an ordinary glioblastoma.
    mass_effect
        Radius of the tissue-free ball that would push as the tumour does, as part of the core's.
    """

    side: Side = Side.RIGHT
    lateral_mm: float = 33.0
    posterior_mm: float = 22.0
    superior_mm: float = 27.0
    core_radius_mm: float = 19.0
    rim_mm: float = 3.3
    oedema_mm: float = 11.0
    irregularity: float = 1.0
    mass_effect: float = 0.55

    def __post_init__(self) -> None:
        if not 3 <= self.core_radius_mm <= 35:
            raise ValueError("core_radius_mm must lie in 3 to 35")
        if self.rim_mm < 0 or self.oedema_mm < 0 or self.lateral_mm < 0:
            raise ValueError("lengths must not be negative")
        if not 0 <= self.irregularity <= 2 or not 0 <= self.mass_effect <= 0.9:
            raise ValueError("irregularity must lie in 0 to 2, mass_effect in 0 to 0.9")

    @property
    def centre_lps_mm(self) -> tuple[float, float, float]:
        """Centre in the coordinates of the head."""
        sign = 1.0 if self.side is Side.LEFT else -1.0
        return sign * self.lateral_mm, self.posterior_mm, self.superior_mm


def displacement(points: Points, spec: TumourSpec) -> FloatArray:
    """Part of its way to the centre that a point has to go back to where the tumour found it.

    Tissue is incompressible: a ball of radius a that appears at the centre moves what lay at
    distance r0 to r with r³ = r0³ + a³.
    """
    grown = np.float32(spec.mass_effect * spec.core_radius_mm)
    squares = [
        (axis - np.float32(c)) ** 2 for axis, c in zip(points, spec.centre_lps_mm, strict=True)
    ]
    radius = np.sqrt(squares[0] + squares[1] + squares[2]) + np.float32(1e-3)
    part: FloatArray = 1 - np.cbrt(np.maximum(1 - (grown / radius) ** 3, 0))
    return part


def paint_tumour(
    canvas: Canvas, cortex: Cortex, spec: TumourSpec, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Paint the tumour over the brain.

    Parameters
    ----------
    canvas
        Holds the head.
    cortex
        The folded surface; the tumour stays below it.
    spec
        Size and place.
    rng
        Source of randomness.

    Returns
    -------
    tumour_kji
        Labels as in `model.spec.Label`, uint8, of the canvas' shape; 0 where there is no tumour.
    """
    window = cortex.window
    _, box = canvas.coarse(window)
    core = _core(box, spec, rng)
    spread = np.clip(np.exp(np.float32(0.45) * smooth_noise(rng, box, 16)), 0.3, 1.7)
    width = np.float32(spec.oedema_mm) * spread
    rim = np.float32(spec.rim_mm) * np.exp(
        np.float32(0.75) * smooth_noise(rng, box, 10) - np.float32(0.1)
    )
    # Islands of living tumour inside the necrosis, and a ragged border between the two.
    islands = smooth_noise(rng, box, 7)
    rim += np.float32(0.9) * islands + np.maximum(islands - np.float32(1.2), 0) * np.float32(9)
    rim = np.where(rim > 1, rim, np.exp(np.minimum(rim, 1) - 1)) * np.float32(spec.rim_mm > 0)
    core, width, rim = (canvas.to_fine(f) for f in (core, width, rim))
    core = np.maximum(core, cortex.hull_mm + np.float32(1.5))
    _paint_oedema(canvas, cortex, core, width)
    canvas.paint(Tissue.ENHANCING_RIM, canvas.coverage(core), window)
    canvas.paint(Tissue.NECROSIS, canvas.coverage(core + rim, 1.5), window)
    return tumour_labels(canvas.primary_kji)


def _core(box: Box, spec: TumourSpec, rng: np.random.Generator) -> FloatArray:
    """Signed distance to the surface of necrosis and rim: a few balls grown together, roughened."""
    x, y, z = box.axes_mm()
    core = np.full(box.shape_kji, 1e3, dtype=np.float32)
    radius = spec.core_radius_mm
    for lobe in range(4):
        away = rng.standard_normal(3)
        away *= 0 if lobe == 0 else 0.75 * radius * spec.irregularity / np.linalg.norm(away)
        size = radius * (0.88 if lobe == 0 else rng.uniform(0.3, 0.55))
        cx, cy, cz = (np.float32(c) for c in np.asarray(spec.centre_lps_mm) + away)
        ball = np.sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) - np.float32(size)
        core = smooth_minimum(core, ball, 0.5 * radius)
    rough = np.float32(spec.irregularity * radius)
    core += rough * np.float32(0.12) * smooth_noise(rng, box, 14)
    core += rough * np.float32(0.07) * smooth_noise(rng, box, 6)
    return core


def tumour_labels(primary_kji: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels as in `model.spec.Label` that belong to an array of tissue codes."""
    table = np.zeros(max(Tissue) + 1, dtype=np.uint8)
    table[Tissue.NECROSIS] = Label.NCR
    table[Tissue.OEDEMA] = Label.ED
    table[Tissue.ENHANCING_RIM] = Label.ET
    return table[primary_kji]


def _paint_oedema(canvas: Canvas, cortex: Cortex, core: FloatArray, width: FloatArray) -> None:
    """Oedema spreads in white matter and stops at nuclei and ventricles; cortex swells if close."""
    window = cortex.window
    tissue = canvas.primary_kji[window]
    passable = tissue == Tissue.WHITE_MATTER
    swollen = np.isin(tissue, (Tissue.GREY_MATTER, Tissue.BLOOD))
    # Swelling presses narrow sulci shut.
    swollen |= (np.abs(cortex.pia_mm) < np.float32(0.5)) & (cortex.depth_mm > 2)
    passable |= swollen & (core < width * np.float32(_SWOLLEN_CORTEX))
    passable &= cortex.hull_mm < 0
    distance = core - width
    spread = canvas.coverage(distance, softness_mm=4.0)
    spread *= canvas.share_kji[window]
    spread *= _reached(passable & (spread > 0.25), distance)
    canvas.paint(Tissue.OEDEMA, spread, window)


def _reached(passable: NDArray[np.bool_], distance: FloatArray) -> NDArray[np.bool_]:
    """Part of what oedema may enter that is connected with where the tumour began."""
    start = np.unravel_index(int(np.argmin(distance)), distance.shape)
    near = distance < distance[start] * np.float32(0.6)
    parts, _ = ndimage.label(passable | near)
    reached: NDArray[np.bool_] = parts == parts[start]
    return reached & passable
