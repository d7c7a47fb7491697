"""Whom to ask where the brain is; apart from `brain_outline`, which loads what reads images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from desktop_app.jobs.cancel import CancelToken
from model.messages import BrainRequest, BrainResult, Precision


class BrainFinder(Protocol):
    """What outlining needs of the model's process."""

    def find_brain(self, request: BrainRequest, *, token: CancelToken | None = None) -> BrainResult:
        """Show the network the images of one head."""


@dataclass(frozen=True, slots=True)
class BrainNetwork:
    """The network that finds brains, and where it shall compute.

    Parameters
    ----------
    finder
        The model's process.
    device, precision
        As the segmentation has them.
    weights_folder
        Where the network's weights lie; with the program by default.
    """

    finder: BrainFinder
    device: str = "auto"
    precision: str = Precision.AUTO
    weights_folder: Path | None = None
