"""The glioma: a necrotic core, an enhancing rim, and oedema that follows white matter."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from model.synthetic.brain import Cortex
from model.synthetic.canvas import Canvas
from model.synthetic.fields import Box, FloatArray, smooth_noise
from model.synthetic.tissues import Tissue


class Region(IntEnum):
    """Labels of the sub-regions, as in BraTS 2023; 0 is background."""

    NCR = 1
    ED = 2
    ET = 3


class Side(StrEnum):
    """Side of the patient."""

    LEFT = "left"
    RIGHT = "right"


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
    core_radius_mm: float = 18.0
    rim_mm: float = 4.5
    oedema_mm: float = 15.0
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


def random_tumour(rng: np.random.Generator) -> TumourSpec:
    """Draw a plausible glioma: supratentorial, in white matter, of any common size."""
    return TumourSpec(
        side=Side.LEFT if rng.random() < 0.5 else Side.RIGHT,
        lateral_mm=float(rng.uniform(20, 44)),
        posterior_mm=float(rng.uniform(-35, 60)),
        superior_mm=float(rng.uniform(-5, 45)),
        core_radius_mm=float(rng.uniform(8, 26)),
        rim_mm=float(rng.uniform(2.5, 9)),
        oedema_mm=float(rng.uniform(4, 24)),
        irregularity=float(rng.uniform(0.6, 1.5)),
        mass_effect=float(rng.uniform(0.3, 0.7)),
    )


def push_aside(canvas: Canvas, spec: TumourSpec) -> None:
    """Deform the coordinates of the canvas as if the tumour had grown from a point.

    Tissue is incompressible: a ball of radius a that appears at the centre moves what lay at
    distance r0 to r with r³ = r0³ + a³.
    """
    gaps = _from_centre(canvas.box, spec)
    grown = np.float32(spec.mass_effect * spec.core_radius_mm)
    radius = np.sqrt(gaps[0] ** 2 + gaps[1] ** 2 + gaps[2] ** 2) + np.float32(1e-3)
    shrink = 1 - np.cbrt(np.maximum(1 - (grown / radius) ** 3, 0))
    canvas.x_mm -= gaps[0] * shrink
    canvas.y_mm -= gaps[1] * shrink
    canvas.z_mm -= gaps[2] * shrink


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
        Labels of `Region`, uint8, of the canvas' shape; 0 where there is no tumour.
    """
    window = cortex.window
    gaps = [
        np.broadcast_to(gap, canvas.box.shape_kji)[window] for gap in _from_centre(canvas.box, spec)
    ]
    waves = [smooth_noise(rng, canvas.box, scale)[window] for scale in (24, 11, 15, 20)]
    squash = rng.uniform(0.85, 1.15, 3).astype(np.float32)
    radius = np.sqrt(sum((gap * s) ** 2 for gap, s in zip(gaps, squash, strict=True)))
    rough = np.float32(0.17 * spec.irregularity * spec.core_radius_mm)
    core = radius - np.float32(spec.core_radius_mm) + rough * waves[0] + rough / 3 * waves[1]
    core = np.maximum(core, cortex.hull_mm + np.float32(1.5))
    rim = np.float32(spec.rim_mm) * np.maximum(1 + np.float32(0.35) * waves[2], 0.3)
    _paint_oedema(canvas, cortex, core - np.float32(spec.oedema_mm) * (1 + waves[3] * 0.45))
    canvas.paint(Tissue.ENHANCING_RIM, canvas.coverage(core), window)
    canvas.paint(Tissue.NECROSIS, canvas.coverage(core + rim), window)
    return tumour_labels(canvas.primary_kji)


def tumour_labels(primary_kji: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels of `Region` that belong to an array of tissue codes."""
    table = np.zeros(max(Tissue) + 1, dtype=np.uint8)
    table[Tissue.NECROSIS] = Region.NCR
    table[Tissue.OEDEMA] = Region.ED
    table[Tissue.ENHANCING_RIM] = Region.ET
    return table[primary_kji]


def _paint_oedema(canvas: Canvas, cortex: Cortex, distance: FloatArray) -> None:
    """Oedema spreads in white matter and stops at cortex, nuclei and ventricles."""
    window = cortex.window
    white = canvas.primary_kji[window] == Tissue.WHITE_MATTER
    white &= cortex.hull_mm < 0
    spread = canvas.coverage(distance.astype(np.float32), softness_mm=4.0)
    canvas.paint(Tissue.OEDEMA, spread * canvas.share_kji[window] * white, window)


def _from_centre(box: Box, spec: TumourSpec) -> list[FloatArray]:
    return [axis - np.float32(c) for axis, c in zip(box.axes_mm(), spec.centre_lps_mm, strict=True)]
