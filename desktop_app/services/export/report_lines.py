"""Lines of the report on diameters, lesions, and how its numbers came about."""

from collections.abc import Iterable
from datetime import datetime

from desktop_app.domain.dates import readable_instant
from desktop_app.domain.measurement import Diameters
from desktop_app.domain.readable import (
    readable_diameters,
    readable_position,
    readable_share,
    readable_volume,
)
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.services.correction.words import corrected_in_words
from desktop_app.services.measuring.diameters import (
    CRITERIA,
    in_words,
    measure_diameters,
    slice_in_words,
)
from desktop_app.services.measuring.lesions import MOST_LISTED, measure_lesions
from desktop_app.services.measuring.measure import volume_intervals

WIDE = "wide"
"""Stands for a range that is too wide to be given."""

_MOST_LESIONS = 5


def diameter_line(result: StudyResult, found: Diameters) -> str:
    """Tell diameters, where they lie, and whether they are measurable."""
    return f"{in_words(found)}, {_measured(result, found)}"


def lesion_lines(result: StudyResult) -> Iterable[str]:
    """Yield how many enhancing lesions there are and the largest, where there are several."""
    lesions = measure_lesions(result.segmentation)
    if len(lesions) < 2:
        return
    count = f"{len(lesions)} or more" if len(lesions) == MOST_LISTED else f"{len(lesions)}"
    yield f"Enhancing lesions: {count} (of 1 cm³ or more, or measurable)"
    for one in lesions[:_MOST_LESIONS]:
        found = one.diameters
        lengths = readable_diameters(found.long_mm, found.short_mm, found.least_mm)
        where = f"{found.plane.value} {readable_position(found.plane, found.position_mm)}"
        yield (
            f"{one.number}: {readable_volume(one.volume_mm3)} cm³, {lengths}, {where}, "
            f"{_measured(result, found)}"
        )
    if len(lesions) > _MOST_LESIONS:
        yield f"and {len(lesions) - _MOST_LESIONS} more in measurements.json"


def provenance_lines(
    result: StudyResult, created: datetime, *, anonymise: bool = False
) -> tuple[str, ...]:
    """Tell how the numbers came about.

    Parameters
    ----------
    created
        When the page was made.
    anonymise
        Leave out which scanner it was: few have the same, and sites type into its name.
    """
    provenance = result.segmentation.provenance
    spacing = " × ".join(f"{mm:.2f}" for mm in reversed(result.segmentation.geometry.spacing_mm))
    network = (
        f"model {provenance.model_id}, weights {provenance.weights_sha256[:12]}, "
        f"on {provenance.device} ({provenance.precision})"
    )
    diameters = tuple(measure_diameters(result.segmentation).values())
    scanner = "" if anonymise else _scanner(result)
    told = corrected_in_words(provenance, result.segmentation.geometry.voxel_volume_mm3)
    return (
        f"Gliascope {provenance.app_version}, {readable_instant(created)}, "
        f"{provenance.origin_in_words(network, nameless=anonymise)}; "
        f"labels {provenance.correction_in_words}.",
        *((told,) if told else ()),
        f"Measured on the grid of {result.prepared.reference_sequence.value} as acquired"
        f"{scanner}, voxels {spacing} mm; volume = voxels marked × volume of a voxel.",
        *_ranges_mean(result),
        *((_diameters_mean(diameters[0]),) if diameters else ()),
    )


def _measured(result: StudyResult, found: Diameters) -> str:
    measurable = "measurable" if found.is_measurable else "not measurable"
    # Whole millimetres do not multiply to the product of what was measured.
    product = f"{found.product_mm2:.0f} mm² ({found.long_mm:.1f} × {found.short_mm:.1f})"
    return f"{slice_in_words(result, found)}, product {product}, {measurable}"


def _scanner(result: StudyResult) -> str:
    said = result.roles[result.prepared.reference_sequence].attributes
    tesla = said.get("MagneticFieldStrength", "")
    told = (said.get("Manufacturer"), said.get("ManufacturerModelName"), f"{tesla} T" * bool(tesla))
    words = " ".join(one for one in told if one)
    return f" ({words})" if words else ""


def _ranges_mean(result: StudyResult) -> tuple[str, ...]:
    intervals = volume_intervals(result.measurements)
    if not intervals:
        return ()
    one = next(iter(intervals.values()))
    wide = (
        f" {WIDE.capitalize()}: the truth may lie below a third of the volume or above three "
        "times it."
        if len(intervals) < len(Region)
        else ""
    )
    return (
        f"Ranges are drawn from the errors in {one.patients} patients new to the network, to hold "
        f"the true volume in {readable_share(one.coverage)} of them.{wide}",
    )


def _diameters_mean(found: Diameters) -> str:
    return (
        f"Diameters after {CRITERIA}: the longest in one slice and the longest perpendicular to "
        "it, inside the lesion with what it encloses, of measurable lesions if there are any: both "
        f"at least {found.least_mm:.3g} mm, in two slices or more."
    )
