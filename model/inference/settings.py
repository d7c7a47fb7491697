"""How a model wants to be run; its card says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from model.inference.windows import plan_windows

WHOLE: Final = "whole"


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """How the network looks at a brain.

    The defaults suit weights that were trained on crops: their attention has never seen a whole
    brain, and windows of 128³ do better than one pass. Weights whose training ended on whole brains
    do as well in one pass, at a tenth of the cost; their card says so.

    Parameters
    ----------
    window
        Side of a window in voxels; ``None`` (``null`` in a card) for the whole brain at once.
    overlap
        Least part of a window that its neighbour covers too.
    mirror
        Average with the answer for the brain mirrored left to right.

    Raises
    ------
    ValueError
        If window or overlap do not suit the network.
    """

    window: int | None = 128
    overlap: float = 0.5
    mirror: bool = False

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

    def with_window(self, window: str) -> "InferenceSettings":
        """Return a copy with windows of another side, or ``whole`` for the whole brain at once.

        Raises
        ------
        ValueError
            If it is neither, or does not suit the network.
        """
        if window == WHOLE:
            return replace(self, window=None)
        if not window.isdecimal():
            raise ValueError(f"a window is {WHOLE!r} or its side in voxels, not {window!r}")
        return replace(self, window=int(window))
