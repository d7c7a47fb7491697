"""How bright every tissue is: by the physics of a random protocol, or at random."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from model.synthetic.signal import Kind, Protocol, signal
from model.synthetic.tissues import RELAXATION, Relaxation, Tissue

Generator = np.random.Generator
Levels = npt.NDArray[np.float32]


def draw_levels(rng: Generator) -> tuple[Levels, Levels]:
    """Return each tissue's brightness and its deviation inside the tissue, brightest about 1."""
    count = len(Tissue)
    if rng.random() < 0.2:
        levels = rng.uniform(0.0, 1.0, count)
        spread = rng.uniform(0.0, 0.1, count)
        levels[Tissue.AIR] = rng.uniform(0.0, 0.08)
        if rng.random() < 0.7:
            levels[Tissue.CORTICAL_BONE] *= 0.3
    else:
        levels = _realistic(rng)
        spread = levels * rng.uniform(0.02, 0.12, count)
    return levels.astype(np.float32), spread.astype(np.float32)


def levels_of(protocol: Protocol) -> npt.NDArray[np.float64]:
    """Return each tissue's brightness under a protocol, the brightest 1."""
    levels = np.array([signal(RELAXATION[tissue], protocol) for tissue in Tissue])
    scaled: npt.NDArray[np.float64] = levels / levels.max()
    return scaled


def draw_protocol(rng: Generator) -> Protocol:
    """Return a sequence as routine studies of the head have it, T1 to proton density."""
    fat = bool(rng.random() < 0.25)
    contrast = bool(rng.random() < 0.5)
    kind = rng.integers(6)
    if kind == 0:
        return Protocol(
            Kind.SPOILED_GRADIENT_ECHO,
            rng.uniform(6, 30),
            rng.uniform(2, 5),
            flip_angle_deg=rng.uniform(10, 35),
            contrast=contrast,
            fat_suppression=fat,
        )
    if kind == 1:
        return Protocol(
            Kind.INVERSION_RECOVERY,
            rng.uniform(1600, 2600),
            rng.uniform(2, 5),
            inversion_time_ms=rng.uniform(750, 1150),
            contrast=contrast,
            fat_suppression=fat,
        )
    if kind == 2:
        return Protocol(
            Kind.SPIN_ECHO,
            rng.uniform(350, 800),
            rng.uniform(8, 20),
            contrast=contrast,
            fat_suppression=fat,
        )
    if kind == 3:
        return Protocol(
            Kind.SPIN_ECHO, rng.uniform(2500, 6000), rng.uniform(70, 130), fat_suppression=fat
        )
    if kind == 4:
        return Protocol(
            Kind.INVERSION_RECOVERY,
            rng.uniform(6000, 11000),
            rng.uniform(80, 150),
            inversion_time_ms=rng.uniform(1900, 2700),
            contrast=contrast,
            fat_suppression=bool(rng.random() < 0.5),
        )
    return Protocol(
        Kind.SPIN_ECHO, rng.uniform(2000, 4000), rng.uniform(8, 35), fat_suppression=fat
    )


def _realistic(rng: Generator) -> npt.NDArray[np.float64]:
    protocol = draw_protocol(rng)
    levels = np.array([signal(_patient(RELAXATION[tissue], rng), protocol) for tissue in Tissue])
    # Flow makes blood anything from black to the brightest of all.
    levels[Tissue.BLOOD] *= np.exp(rng.normal(0.0, 0.6))
    levels[Tissue.CSF] *= np.exp(rng.normal(0.0, 0.2))
    levels /= max(float(levels.max()), 1e-6)
    scaled: npt.NDArray[np.float64] = np.clip(levels + rng.normal(0.0, 0.015, levels.size), 0, 1)
    return scaled


def _patient(tissue: Relaxation, rng: Generator) -> Relaxation:
    """Return a tissue as another person, field strength or disease has it."""
    t1, t2, density, dose = np.exp(rng.normal(0.0, (0.15, 0.2, 0.07, 0.4)))
    return replace(
        tissue,
        t1_ms=tissue.t1_ms * float(t1),
        t2_ms=tissue.t2_ms * float(t2),
        proton_density=min(1.0, tissue.proton_density * float(density)),
        contrast_mmol_l=tissue.contrast_mmol_l * float(dose),
    )
