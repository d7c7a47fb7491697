"""Coefficients of the evidence that `sequence_pixels` takes from two images.

Fitted by ``python packaging/fit_contrast_evidence.py DATA``; see there.
"""

from enum import StrEnum


class PairTest(StrEnum):
    """What two images are told apart by: the first against the second."""

    T1C_T1 = "enhanced T1 and T1"
    T1_T2 = "T1, enhanced or not, and T2"
    T1_FLAIR = "T1, enhanced or not, and FLAIR"
    T2_FLAIR = "T2 and FLAIR"


WEIGHTS: dict[PairTest, tuple[float, ...]] = {
    PairTest.T1C_T1: (
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        1.919,
        1.902,
        1.922,
        2.722,
        0.715,
        1.906,
    ),
    PairTest.T1_T2: (
        -1.089,
        -0.979,
        -0.878,
        -0.126,
        -0.178,
        -0.432,
        -3.099,
        1.378,
        4.836,
        -1.186,
        -1.209,
        -1.854,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
    ),
    PairTest.T1_FLAIR: (
        0.249,
        2.454,
        -4.837,
        -0.658,
        1.149,
        2.151,
        -1.086,
        25.229,
        26.521,
        0.912,
        -2.429,
        3.460,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
    ),
    PairTest.T2_FLAIR: (
        0.463,
        0.432,
        -0.367,
        -0.068,
        0.789,
        0.240,
        0.684,
        -8.561,
        -5.847,
        0.864,
        0.735,
        3.039,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
    ),
}
