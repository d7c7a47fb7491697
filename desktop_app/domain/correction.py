"""How a person changes labels."""

from dataclasses import dataclass
from enum import StrEnum


class Tool(StrEnum):
    """What a left drag over a slice does while labels are corrected."""

    BRUSH = "brush"
    OUTLINE = "outline"
    PART = "part"


class PaintOver(StrEnum):
    """Which voxels a tool may change; `SIMILAR` means those of one brightness."""

    EVERYTHING = "everything"
    TUMOUR = "tumour"
    BACKGROUND = "background"
    SIMILAR = "similar"


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """A tool and what it leaves behind.

    Parameters
    ----------
    value
        Label it paints; 0 erases.
    radius_mm
        Of the brush.
    is_ball
        Whether the brush reaches into neighbouring slices.
    over
        Voxels it may change; erasing never needs to ask.
    """

    tool: Tool = Tool.BRUSH
    value: int = 3
    radius_mm: float = 4.0
    is_ball: bool = False
    over: PaintOver = PaintOver.EVERYTHING

    def __post_init__(self) -> None:
        if not self.radius_mm > 0:
            raise ValueError(f"a brush has a positive radius, not {self.radius_mm} mm")
        if not 0 <= self.value <= 255:
            raise ValueError(f"labels are 0 to 255, not {self.value}")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of labels that can be taken back.

    Parameters
    ----------
    title
        What was done, to stand behind "Undo".
    start_kji, shape_kji
        Box that holds all changed voxels.
    packed
        zlib-compressed exclusive or of the box before and after, uint8 in k, j, i order; its own
        inverse, so that undo and redo are the same step.
    """

    title: str
    start_kji: tuple[int, int, int]
    shape_kji: tuple[int, int, int]
    packed: bytes
