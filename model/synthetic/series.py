"""The four series of the sample study: where they lie, how long they take, what they are called."""

from dataclasses import dataclass

import numpy as np

from model.synthetic.acquisition import Grid, oblique_grid
from model.synthetic.signal import PROTOCOLS, Protocol, Sequence

# Columns: directions of the columns' index i, the rows' index j and the slices' index k.
AXIAL = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
SAGITTAL = np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])
CORONAL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


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
    protocol
        Timing.
    grid
        Where its voxels lie.
    noise, shading
        As `receive` takes them.
    white_matter
        Stored value of white matter.
    window_width
        Width of the window that shows the brain well; it starts at 0.
    scanning_sequence, sequence_variant, scan_options, acquisition_type
        (0018,0020), (0018,0021), (0018,0022) and (0018,0023).
    echo_train
        Echoes after one excitation.
    start
        Time of day, HHMMSS.
    image_type
        (0008,0008).
    """

    sequence: Sequence
    number: int
    description: str
    folder: str
    protocol: Protocol
    grid: Grid
    noise: float
    shading: float
    white_matter: float
    window_width: float
    scanning_sequence: tuple[str, ...]
    sequence_variant: tuple[str, ...]
    scan_options: tuple[str, ...]
    acquisition_type: str
    echo_train: int
    start: str
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M", "NORM")


def plan_study(coarseness: float = 1.0) -> tuple[SeriesPlan, ...]:
    """Plan T1 (sagittal 3D), T2 (3 mm), FLAIR (5 mm, gap 10 %) and T1c (axial 3D).

    Parameters
    ----------
    coarseness
        Divides the matrix and multiplies the spacing in all directions; 1 is the real thing, 2
        makes a study an eighth of the size for tests.
    """
    return (
        _t1(coarseness),
        _t2(coarseness),
        _flair(coarseness),
        _t1c(coarseness),
    )


def _shape(shape_kji: tuple[int, int, int], coarseness: float) -> tuple[int, int, int]:
    k, j, i = (max(2, round(n / coarseness)) for n in shape_kji)
    return k, j, i


def _spacing(
    spacing_kji_mm: tuple[float, float, float], coarseness: float
) -> tuple[float, float, float]:
    k, j, i = (s * coarseness for s in spacing_kji_mm)
    return k, j, i


def _t1(coarseness: float) -> SeriesPlan:
    grid = oblique_grid(
        _shape((176, 224, 256), coarseness),
        _spacing((1.0, 1.0, 1.0), coarseness),
        axes_lps=SAGITTAL,
        tilt_deg=(1.5, 1.0, -2.0),
        centre_lps_mm=(2.0, -18.0, 24.0),
        slice_thickness_mm=1.0 * coarseness,
    )
    return SeriesPlan(
        Sequence.T1, 2, "t1_spgr_sag_iso", "02_t1_sag", PROTOCOLS[Sequence.T1], grid,
        0.038, 0.18, 420.0, 700.0, ("GR",), ("SP", "OSP"), ("PFP",), "3D", 1, "093105",
    )  # fmt: skip


def _t2(coarseness: float) -> SeriesPlan:
    grid = oblique_grid(
        _shape((52, 288, 240), coarseness),
        _spacing((3.0, 0.8, 0.8), coarseness),
        axes_lps=AXIAL,
        tilt_deg=(-6.0, 2.0, 1.5),
        centre_lps_mm=(0.0, -18.0, 29.0),
        slice_thickness_mm=3.0 * coarseness,
    )
    return SeriesPlan(
        Sequence.T2, 3, "t2_tse_tra_3mm", "03_t2_tra", PROTOCOLS[Sequence.T2], grid,
        0.038, 0.20, 260.0, 900.0, ("SE",), ("SK", "OSP"), ("PFP",), "2D", 15, "093740",
    )  # fmt: skip


def _flair(coarseness: float) -> SeriesPlan:
    grid = oblique_grid(
        _shape((28, 256, 208), coarseness),
        _spacing((5.5, 0.9, 0.9), coarseness),
        axes_lps=AXIAL,
        tilt_deg=(-9.0, 0.0, -1.5),
        centre_lps_mm=(2.0, -16.0, 27.0),
        slice_thickness_mm=5.0 * coarseness,
    )
    return SeriesPlan(
        Sequence.FLAIR, 4, "t2_flair_tra_5mm", "04_flair_tra", PROTOCOLS[Sequence.FLAIR], grid,
        0.038, 0.20, 340.0, 750.0, ("SE", "IR"), ("SK", "OSP"), ("FS",), "2D", 19, "094310",
    )  # fmt: skip


def _t1c(coarseness: float) -> SeriesPlan:
    grid = oblique_grid(
        _shape((176, 256, 208), coarseness),
        _spacing((1.0, 1.0, 1.0), coarseness),
        axes_lps=AXIAL,
        tilt_deg=(-4.0, 1.0, 2.0),
        centre_lps_mm=(2.0, -15.0, 27.0),
        slice_thickness_mm=1.0 * coarseness,
    )
    return SeriesPlan(
        Sequence.T1C, 5, "t1_spgr_tra_iso_gd", "05_t1_gd_tra", PROTOCOLS[Sequence.T1C], grid,
        0.038, 0.18, 420.0, 700.0, ("GR",), ("SP", "OSP"), ("PFP",), "3D", 1, "095820",
    )  # fmt: skip
