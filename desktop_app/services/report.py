"""The page a clinician would file: what stands on it, free of how it is drawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from desktop_app.domain.dates import readable_instant
from desktop_app.domain.measurement import Diameters, Interval
from desktop_app.domain.pseudonyms import Pseudonyms
from desktop_app.domain.readable import (
    readable_date,
    readable_name,
    readable_range,
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
from desktop_app.domain.study import PatientSummary, Sequence
from desktop_app.services.correction_words import corrected_in_words
from desktop_app.services.diameters import CRITERIA, in_words, measure_diameters, slice_in_words
from desktop_app.services.measure import volume_intervals, volumes_mm3, voxel_counts
from desktop_app.services.privacy import Redactor
from desktop_app.services.role_origin import Assigner, assigned_by, header_confidence_of

if TYPE_CHECKING:
    from desktop_app.services.key_images import KeyImage

DISCLAIMER = "For research use. Not a medical device."

_UNIONS = {Region.TC: "NCR + ET", Region.WT: "TC + ED"}
# Contrast shows the core, FLAIR the oedema; the others stand in where one is missing.
_SHOWN = (Sequence.T1C, Sequence.FLAIR, Sequence.T2, Sequence.T1)
_ROWS_OF_IMAGES = 2


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """One region in the table of volumes; `rgb` is None for unions of regions."""

    region: Region
    title: str
    note: str
    volume_cm3: str
    range_cm3: str
    voxels: int
    rgb: tuple[int, int, int] | None


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
    diameters
        The two-dimensional measure of a region, one line each.
    """

    title: str
    created: str
    identity: tuple[tuple[str, str], ...]
    finding: str
    tumour_found: bool
    volumes: tuple[VolumeRow, ...]
    sequences: tuple[SequenceRow, ...]
    images: "tuple[tuple[KeyImage, ...], ...]"
    warnings: tuple[str, ...]
    provenance: tuple[str, ...]
    disclaimer: str = DISCLAIMER
    range_title: str = ""
    diameters: tuple[str, ...] = ()


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
    warnings = (*result.segmentation.warnings, *further_warnings)
    empty = result.segmentation.is_empty
    diameters = tuple(measure_diameters(result.segmentation).values())
    return ReportPage(
        title="Brain tumour volumetry, MR",
        created=readable_instant(created),
        identity=_pseudonym(pseudonyms) if anonymise else _identity(result),
        finding=_finding(result),
        tumour_found=not empty,
        volumes=_volume_rows(result),
        sequences=tuple(_sequence_rows(result, anonymise=anonymise)),
        images=_images(result),
        warnings=tuple(redactor.redact(w) for w in warnings if w not in NO_TUMOUR),
        provenance=_provenance(result, created, diameters),
        range_title=_range_title(result),
        diameters=tuple(_diameters(result, one) for one in diameters),
    )


def _pseudonym(pseudonyms: Pseudonyms | None) -> tuple[tuple[str, str], ...]:
    known = () if pseudonyms is None else (("Pseudonym", pseudonyms.folder_name),)
    return (("Patient", "Anonymised"), *known)


def _identity(result: StudyResult) -> tuple[tuple[str, str], ...]:
    study, patient = result.study, result.study.patient
    return (
        ("Patient", readable_name(patient.name) or "not given"),
        ("Patient ID", patient.patient_id or "not given"),
        ("Born, sex", born_and_sex(patient)),
        ("Study date", readable_date(study.date) or "not given"),
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
    whole = f"Whole tumour {readable_volume(volumes[Region.WT])} cm³"
    interval = volume_intervals(result.measurements).get(Region.WT)
    if interval is not None:
        whole += f" ({interval.coverage:.0%}: {_range_cm3(interval)})"
    if volumes[Region.ET] > 0:
        return f"{whole}, of which enhancing {readable_volume(volumes[Region.ET])} cm³."
    return f"{whole}; no enhancing tumour found."


def _range_title(result: StudyResult) -> str:
    intervals = volume_intervals(result.measurements)
    return next((f"{one.coverage:.0%} range" for one in intervals.values()), "")


def _range_cm3(interval: Interval | None) -> str:
    return "" if interval is None else readable_range(interval.low, interval.high)


def _diameters(result: StudyResult, found: Diameters) -> str:
    measurable = "measurable" if found.is_measurable else "not measurable"
    where = f"{in_words(found)}, {slice_in_words(result, found)}"
    return f"{where}, product {found.product_mm2:.0f} mm², {measurable}"


def _volume_rows(result: StudyResult) -> tuple[VolumeRow, ...]:
    colours = {d.region: d.rgb for d in result.segmentation.definitions}
    volumes, voxels = volumes_mm3(result.measurements), voxel_counts(result.measurements)
    intervals = volume_intervals(result.measurements)
    return tuple(
        VolumeRow(
            region,
            REGION_TITLES[region],
            _UNIONS.get(region, ""),
            readable_volume(volumes[region]),
            _range_cm3(intervals.get(region)),
            voxels[region],
            colours.get(region),
        )
        for region in Region
    )


def _sequence_rows(result: StudyResult, *, anonymise: bool) -> Iterable[SequenceRow]:
    for sequence in Sequence:
        series = result.roles.get(sequence)
        if series is None:
            yield SequenceRow(sequence.value, "missing", "", present=False)
            continue
        yield SequenceRow(
            sequence.value,
            "used, description withheld" if anonymise else series.description,
            _sureness(result, sequence),
            present=True,
        )


def _sureness(result: StudyResult, sequence: Sequence) -> str:
    confidence = header_confidence_of(result, sequence)
    if confidence is not None:
        return f"{confidence:.0%}"
    by_image = assigned_by(result, sequence) is Assigner.IMAGES
    return "by its image" if by_image else "by hand"


def _images(result: StudyResult) -> "tuple[tuple[KeyImage, ...], ...]":
    from desktop_app.services.key_images import KeyImageMaker

    prepared = result.prepared
    series = result.roles[prepared.reference_sequence]
    maker = KeyImageMaker(result.segmentation, prepared.reference, series)
    shown = [s for s in _SHOWN if s in prepared.volumes][:_ROWS_OF_IMAGES]
    return tuple(maker.make(s.value, prepared.volumes[s]) for s in shown)


def _provenance(
    result: StudyResult, created: datetime, diameters: tuple[Diameters, ...]
) -> tuple[str, ...]:
    provenance = result.segmentation.provenance
    spacing = " × ".join(f"{mm:.2f}" for mm in reversed(result.segmentation.geometry.spacing_mm))
    edited = "corrected by hand" if provenance.edited else "not corrected by hand"
    coverage = next((f"{m.interval.coverage:.0%}" for m in result.measurements if m.interval), "")
    ranges = (
        "Ranges are drawn from the errors in patients new to the network, to hold the true volume "
        f"in {coverage} of them.",
    )
    told = corrected_in_words(provenance, result.segmentation.geometry.voxel_volume_mm3)
    return (
        f"Gliascope {provenance.app_version}, {readable_instant(created)}, "
        f"model {provenance.model_id}, weights {provenance.weights_sha256[:12]}, "
        f"on {provenance.device} ({provenance.precision}); labels {edited}.",
        *((told,) if told else ()),
        f"Measured on the grid of {result.prepared.reference_sequence.value} as acquired, "
        f"voxels {spacing} mm; volume = voxels marked × volume of a voxel.",
        *(ranges if coverage else ()),
        *((_diameters_mean(diameters[0]),) if diameters else ()),
    )


def _diameters_mean(found: Diameters) -> str:
    return (
        f"Diameters after {CRITERIA}: the longest in one slice and the longest perpendicular to "
        "it, inside the lesion with what it encloses, of measurable lesions if there are any: both "
        f"at least {found.least_mm:.3g} mm, in two slices or more."
    )
