"""One of the lesions of a head, told apart from the others."""

from dataclasses import dataclass

from desktop_app.domain.measurement import Diameters


@dataclass(frozen=True, slots=True)
class Lesion:
    """An enhancing lesion.

    Parameters
    ----------
    number
        From 1, the largest first.
    volume_mm3
        What enhances; necrosis that it encloses is left out.
    diameters
        Of this lesion alone.
    """

    number: int
    volume_mm3: float
    diameters: Diameters

    @property
    def may_be_target(self) -> bool:
        """Whether RANO 2.0 lets it be followed by its diameters; see `Diameters.is_measurable`."""
        return self.diameters.is_measurable
