"""Turns values of the domain into what the panels show."""

from collections.abc import Sequence as Many

from desktop_app.domain.measurement import Interval, Measurement, MeasurementKind
from desktop_app.domain.readable import readable_date, readable_name, readable_range, readable_share
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import (
    NO_TUMOUR,
    REGION_TITLES,
    Region,
    Segmentation,
)
from desktop_app.domain.study import Study
from desktop_app.services.measuring.targets import standing_warnings
from ui.views.study_view import Findings, RegionRow, StudyHeader

# Necrosis is part of it; the tool tip has the title in full.
_SHORT_TITLES = {Region.NCR: "Necrotic/non-enh."}
_NOTHING = "No tumour found"
_NOTHING_LEFT = "No tumour marked"
_NOTHING_LEFT_MEANS = "A person removed all that was marked."
_NOTHING_MEANS = (
    "No region is larger than the smallest that the network reports. This does not rule out a "
    "tumour: look at the images yourself."
)


def header_of(study: Study, of_no_study: tuple[tuple[str, str], ...] = ()) -> StudyHeader:
    """Return who and when.

    Parameters
    ----------
    of_no_study
        (path or series, reason) of what was opened with the study and belongs to none.
    """
    patient = study.patient
    named = (readable_name(patient.name), patient.patient_id)
    who = " · ".join(part for part in named if part) or study.name
    parts = (readable_date(study.date), study.description, f"{len(study.series)} series")
    left_out = (*study.skipped, *of_no_study)
    items = "1 item was" if len(left_out) == 1 else f"{len(left_out)} items were"
    return StudyHeader(
        title=who,
        subtitle=" · ".join(part for part in parts if part),
        note=f"{items} left out." if left_out else "",
        left_out=left_out,
    )


def study_titles(studies: Many[Study]) -> tuple[str, ...]:
    """Return a line for each study that tells it from the others: date, what, of whom."""
    several = len({(one.patient.patient_id, one.patient.name) for one in studies}) > 1
    titles = []
    for study in studies:
        named = readable_name(study.patient.name) or study.patient.patient_id
        what = (readable_date(study.date), study.description, named if several else "")
        titles.append(" · ".join(part for part in what if part) or study.name)
    return tuple(titles)


def findings_of(result: StudyResult) -> Findings:
    """Return what the panel of results shows."""
    segmentation = result.segmentation
    provenance = segmentation.provenance
    # What came before may have been done while nobody waited
    seconds = provenance.seconds.get("inference")
    took = f", {seconds:.0f} s" if seconds else ""
    network = f"Network {provenance.model_id} on {provenance.device.upper()}{took}"
    told = provenance.origin_in_words(network)
    origin = told[:1].upper() + told[1:]
    warnings = tuple(one for one in standing_warnings(result) if one not in NO_TUMOUR)
    if provenance.edited:
        origin = f"{origin}; corrected by hand"
    if segmentation.is_empty and provenance.edited:
        return Findings((), _NOTHING_LEFT, _NOTHING_LEFT_MEANS, warnings, origin)
    if segmentation.is_empty:
        return Findings((), _NOTHING, _NOTHING_MEANS, warnings, origin)
    rows = region_rows(segmentation, result.measurements)
    return Findings(rows, warnings=warnings, origin=origin)


def region_rows(
    segmentation: Segmentation, measurements: tuple[Measurement, ...]
) -> tuple[RegionRow, ...]:
    """Return the table of volumes: the parts first, then their unions."""
    volumes = {one.region: one for one in measurements if one.kind is MeasurementKind.VOLUME}
    by_region = {definition.region: definition for definition in segmentation.meanings}
    rows, rough = [], segmentation.rough
    for region in REGION_TITLES:
        definition = by_region.get(region)
        volume = volumes.get(region)
        rows.append(
            RegionRow(
                region,
                _SHORT_TITLES.get(region, REGION_TITLES[region]),
                definition.rgb if definition else None,
                volume.value / 1000 if volume else None,
                definition.value if definition else None,
                *_range_of(volume.interval if volume else None),
                is_rough=region in rough,
            )
        )
    return tuple(rows)


def _range_of(interval: Interval | None) -> tuple[str, str, str]:
    if interval is None:
        return "", "", ""
    note = (
        "Drawn from the errors in patients new to the network, to hold the true volume in "
        f"{readable_share(interval.coverage)} of them."
    )
    title = f"{readable_share(interval.coverage)} range"
    return readable_range(interval.low, interval.high), title, note
