"""The target lesions that a reader chose: in words, as numbers in a file, and read back."""

from typing import Any

from desktop_app.domain.lesion import Lesion
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Segmentation
from desktop_app.services.measuring.diameters import CRITERIA
from desktop_app.services.measuring.lesions import measure_lesions, sum_of_products_mm2

CHOSEN_BY = "reader"
TARGETS_LOST = (
    "The target lesions of the earlier result fit none of its lesions as they are now; "
    "please choose them again."
)

# Files hold mm³ with three decimals and mm² with one.
_SAME_SHARE = 1e-3


def chosen_targets(result: StudyResult) -> tuple[Lesion, ...]:
    """Return the lesions that the reader ticked, the largest first."""
    if not result.targets:
        return ()
    return tuple(
        one for one in measure_lesions(result.segmentation) if one.number in result.targets
    )


def standing_warnings(result: StudyResult) -> tuple[str, ...]:
    """Return the warnings of a result, but for the wish for targets where some were chosen since.

    The segmentation itself keeps it: who takes the choice back reads it again.
    """
    warnings = result.segmentation.warnings
    return tuple(one for one in warnings if one != TARGETS_LOST) if result.targets else warnings


def targets_in_words(result: StudyResult) -> tuple[str, ...]:
    """Return a line with the chosen lesions and the sum of their products; none without them."""
    targets = chosen_targets(result)
    if not targets:
        return ()
    named = ", ".join(f"{one.number} ({one.diameters.product_mm2:.0f} mm²)" for one in targets)
    total_mm2 = sum_of_products_mm2(targets)
    return (
        f"Target lesions, chosen by the reader: {named}; sum of products {total_mm2:.0f} mm² "
        f"({CRITERIA})",
    )


def targets_document(result: StudyResult) -> dict[str, Any] | None:
    """Return what is said of the target lesions; ``None`` where none was chosen."""
    targets = chosen_targets(result)
    if not targets:
        return None
    return {
        "criteria": CRITERIA,
        "chosen_by": CHOSEN_BY,
        "numbers": [one.number for one in targets],
        "sum_of_products_mm2": round(sum_of_products_mm2(targets), 1),
    }


def read_targets(document: dict[str, Any], segmentation: Segmentation) -> tuple[int, ...] | None:
    """Return the numbers of the lesions that the reader chose for a result.

    ``None`` where a lesion that was chosen is not there any more.

    Parameters
    ----------
    document
        The numbers of that result.
    segmentation
        Its labels, as they are now: somebody may have changed the file.

    Raises
    ------
    KeyError, TypeError, ValueError, AttributeError
        If the document is damaged.
    """
    listed = document.get("lesions") or []
    chosen = [(place, one) for place, one in enumerate(listed, 1) if one.get("is_target")]
    if not chosen:
        return ()
    lesions = {one.number: one for one in measure_lesions(segmentation)}
    for number, stored in chosen:
        if number not in lesions or not _is_same(lesions[number], stored):
            return None
    return tuple(number for number, _ in chosen)


def _is_same(lesion: Lesion, stored: dict[str, Any]) -> bool:
    pairs = (
        (lesion.volume_mm3, float(stored["volume_mm3"])),
        (lesion.diameters.product_mm2, float(stored["product_mm2"])),
    )
    return all(abs(now - then) <= _SAME_SHARE * max(then, 1.0) + 0.05 for now, then in pairs)
