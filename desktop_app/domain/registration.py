"""How one image was moved onto another, and whether that can be believed."""

from dataclasses import dataclass

from desktop_app.domain.geometry import Geometry


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A rigid motion found between two images.

    Parameters
    ----------
    moved_geometry
        The moving image's grid after the motion; its voxels are not resampled.
    score
        0 (no agreement) to 1: quality of the match.
    ok
        Whether score, overlap and motion are plausible.
    translation_mm, rotation_deg
        Size of the motion relative to the headers.
    message
        One plain sentence for the user.
    """

    moved_geometry: Geometry
    score: float
    ok: bool
    translation_mm: float
    rotation_deg: float
    message: str
