"""What a file of another program marks, before anybody said which region that is."""

from dataclasses import dataclass

from desktop_app.domain.segmentation import Region


@dataclass(frozen=True, slots=True)
class LabelPart:
    """A value of a mask, or a segment of a DICOM SEG.

    Parameters
    ----------
    number
        The value, or the segment's number.
    name
        What the file calls it; empty where it gives numbers only.
    volume_mm3
        On the grid of the file.
    proposed
        Which of ET, NCR and ED it seems to be; ``None`` where nothing tells, or none of them.
    """

    number: int
    name: str
    volume_mm3: float
    proposed: Region | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.number}: {self.name}" if self.name else f"Value {self.number}"
