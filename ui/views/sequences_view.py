"""What the presenter of the sequences side by side may ask of the window."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume

READING_ORDER = (Sequence.T1C, Sequence.FLAIR, Sequence.T2, Sequence.T1)
"""The sequence a reader looks at first; the next in line where it is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class SequenceImage:
    """What there is of one sequence, to be shown beside the others.

    Parameters
    ----------
    volume
        The image, registered where that is known; ``None`` where the sequence is missing.
    series_uid
        The series it is of.
    note
        What is to be said of it, or why it is missing.
    """

    volume: Volume | None
    series_uid: str = ""
    note: str = ""


class SequencesView(Protocol):
    """The window as the presenter of the sequences sees it."""

    def show_sequence_images(self, images: Mapping[Sequence, SequenceImage]) -> None:
        """Have these images ready to stand beside each other, in planes of the one shown."""
