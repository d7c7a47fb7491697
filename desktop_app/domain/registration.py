"""How one image was moved onto another, and whether that can be believed."""

from dataclasses import dataclass

from desktop_app.domain.geometry import Geometry

# Smaller motion between images of one grid is within the registration's own error.
_STILL_MM, _STILL_DEG = 0.8, 0.6


@dataclass(frozen=True, slots=True)
class RegistrationQuality:
    """How well one image lies on another.

    Parameters
    ----------
    score
        0 (no agreement) to 1: quality of the match.
    overlap
        Share of the head that both images show.
    translation_mm, rotation_deg
        Size of the motion relative to the headers.
    ok
        Whether score, overlap and motion are plausible.
    sentence
        One plain sentence for the user.
    """

    score: float
    overlap: float
    translation_mm: float
    rotation_deg: float
    ok: bool
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A rigid motion found between two images.

    Parameters
    ----------
    moved_geometry
        The moving image's grid after the motion; its voxels are not resampled.
    score, translation_mm, rotation_deg, ok
        As in `RegistrationQuality`.
    message
        One plain sentence for the user.
    overlap
        Share of the head that both images show.
    """

    moved_geometry: Geometry
    score: float
    ok: bool
    translation_mm: float
    rotation_deg: float
    message: str
    overlap: float = 1.0

    @property
    def is_still(self) -> bool:
        """Whether the motion is too small to be told from none."""
        return self.translation_mm < _STILL_MM and self.rotation_deg < _STILL_DEG

    @property
    def quality(self) -> RegistrationQuality:
        """How well the image lies where it was moved."""
        return RegistrationQuality(
            self.score,
            self.overlap,
            self.translation_mm,
            self.rotation_deg,
            self.ok,
            self.message,
        )
