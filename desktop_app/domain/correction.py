"""How a person changes labels, and how far."""

import zlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.segmentation import Region

GROWING_MM = 30.0
"""What is equally bright farther away than that is no lesion but a tissue of the brain."""

_VALUES = 256


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
    only_over
        The only label it may change, whatever `over` says; ``None`` for no such limit.
    hidden
        Labels that are out of sight: nothing changes them.
    """

    tool: Tool = Tool.BRUSH
    value: int = 3
    radius_mm: float = 4.0
    is_ball: bool = False
    over: PaintOver = PaintOver.EVERYTHING
    only_over: int | None = None
    hidden: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not self.radius_mm > 0:
            raise ValueError(f"a brush has a positive radius, not {self.radius_mm} mm")
        if not 0 <= self.value <= 255:
            raise ValueError(f"labels are 0 to 255, not {self.value}")

    @property
    def changeable(self) -> NDArray[np.bool_]:
        """(256,) whether it may change a voxel of each label; of brightness it knows nothing."""
        values = np.ones(_VALUES, np.bool_)
        if self.only_over is not None:
            values[:] = False
            values[self.only_over] = True
        elif self.over is PaintOver.TUMOUR:
            values[0] = False
        elif self.over is PaintOver.BACKGROUND:
            values[1:] = False
        values[list(self.hidden)] = False
        return values


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

    @property
    def box_kji(self) -> tuple[slice, slice, slice]:
        """The box that holds all changed voxels."""
        k, j, i = (
            slice(start, start + size)
            for start, size in zip(self.start_kji, self.shape_kji, strict=True)
        )
        return k, j, i

    def delta_kji(self) -> NDArray[np.uint8]:
        """Return the exclusive or of the box before and after.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        try:
            return np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(self.shape_kji)
        except zlib.error as error:
            raise ValueError(f"the edit is damaged: {error}") from error


@dataclass(frozen=True, slots=True)
class RegionCorrection:
    """How far a person changed a region that the network had marked.

    Parameters
    ----------
    added_voxels, removed_voxels
        Voxels that are in the region now and were not, and the other way round.
    dice
        Overlap of both, 2 |A ∩ B| / (|A| + |B|); 1 where both are empty.
    """

    region: Region
    added_voxels: int
    removed_voxels: int
    dice: float
