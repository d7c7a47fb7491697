"""Turns values of the domain into what the panels show."""

from collections.abc import Mapping

from desktop_app.domain.measurement import Interval, Measurement, MeasurementKind
from desktop_app.domain.readable import readable_date, readable_name, readable_range
from desktop_app.domain.registration import Registration
from desktop_app.domain.segmentation import REGION_TITLES, Region, Segmentation
from desktop_app.domain.study import Sequence, Series, Study
from ui.views.study_view import Light, RegionRow, SequenceSlot, SeriesChoice, StudyHeader

NOT_AVAILABLE = "not available"

# Above it the rules name the sequence from more than one header value that agree.
SURE_CONFIDENCE = 0.7


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


def slots_of(
    study: Study,
    roles: Mapping[Sequence, Series],
    chosen_by_user: frozenset[Sequence],
    registrations: Mapping[Sequence, Registration],
) -> tuple[SequenceSlot, ...]:
    """Return the pre-flight table of a study."""
    usable = [series for series in study.series if series.usable]
    choices = (
        SeriesChoice("", NOT_AVAILABLE),
        *(SeriesChoice(series.series_uid, series_text(series)) for series in usable),
    )
    slots = []
    for sequence in Sequence:
        series = roles.get(sequence)
        light, sentence = _judge(
            study, sequence, series, sequence in chosen_by_user, registrations.get(sequence)
        )
        uid = series.series_uid if series else ""
        slots.append(SequenceSlot(sequence, choices, uid, light, sentence))
    return tuple(slots)


def series_text(series: Series) -> str:
    """Return one line that tells a series from its neighbours."""
    text = f"{series.number}: {series.description}" if series.number else series.description
    if series.geometry is None:
        return text
    k, j, i = series.geometry.shape_kji
    thickness_mm = series.geometry.spacing_mm[0]
    return f"{text} ({i}×{j}×{k}, {thickness_mm:.1f} mm)"


def region_rows(
    segmentation: Segmentation, measurements: tuple[Measurement, ...]
) -> tuple[RegionRow, ...]:
    """Return the table of volumes: the parts first, then their unions."""
    volumes = {one.region: one for one in measurements if one.kind is MeasurementKind.VOLUME}
    by_region = {definition.region: definition for definition in segmentation.definitions}
    rows = []
    for region in (Region.ET, Region.NCR, Region.ED, Region.TC, Region.WT):
        definition = by_region.get(region)
        volume = volumes.get(region)
        rows.append(
            RegionRow(
                region,
                REGION_TITLES[region],
                definition.rgb if definition else None,
                volume.value / 1000 if volume else 0.0,
                definition.value if definition else None,
                *_range_of(volume.interval if volume else None),
            )
        )
    return tuple(rows)


def _range_of(interval: Interval | None) -> tuple[str, str, str]:
    if interval is None:
        return "", "", ""
    note = (
        f"In {interval.coverage:.0%} of patients new to the network, such a range held the true "
        "volume."
    )
    title = f"{interval.coverage:.0%} range"
    return readable_range(interval.low, interval.high), title, note


def _judge(
    study: Study,
    sequence: Sequence,
    series: Series | None,
    by_user: bool,
    registration: Registration | None,
) -> tuple[Light, str]:
    if series is None:
        return Light.POOR, "Left out by you." if by_user else "No such series was found."
    sentences = []
    light = Light.GOOD
    proposal = study.roles.get(sequence)
    if by_user:
        sentences.append("Chosen by you.")
    elif proposal is not None:
        sentences.append(f"{proposal.reason} ({proposal.confidence:.0%} sure)")
        light = Light.GOOD if proposal.confidence >= SURE_CONFIDENCE else Light.FAIR
    if series.problems:
        light = Light.FAIR
        sentences.extend(series.problems)
    if registration is not None:
        light = light if registration.ok else Light.POOR
        sentences.append(registration.message)
    return light, " ".join(sentences)
