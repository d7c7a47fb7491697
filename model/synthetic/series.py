"""The four series of the sample study: their grids, their pulse sequences, their names."""

from dataclasses import dataclass

import numpy as np

from model.spec import Sequence
from model.synthetic.acquisition import Grid, oblique_grid
from model.synthetic.signal import PROTOCOLS, Protocol

# Columns: directions of the columns' index i, the rows' index j and the slices' index k.
AXIAL = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
SAGITTAL = np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])
CORONAL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


@dataclass(frozen=True, slots=True)
class PulseSequence:
    """How DICOM describes a pulse sequence (PS3.3 C.8.3.1).

    Parameters
    ----------
    scanning_sequence, variant, options
        (0018,0020), (0018,0021) and (0018,0022).
    acquisition_type
        (0018,0023): 2D or 3D.
    echo_train
        Echoes after one excitation.
    """

    scanning_sequence: tuple[str, ...]
    variant: tuple[str, ...]
    options: tuple[str, ...]
    acquisition_type: str
    echo_train: int = 1


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """How one series is acquired and described.

    Parameters
    ----------
    sequence
        Its role.
    number
        Series number.
    description, folder
        Series description, and the name of the folder its files go to.
    start
        Time of day, HHMMSS.
    pulses
        The pulse sequence in DICOM's terms; its timing is that of ``PROTOCOLS``.
    grid
        Where its voxels lie.
    white_matter
        Stored value of white matter.
    window_width
        Width of the window that shows the brain well; it starts at 0.
    image_type
        (0008,0008).
    """

    sequence: Sequence
    number: int
    description: str
    folder: str
    start: str
    pulses: PulseSequence
    grid: Grid
    white_matter: float
    window_width: float
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M", "NORM")

    @property
    def protocol(self) -> Protocol:
        """Timing."""
        return PROTOCOLS[self.sequence]


_GRADIENT_ECHO_3D = PulseSequence(("GR",), ("SP", "OSP"), ("PFP",), "3D")


def plan_study(coarseness: float = 1.0) -> tuple[SeriesPlan, ...]:
    """Plan T1 (sagittal 3D), T2 (3 mm), FLAIR (5 mm, gap 10 %) and T1c (axial 3D).

    Parameters
    ----------
    coarseness
        Divides the matrix and multiplies the spacing in all directions; 1 is the real thing, 2
        makes a study an eighth of the size for tests.

    Raises
    ------
    ValueError
        If the coarseness lies outside 1 to 4.
    """
    if not 1 <= coarseness <= 4:
        raise ValueError("coarseness must lie in 1 to 4")
    return (_t1(coarseness), _t2(coarseness), _flair(coarseness), _t1c(coarseness))


def _t1(coarseness: float) -> SeriesPlan:
    return SeriesPlan(
        sequence=Sequence.T1,
        number=2,
        description="t1_spgr_sag_iso",
        folder="02_t1_sag",
        start="093105",
        pulses=_GRADIENT_ECHO_3D,
        grid=oblique_grid(
            (176, 224, 256),
            (1.0, 1.0, 1.0),
            axes_lps=SAGITTAL,
            tilt_deg=(1.5, 1.0, -2.0),
            centre_lps_mm=(2.0, -18.0, 24.0),
            slice_thickness_mm=1.0,
        ).coarser(coarseness),
        white_matter=420.0,
        window_width=700.0,
    )


def _t2(coarseness: float) -> SeriesPlan:
    return SeriesPlan(
        sequence=Sequence.T2,
        number=3,
        description="t2_tse_tra_3mm",
        folder="03_t2_tra",
        start="093740",
        pulses=PulseSequence(("SE",), ("SK", "OSP"), ("PFP",), "2D", echo_train=15),
        grid=oblique_grid(
            (52, 288, 240),
            (3.0, 0.8, 0.8),
            axes_lps=AXIAL,
            tilt_deg=(-6.0, 2.0, 1.5),
            centre_lps_mm=(0.0, -18.0, 29.0),
            slice_thickness_mm=3.0,
        ).coarser(coarseness),
        white_matter=260.0,
        window_width=900.0,
    )


def _flair(coarseness: float) -> SeriesPlan:
    return SeriesPlan(
        sequence=Sequence.FLAIR,
        number=4,
        description="t2_flair_tra_5mm",
        folder="04_flair_tra",
        start="094310",
        pulses=PulseSequence(("SE", "IR"), ("SK", "OSP"), ("FS",), "2D", echo_train=19),
        grid=oblique_grid(
            (28, 256, 208),
            (5.5, 0.9, 0.9),
            axes_lps=AXIAL,
            tilt_deg=(-9.0, 0.0, -1.5),
            centre_lps_mm=(2.0, -16.0, 27.0),
            slice_thickness_mm=5.0,
        ).coarser(coarseness),
        white_matter=340.0,
        window_width=750.0,
    )


def _t1c(coarseness: float) -> SeriesPlan:
    return SeriesPlan(
        sequence=Sequence.T1C,
        number=5,
        description="t1_spgr_tra_iso_gd",
        folder="05_t1_gd_tra",
        start="095820",
        pulses=_GRADIENT_ECHO_3D,
        grid=oblique_grid(
            (176, 256, 208),
            (1.0, 1.0, 1.0),
            axes_lps=AXIAL,
            tilt_deg=(-4.0, 1.0, 2.0),
            centre_lps_mm=(2.0, -15.0, 27.0),
            slice_thickness_mm=1.0,
        ).coarser(coarseness),
        white_matter=420.0,
        window_width=750.0,
    )
