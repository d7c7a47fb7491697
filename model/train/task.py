"""What a network is trained to find, and what its model card says of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor

from model.spec import REGIONS, SEQUENCES

_WORD: Final = re.compile(r"[^\W_]+")
_OTHER_SIDE: Final = {"left": "right", "l": "r"}


@dataclass(frozen=True, slots=True)
class Task:
    """Channels in, channels out, and what they mean.

    Attributes
    ----------
    name
        Of the data set or the disease.
    modalities, targets
        Channels of the input and of the logits.
    exclusive
        Every voxel is of exactly one target, the first of which is background; otherwise targets
        are regions that may overlap.
    card
        What the model card says beyond names: spacing, normalisation. Empty for brain tumours,
        the task that a card without such a section has.
    """

    name: str
    modalities: tuple[str, ...]
    targets: tuple[str, ...]
    exclusive: bool
    spacing_kji_mm: tuple[float, float, float]
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def scored(self) -> tuple[str, ...]:
        """The targets that are judged: all but the background."""
        return self.targets[1:] if self.exclusive else self.targets

    def masks(self, logits: Tensor) -> Tensor:
        """Return boolean masks of the scored targets from logits ``(batch, channels, k, j, i)``."""
        if not self.exclusive:
            return logits > 0
        classes = logits.argmax(dim=1, keepdim=True)
        values = torch.arange(1, len(self.targets), device=logits.device).view(1, -1, 1, 1, 1)
        return classes == values

    def card_section(self) -> dict[str, Any]:
        """Return the card's section ``task``; empty for brain tumours."""
        if not self.card:
            return {}
        names = {
            "name": self.name,
            "modalities": list(self.modalities),
            "labels": list(self.targets),
            "exclusive": self.exclusive,
        }
        return {"task": {**names, **self.card}}


BRAIN_TUMOUR = Task(
    "glioma by BraTS' definition",
    tuple(str(sequence) for sequence in SEQUENCES),
    tuple(str(region) for region in REGIONS),
    exclusive=False,
    spacing_kji_mm=(1.0, 1.0, 1.0),
)


def sided_pairs(labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the labels that have a counterpart on the other side, left first.

    Their names differ in one word alone: left and right, or l and r.
    """
    by_words = {tuple(_WORD.findall(label.lower())): label for label in labels}
    pairs = []
    for words, label in by_words.items():
        for n, word in enumerate(words):
            other = (*words[:n], _OTHER_SIDE.get(word, ""), *words[n + 1 :])
            if other in by_words:
                pairs.append((label, by_words[other]))
    return tuple(pairs)
