"""The page a clinician would file: what stands on it, free of how it is drawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import desktop_app
from desktop_app.domain.dates import readable_instant
from desktop_app.domain.measurement import Interval
from desktop_app.domain.missing import NOT_KNOWN, volume_if_known
from desktop_app.domain.pseudonyms import Pseudonyms
from desktop_app.domain.readable import (
    readable_age,
    readable_date,
    readable_name,
    readable_range,
    readable_share,
    readable_time,
    readable_volume,
)
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import (
    NO_TUMOUR,
    NO_TUMOUR_FOUND,
    NO_TUMOUR_LEFT,
    REGION_TITLES,
    Region,
)
from desktop_app.domain.study import PatientSummary, Sequence, Series
from desktop_app.services.export.report_lines import (
    WIDE,
    diameter_line,
    lesion_lines,
    provenance_lines,
)
from desktop_app.services.measuring.diameters import measure_diameters
from desktop_app.services.measuring.field_ends import is_cut_off
from desktop_app.services.measuring.measure import volume_intervals, volumes_mm3, voxel_counts
from desktop_app.services.measuring.places import measure_places, place_in_words
from desktop_app.services.measuring.targets import standing_warnings, targets_in_words
from desktop_app.services.opening.role_origin import Assigner, assigned_by, header_confidence_of
from desktop_app.services.privacy import Redactor

if TYPE_CHECKING:
    from desktop_app.services.export.key_images import KeyImage

DISCLAIMER = desktop_app.DISCLAIMER

_UNIONS = {Region.TC: "NCR + ET", Region.WT: "TC + ED"}
# Contrast shows the core, FLAIR the oedema; the others stand in where one is missing.
_SHOWN = (Sequence.T1C, Sequence.FLAIR, Sequence.T2, Sequence.T1)
_ROWS_OF_IMAGES = 2
_PICTURES_IN_A_ROW = 4
# Contrast outlines what enhances, FLAIR the whole.
_MEASURED_ON = {Region.ET: Sequence.T1C, Region.WT: Sequence.FLAIR}


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """One region in the table of volumes.

    `rgb` is None for what no label stands for alone, `voxels` for what is not known. What is not
    known, or roughly, is not `is_sure`.
    """

    region: Region
    title: str
    note: str
    volume_cm3: str
    range_cm3: str
    voxels: int | None
    rgb: tuple[int, int, int] | None
    is_sure: bool


@dataclass(frozen=True, slots=True)
class SequenceRow:
    """One of the four sequences: the series used and how sure its choice was."""

    name: str
    series: str
    confidence: str
    present: bool


@dataclass(frozen=True, slots=True, eq=False)
class ReportPage:
    """All that stands on the page.

    Parameters
    ----------
    identity
        (label, value) of patient and study.
    finding
        The result in one sentence.
    images
        Rows of pictures, one row per sequence shown.
    provenance
        How the numbers came about, one line each.
    range_title
        Above the ranges of the volumes; empty where there are none.
    place
        Where the whole tumour lies, and in how many parts; empty where there is none.
    diameters
        The two-dimensional measure of a region, one line each.
    lesions
        The enhancing lesions where there are several, below how many there are; the target lesions
        that a reader chose.
    """

    title: str
    created: str
    identity: tuple[tuple[str, str], ...]
    finding: str
    volumes: tuple[VolumeRow, ...]
    sequences: tuple[SequenceRow, ...]
    images: "tuple[tuple[KeyImage, ...], ...]"
    warnings: tuple[str, ...]
    provenance: tuple[str, ...]
    disclaimer: str = DISCLAIMER
    range_title: str = ""
    place: str = ""
    diameters: tuple[str, ...] = ()
    lesions: tuple[str, ...] = ()


def build_page(
    result: StudyResult,
    *,
    anonymise: bool = False,
    pseudonyms: Pseudonyms | None = None,
    further_warnings: tuple[str, ...] = (),
    created: datetime | None = None,
) -> ReportPage:
    """Put together the report of a finished study.

    Parameters
    ----------
    anonymise
        Leave out who the patient is and everything typed in by people.
    pseudonyms
        Stand for patient and study then.
    further_warnings
        Warnings of the export itself, after those of the segmentation.
    created
        Date and time on the page; now if not given.
    """
    created = created or datetime.now().astimezone()
    redactor = Redactor.for_study(result.study, anonymise=anonymise)
    warnings = (*standing_warnings(result), *further_warnings)
    diameters = tuple(measure_diameters(result.segmentation).values())
    return ReportPage(
        title="Brain tumour volumetry, MR",
        created=readable_instant(created),
        identity=_pseudonym(pseudonyms) if anonymise else _identity(result),
        finding=_finding(result),
        volumes=_volume_rows(result),
        sequences=tuple(_sequence_rows(result, anonymise=anonymise)),
        images=_images(result),
        warnings=tuple(redactor.redact(w) for w in warnings if w not in NO_TUMOUR),
        provenance=provenance_lines(result, created, anonymise=anonymise),
        range_title=_range_title(result),
        place=place_in_words(result),
        lesions=(*lesion_lines(result), *targets_in_words(result)),
        diameters=tuple(diameter_line(result, one) for one in diameters),
    )


def _pseudonym(pseudonyms: Pseudonyms | None) -> tuple[tuple[str, str], ...]:
    known = () if pseudonyms is None else (("Pseudonym", pseudonyms.folder_name),)
    return (("Patient", "Anonymised"), *known)


def _identity(result: StudyResult) -> tuple[tuple[str, str], ...]:
    study, patient = result.study, result.study.patient
    age = readable_age(study.age, patient.birth_date, study.date)
    day = readable_date(study.date) or "not given"
    return (
        ("Patient", readable_name(patient.name) or "not given"),
        ("Patient ID", patient.patient_id or "not given"),
        ("Born, sex, age", ", ".join(part for part in (born_and_sex(patient), age) if part)),
        ("Study date", " ".join(part for part in (day, readable_time(study.time)) if part)),
        ("Accession number", study.accession_number or "not given"),
        ("Study", study.description or study.name),
    )


def born_and_sex(patient: PatientSummary) -> str:
    """Write date of birth and sex, each as not given where it is not."""
    sex = {"F": "female", "M": "male", "O": "other"}.get(patient.sex, "")
    return f"{readable_date(patient.birth_date) or 'not given'}, {sex or 'not given'}"


def _finding(result: StudyResult) -> str:
    volumes = volumes_mm3(result.measurements)
    if result.segmentation.is_empty:
        return NO_TUMOUR_LEFT if result.segmentation.provenance.edited else NO_TUMOUR_FOUND
    place = measure_places(result)[Region.WT]
    side = "" if place.side is None else f", {place.side}"
    least = "at least " if is_cut_off(result.segmentation.warnings) else ""
    whole = f"Whole tumour{side}: {least}{readable_volume(volumes[Region.WT])} cm³"
    interval = volume_intervals(result.measurements).get(Region.WT)
    if interval is not None:
        whole += f" ({readable_share(interval.coverage)}: {_range_cm3(interval)})"
    if Region.ET not in volumes:
        return f"{whole}; enhancing tumour {NOT_KNOWN} without T1c."
    if volumes[Region.ET] > 0:
        return f"{whole}, of which enhancing {readable_volume(volumes[Region.ET])} cm³."
    return f"{whole}; no enhancing tumour found."


def _range_title(result: StudyResult) -> str:
    intervals = volume_intervals(result.measurements)
    return next((f"{readable_share(one.coverage)} range" for one in intervals.values()), "")


def _range_cm3(interval: Interval | None) -> str:
    return "" if interval is None else readable_range(interval.low, interval.high)


def _volume_rows(result: StudyResult) -> tuple[VolumeRow, ...]:
    colours = {d.region: d.rgb for d in result.segmentation.meanings}
    volumes, voxels = volumes_mm3(result.measurements), voxel_counts(result.measurements)
    intervals = volume_intervals(result.measurements)
    rough = result.segmentation.rough
    # What the core is made of is not known where it is itself a guess.
    unions = {region: parts for region, parts in _UNIONS.items() if region not in rough}
    return tuple(
        VolumeRow(
            region,
            REGION_TITLES[region],
            unions.get(region, ""),
            volume_if_known(volumes.get(region), is_rough=region in rough),
            _range_cm3(intervals.get(region)) if region in intervals or not intervals else WIDE,
            voxels.get(region),
            colours.get(region),
            is_sure=region in volumes and region not in rough,
        )
        for region in REGION_TITLES
    )


def _sequence_rows(result: StudyResult, *, anonymise: bool) -> Iterable[SequenceRow]:
    for sequence in Sequence:
        series = result.roles.get(sequence)
        if series is None:
            yield SequenceRow(sequence.value, "missing", "", present=False)
            continue
        own = (series.description, _number_of(series))
        described = ("used, description withheld",) if anonymise else own
        yield SequenceRow(
            sequence.value,
            ", ".join(part for part in (*described, _spacing_of(series)) if part),
            _sureness(result, sequence),
            present=True,
        )


def _number_of(series: Series) -> str:
    """Return what archives tell series apart by, where it is known."""
    return f"no.\N{NO-BREAK SPACE}{series.number}" if series.number else ""


def _spacing_of(series: Series) -> str:
    """Return how far apart the slices are, where it is known."""
    if series.geometry is None:
        return ""
    return f"{max(series.geometry.spacing_mm):.1f}\N{NO-BREAK SPACE}mm"


def _sureness(result: StudyResult, sequence: Sequence) -> str:
    confidence = header_confidence_of(result, sequence)
    if confidence is not None:
        return f"{readable_share(confidence)} sure"
    by_image = assigned_by(result, sequence) is Assigner.IMAGES
    return "by its image" if by_image else "by hand"


def _images(result: StudyResult) -> "tuple[tuple[KeyImage, ...], ...]":
    from desktop_app.services.export.key_images import KeyImageMaker

    prepared = result.prepared
    series = result.roles[prepared.reference_sequence]
    maker = KeyImageMaker(result.segmentation, prepared.reference, series)
    shown = [s for s in _SHOWN if s in prepared.volumes][:_ROWS_OF_IMAGES]
    rows = {s: maker.make(s.value, prepared.volumes[s]) for s in shown}
    for region, found in measure_diameters(result.segmentation).items():
        home = _MEASURED_ON[region] if _MEASURED_ON[region] in rows else shown[0]
        if len(rows[home]) < _PICTURES_IN_A_ROW:
            rows[home] += (maker.make_measured(prepared.volumes[home], found),)
    return tuple(rows.values())
