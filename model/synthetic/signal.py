"""What a pulse sequence makes of a tissue: the textbook signal equations."""

from dataclasses import dataclass
from enum import StrEnum
from math import cos, exp, radians, sin

from model.spec import Sequence
from model.synthetic.tissues import Relaxation

# Gadobutrol in human plasma at 3 T, 37 °C: 4.97 ± 0.59, Szomolanyi et al. 2019, doi
# 10.1097/RLI.0000000000000577.
RELAXIVITY_L_PER_MMOL_S = 4.97
# Fat saturation is never complete across a head.
_SUPPRESSED = 0.8


class Kind(StrEnum):
    """The family of a pulse sequence, which decides its signal equation."""

    SPOILED_GRADIENT_ECHO = "spoiled gradient echo"
    SPIN_ECHO = "spin echo"
    INVERSION_RECOVERY = "inversion recovery"


@dataclass(frozen=True, slots=True)
class Protocol:
    """Timing of one series.

    Parameters
    ----------
    kind
        Which signal equation holds.
    repetition_time_ms, echo_time_ms
        TR and the (effective) TE.
    inversion_time_ms
        TI; 0 where there is no inversion.
    flip_angle_deg
        Excitation angle.
    contrast
        Whether the contrast agent has been given before.
    fat_suppression
        Whether fat is saturated before each excitation.
    """

    kind: Kind
    repetition_time_ms: float
    echo_time_ms: float
    inversion_time_ms: float = 0.0
    flip_angle_deg: float = 90.0
    contrast: bool = False
    fat_suppression: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.echo_time_ms < self.repetition_time_ms:
            raise ValueError("the echo must come before the next repetition")
        inverts = self.kind is Kind.INVERSION_RECOVERY
        if inverts != (self.inversion_time_ms > 0):
            raise ValueError("an inversion time belongs to inversion recovery, and only to it")
        if self.inversion_time_ms >= self.repetition_time_ms:
            raise ValueError("the inversion time must be shorter than the repetition")


PROTOCOLS: dict[Sequence, Protocol] = {
    Sequence.T1: Protocol(Kind.SPOILED_GRADIENT_ECHO, 8.2, 3.2, flip_angle_deg=18),
    Sequence.T1C: Protocol(Kind.SPOILED_GRADIENT_ECHO, 8.2, 3.2, flip_angle_deg=18, contrast=True),
    Sequence.T2: Protocol(Kind.SPIN_ECHO, 5000, 98),
    Sequence.FLAIR: Protocol(
        Kind.INVERSION_RECOVERY, 9000, 120, inversion_time_ms=2500, fat_suppression=True
    ),
}


def signal(tissue: Relaxation, protocol: Protocol) -> float:
    """Signal of a tissue, relative to the equilibrium magnetisation of water.

    Spoiled gradient echo: Ernst's steady state. Spin echo and inversion recovery (magnitude):
    Bernstein, King, Zhou, *Handbook of MRI Pulse Sequences* (2004). The contrast agent adds its
    relaxivity times its concentration to 1/T1; its effect on T2 is neglected.

    Parameters
    ----------
    tissue
        Relaxation times, proton density and uptake of contrast.
    protocol
        Timing.
    """
    dose = tissue.contrast_mmol_l if protocol.contrast else 0.0
    t1_ms = 1.0 / (1.0 / tissue.t1_ms + RELAXIVITY_L_PER_MMOL_S * dose / 1000.0)
    recovery = exp(-protocol.repetition_time_ms / t1_ms)
    flip = radians(protocol.flip_angle_deg)
    match protocol.kind:
        case Kind.SPOILED_GRADIENT_ECHO:
            longitudinal = sin(flip) * (1 - recovery) / (1 - cos(flip) * recovery)
        case Kind.SPIN_ECHO:
            longitudinal = sin(flip) * (1 - recovery)
        case Kind.INVERSION_RECOVERY:
            inversion = exp(-protocol.inversion_time_ms / t1_ms)
            longitudinal = sin(flip) * abs(1 - 2 * inversion + recovery)
    decay = exp(-protocol.echo_time_ms / tissue.t2_ms)
    water = 1 - _SUPPRESSED * tissue.fat_fraction if protocol.fat_suppression else 1.0
    return float(tissue.proton_density * water * longitudinal * decay)
