"""What is less certain without one of the four sequences."""

from collections.abc import Iterable

from desktop_app.domain.readable import readable_volume
from desktop_app.domain.study import Sequence

WITHOUT = {
    Sequence.T1: "haemorrhage may be taken for enhancement",
    Sequence.T1C: (
        "enhancing tumour cannot be seen; only the volume of the whole tumour can be used"
    ),
    Sequence.T2: "the outline of the tumour core is less certain",
    Sequence.FLAIR: "the outline of the oedema is less certain",
}
"""By the sequence that is missing; the end of a sentence."""

NOT_KNOWN = "not known"
"""Stands for the volume of what cannot be told apart without T1c; never 0."""


def volume_if_known(volume_mm3: float | None, *, is_rough: bool = False) -> str:
    """Return a volume in cm³ for people, *about* so much if rough, and `NOT_KNOWN` for none."""
    if volume_mm3 is None:
        return NOT_KNOWN
    return f"{'about ' if is_rough else ''}{readable_volume(volume_mm3)}"


def without_contrast_first(warnings: Iterable[str]) -> tuple[str, ...]:
    """Return warnings with that of a missing T1c first: what the numbers mean depends on it."""
    return tuple(sorted(warnings, key=lambda one: WITHOUT[Sequence.T1C] not in one))
