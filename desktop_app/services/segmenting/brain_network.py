"""Whom to ask where the brain is; apart from `brain_outline`, which loads what reads images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.paths import weights_dir
from desktop_app.services.models import WEIGHTS_SUFFIX
from model.messages import DEFAULT_BRAIN_MODEL, BrainRequest, BrainResult, Precision


class BrainFinder(Protocol):
    """What outlining needs of the model's process."""

    def find_brain(self, request: BrainRequest, *, token: CancelToken = NEVER) -> BrainResult:
        """Show the network the images of one head."""


@dataclass(frozen=True, slots=True)
class BrainNetwork:
    """The network that finds brains, and where it shall compute.

    Parameters
    ----------
    finder
        The model's process.
    weights_folder
        Where the network's weights lie.
    device, precision
        As the segmentation has them.
    """

    finder: BrainFinder
    weights_folder: Path
    device: str = "auto"
    precision: str = Precision.AUTO


def bundled_network(finder: BrainFinder, device: str, precision: str) -> BrainNetwork | None:
    """Return the network that came with the program; ``None`` if this copy came without."""
    folder = weights_dir()
    if not (folder / f"{DEFAULT_BRAIN_MODEL}{WEIGHTS_SUFFIX}").is_file():
        return None
    return BrainNetwork(finder, folder, device, precision)
