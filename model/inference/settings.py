"""How a model wants to be run; its card says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.inference.windows import plan_windows


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """How the network looks at a brain.

    One window over the whole brain is the default: the network takes any size, and one pass costs
    less than a third of what eight overlapping windows of 128³ do.

    Parameters
    ----------
    window
        Side of a window in voxels; ``None`` for the whole brain at once.
    overlap
        Least part of a window that its neighbour covers too.
    mirror
        Average with the answer for the brain mirrored left to right.

    Raises
    ------
    ValueError
        If window or overlap do not suit the network.
    """

    window: int | None = None
    overlap: float = 0.5
    mirror: bool = True

    def __post_init__(self) -> None:
        plan_windows((1, 1, 1), self.window, self.overlap)

    @classmethod
    def from_card(cls, document: Mapping[str, Any]) -> "InferenceSettings":
        """Read the ``inference`` section of a model card; what it leaves out is the default.

        Raises
        ------
        ValueError
            If a value is unknown or out of range.
        """
        section = dict(document.get("inference", {}))
        try:
            return cls(**section)
        except TypeError as error:
            raise ValueError(f"the model card's inference section: {error}") from error
