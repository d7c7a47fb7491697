"""How a result came about: on every number and file the product writes."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop_app.domain.correction import RegionCorrection

UNKNOWN = "unknown"
"""Stands for each part of an origin that nothing tells, as of labels that came alone."""

NAMELESS_FILE = "a file of another program"
"""Stands for the name of a file, which may tell whose labels it holds."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything needed to repeat a result.

    Parameters
    ----------
    steps
        Human-readable steps in order ("T2 registered to T1c, score 0.83").
    edited
        Whether a person changed the labels after the network.
    seconds
        Wall seconds per stage: import, preprocess, inference, postprocess, export, total.
    corrections
        How far a person changed each region; empty where none did, or it is not known from what.
    labels_of
        The file of another program that the labels were read from; empty where there is none.
    """

    model_id: str
    weights_sha256: str
    app_version: str
    device: str
    precision: str
    steps: tuple[str, ...] = ()
    edited: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    corrections: "tuple[RegionCorrection, ...]" = ()
    labels_of: str = ""

    @property
    def is_known(self) -> bool:
        """Whether anything tells which network the labels came from, or if a person drew them."""
        return self.model_id != UNKNOWN

    def origin_in_words(self, network: str, *, nameless: bool = False) -> str:
        """Where the labels come from.

        Parameters
        ----------
        network
            What is said of the network, where they are of a known one.
        nameless
            Leave out the name of a file.
        """
        if self.labels_of:
            return f"labels of {NAMELESS_FILE if nameless else self.labels_of}"
        return network if self.is_known else "network not known"

    @property
    def correction_in_words(self) -> str:
        """Whether a person changed the labels, as far as that is known."""
        if self.edited:
            return "corrected by hand"
        return "not corrected by hand" if self.is_known else "not known whether corrected by hand"
