"""The tissues of the head phantom and how their protons relax."""

from dataclasses import dataclass
from enum import IntEnum


class Tissue(IntEnum):
    """What a point of the head is made of; the value is its code in ``HeadPhantom`` arrays."""

    AIR = 0
    CORTICAL_BONE = 1
    MARROW = 2
    SKIN = 3
    FAT = 4
    MUSCLE = 5
    MUCOSA = 6
    VITREOUS = 7
    LENS = 8
    DURA = 9
    BLOOD = 10
    CSF = 11
    GREY_MATTER = 12
    WHITE_MATTER = 13
    STRIATUM = 14
    PALLIDUM = 15
    THALAMUS = 16
    BRAINSTEM = 17
    CHOROID = 18
    OEDEMA = 19
    ENHANCING_RIM = 20
    NECROSIS = 21


BRAIN_TISSUES = (
    Tissue.GREY_MATTER,
    Tissue.WHITE_MATTER,
    Tissue.STRIATUM,
    Tissue.PALLIDUM,
    Tissue.THALAMUS,
    Tissue.BRAINSTEM,
    Tissue.CHOROID,
    Tissue.OEDEMA,
    Tissue.ENHANCING_RIM,
    Tissue.NECROSIS,
)


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Magnetic properties of one tissue.

    Parameters
    ----------
    t1_ms, t2_ms
        Longitudinal and transverse relaxation times at 3 T.
    proton_density
        Relative to water, 0 to 1.
    contrast_mmol_l
        Gadolinium concentration some minutes after a standard dose.
    fat_fraction
        Part of the signal that fat saturation takes away.
    """

    t1_ms: float
    t2_ms: float
    proton_density: float
    contrast_mmol_l: float = 0.0
    fat_fraction: float = 0.0

    def __post_init__(self) -> None:
        if min(self.t1_ms, self.t2_ms) <= 0:
            raise ValueError("relaxation times must be positive")
        if not 0 <= self.proton_density <= 1 or self.contrast_mmol_l < 0:
            raise ValueError("proton density must lie in 0 to 1, the concentration above 0")


# White matter, and T1 of grey matter: Wansapura et al. 1999, J Magn Reson Imaging 9:531 (832 and
# 79.6 ms; 1331 ms). T2 of grey matter is within 99 ± 7 (in vitro; Stanisz et al. 2005, doi
# 10.1002/mrm.20605), where Wansapura et al. have 110 ± 2. Fat and muscle are assumptions, beside
# what is measured at 3 T: T1 of fat 382 ± 13 and of muscle 898 ± 33 (de Bazelaire et al. 2004, doi
# 10.1148/radiol.2303021331; muscle is set longer by its look); T2 of fat 41 to 143 and of muscle
# 34 ± 7 (Pai et al. 2008, doi 10.1016/j.mri.2008.02.017). T1 of blood: Stanisz et al. (1932 ± 85);
# its T2 (there 275 ± 50) is shortened to stand for the loss of signal by flow. CSF and the order
# among deep nuclei: Rooney et al. 2007, doi 10.1002/mrm.21122. Contrast in the rim: "Quantitative
# T1 mapping indicates tumor infiltration beyond the enhancing part of glioblastomas" (2020) finds
# T1 shortened by 838 ms (SD 210). Everything else about the tumour is set so that its brightness
# relative to white matter is in the middle of what routine studies show; skin, mucosa, dura,
# choroid plexus and marrow by their look.
RELAXATION: dict[Tissue, Relaxation] = {
    Tissue.AIR: Relaxation(1000, 10, 0.0),
    Tissue.CORTICAL_BONE: Relaxation(1000, 5, 0.04),
    Tissue.MARROW: Relaxation(480, 62, 0.55, fat_fraction=0.6),
    Tissue.SKIN: Relaxation(1100, 38, 0.70),
    Tissue.FAT: Relaxation(365, 133, 0.85, fat_fraction=1.0),
    Tissue.MUSCLE: Relaxation(1420, 32, 0.82, 0.02),
    Tissue.MUCOSA: Relaxation(1500, 100, 0.85, 0.25),
    Tissue.VITREOUS: Relaxation(4000, 1200, 0.98),
    Tissue.LENS: Relaxation(1500, 30, 0.65),
    Tissue.DURA: Relaxation(1200, 35, 0.55, 0.20),
    Tissue.BLOOD: Relaxation(1932, 45, 0.70, 1.0),
    Tissue.CSF: Relaxation(4300, 1500, 1.0),
    Tissue.GREY_MATTER: Relaxation(1331, 97, 0.82, 0.015),
    Tissue.WHITE_MATTER: Relaxation(832, 79.6, 0.70, 0.008),
    Tissue.STRIATUM: Relaxation(1250, 84, 0.80, 0.012),
    Tissue.PALLIDUM: Relaxation(950, 64, 0.74, 0.01),
    Tissue.THALAMUS: Relaxation(1080, 84, 0.77, 0.01),
    Tissue.BRAINSTEM: Relaxation(930, 84, 0.73, 0.01),
    Tissue.CHOROID: Relaxation(1600, 130, 0.88, 0.35),
    Tissue.OEDEMA: Relaxation(1080, 120, 0.81, 0.012),
    Tissue.ENHANCING_RIM: Relaxation(1250, 110, 0.84, 0.23),
    Tissue.NECROSIS: Relaxation(1750, 170, 0.92, 0.03),
}
