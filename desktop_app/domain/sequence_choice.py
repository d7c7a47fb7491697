"""What the pixels say of which series serves as which sequence."""

from dataclasses import dataclass
from enum import StrEnum

from desktop_app.domain.study import Sequence


class Finding(StrEnum):
    """What the pixels say of the sequence an image is taken for."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    CANNOT_TELL = "cannot tell"
    DOUBTFUL = "doubtful"
    KEPT_BY_USER = "kept as the user chose"


@dataclass(frozen=True, slots=True)
class PixelFinding:
    """What the pixels say of one sequence.

    Parameters
    ----------
    given_as
        The sequence the image was taken for before; another one only where corrected.
    margin
        Log-likelihood by which this assignment of the images beats the best one that gives this
        sequence another image; infinite where there is none.
    sentence
        The same for people.
    """

    given_as: Sequence
    finding: Finding
    margin: float
    sentence: str
