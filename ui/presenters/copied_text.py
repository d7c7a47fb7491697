"""The volumes and diameters of a study as a table for the clipboard, without its patient."""

from collections.abc import Mapping, Sequence

from desktop_app.domain.lesion import Lesion
from desktop_app.domain.measurement import Diameters
from desktop_app.domain.missing import volume_if_known
from desktop_app.domain.readable import (
    readable_diameters,
    readable_position,
)
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REGION_TITLES, Region
from desktop_app.services.export.report import DISCLAIMER
from desktop_app.services.measuring.diameters import CRITERIA, slice_in_words
from desktop_app.services.measuring.lesions import sum_of_products_mm2
from ui.presenters.rows import findings_of

_MEASURING = "being measured"


def copied_text(
    result: StudyResult,
    diameters: Mapping[Region, Diameters] | None,
    targets: Sequence[Lesion] = (),
) -> str:
    """Return lines of cells separated by tabs, for spreadsheets and reports.

    Parameters
    ----------
    diameters
        ``None`` while they are being measured.
    targets
        Lesions that the reader ticked.
    """
    findings = findings_of(result)
    lines: list[tuple[str, ...]] = []
    if findings.headline:
        lines.append((findings.headline,))
    if findings.rows:
        title = next((row.range_title for row in findings.rows if row.range_title), "Range")
        lines.append(("Region", "Volume (cm³)", f"{title} (cm³)", "Diameters", "Slice"))
    for row in findings.rows:
        volume_mm3 = None if row.volume_cm3 is None else 1000 * row.volume_cm3
        volume = volume_if_known(volume_mm3, is_rough=row.is_rough)
        name = f"{REGION_TITLES[row.region]} ({row.region.value})"
        lines.append((name, volume, row.range_text, *_cells(result, diameters, row.region)))
    if targets:
        numbers = ", ".join(str(one.number) for one in targets)
        # The lesions are those of the diameters: both are measured anew after a stroke.
        is_measured = diameters is not None
        total = f"{sum_of_products_mm2(targets):.0f} mm²" if is_measured else _MEASURING
        lines.append((f"Sum of products, target lesions {numbers} ({CRITERIA})", total))
    provenance = result.segmentation.provenance
    by_hand = ("corrected by hand",) if provenance.edited else ()
    lines.append(("Model", provenance.model_id, *by_hand))
    lines.append((DISCLAIMER,))
    return "\n".join("\t".join(cells) for cells in lines) + "\n"


def _cells(
    result: StudyResult, diameters: Mapping[Region, Diameters] | None, region: Region
) -> tuple[str, str]:
    if diameters is None:
        return _MEASURING, ""
    found = diameters.get(region)
    if found is None:
        return "", ""
    lengths = readable_diameters(found.long_mm, found.short_mm, found.least_mm)
    where = f"{found.plane.value} {readable_position(found.plane, found.position_mm)}"
    return lengths, f"{where}, {slice_in_words(result, found)}"
