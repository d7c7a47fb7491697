"""Coefficients of the evidence that `contrast_evidence` takes from two images.

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
        1.488,
        1.516,
        1.863,
        1.834,
        0.681,
        1.201,
    ),
    PairTest.T1_T2: (
        -0.523,
        -1.082,
        -0.657,
        -0.156,
        -0.460,
        -0.227,
        -1.063,
        4.134,
        2.231,
        -0.673,
        -0.682,
        -1.422,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
    ),
    PairTest.T1_FLAIR: (
        0.950,
        -0.757,
        -2.524,
        -0.144,
        0.550,
        -0.572,
        -4.030,
        9.775,
        6.336,
        -1.031,
        -1.451,
        1.808,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
    ),
    PairTest.T2_FLAIR: (
        0.480,
        0.299,
        -0.280,
        0.110,
        0.599,
        0.145,
        -0.391,
        -6.615,
        -6.846,
        0.590,
        0.567,
        1.524,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
        0.000,
    ),
}
