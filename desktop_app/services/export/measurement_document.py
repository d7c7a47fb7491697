"""The numbers of a study as one document, as JSON holds it."""

from datetime import datetime
from typing import Any

from desktop_app.domain.measurement import Diameters, Interval, Point
from desktop_app.domain.place import Place
from desktop_app.domain.provenance import NAMELESS_FILE
from desktop_app.domain.pseudonyms import Pseudonyms
from desktop_app.domain.readable import readable_position
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import InstanceRef, Sequence
from desktop_app.services.correction.label_comparison import corrections_document
from desktop_app.services.measuring.diameters import (
    CRITERIA,
    MEASURED_REGIONS,
    measure_diameters,
    measured_image,
)
from desktop_app.services.measuring.lesions import measure_lesions, tumour_parts
from desktop_app.services.measuring.measure import volume_intervals, volumes_mm3, voxel_counts
from desktop_app.services.measuring.places import measure_places
from desktop_app.services.measuring.targets import standing_warnings, targets_document
from desktop_app.services.opening.role_origin import assigned_by, header_confidence_of
from desktop_app.services.opening.study_identity import own_uid
from desktop_app.services.privacy import Redactor
from desktop_app.services.results.label_checksum import labels_checksum

SCHEMA = "gliascope/measurements/1"

_STAGES = ("import", "preprocess", "inference", "postprocess", "export", "total")


def measurements_document(
    result: StudyResult,
    *,
    anonymise: bool = False,
    pseudonyms: Pseudonyms | None = None,
    et_label: int = 3,
    created: datetime | None = None,
    export_seconds: float | None = None,
    further_warnings: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Put the numbers of a study into the schema ``gliascope/measurements/1``.

    Parameters
    ----------
    anonymise
        Leave identifiers, dates and free texts of the study empty.
    pseudonyms
        Stand for patient and study then.
    et_label
        Value of enhancing tumour in the NIfTI labels.
    created
        When the files are made, with its zone; now if not given.
    export_seconds
        Wall time of the export so far; added to the total.
    further_warnings
        Warnings of the export itself, after those of the segmentation.

    Returns
    -------
    dict
        Ready for JSON. ``confidence`` is null where a person chose the series, or none is there;
        all values of a region are that is not known without T1c; ranges and what they cover are
        null where the model gives none; diameters and place are null of a region without voxels,
        sides where they cannot be told. ``lesions`` is empty where no enhancing one is worth
        listing.
    """
    redactor = Redactor.for_study(result.study, anonymise=anonymise)
    geometry = result.segmentation.geometry
    volumes, voxels = volumes_mm3(result.measurements), voxel_counts(result.measurements)
    intervals = volume_intervals(result.measurements)
    diameters = measure_diameters(result.segmentation)
    places = measure_places(result)
    warnings = (*standing_warnings(result), *further_warnings)
    identity = ("", "", "") if anonymise else _identity(result)
    return {
        "schema": SCHEMA,
        "study": {
            **dict(zip(("study_uid", "patient_id", "study_date"), identity, strict=True)),
            "pseudonym": pseudonyms.patient_id if anonymise and pseudonyms else "",
            "pseudonym_study": pseudonyms.folder_name if anonymise and pseudonyms else "",
        },
        "sequences": {s.value: _sequence(result, s, anonymise) for s in Sequence},
        "geometry": {
            "shape_kji": list(geometry.shape_kji),
            "spacing_mm": [round(mm, 6) for mm in geometry.spacing_mm],
            "affine_lps_mm": [
                [round(mm, 6) for mm in row] for row in geometry.affine_lps_mm.tolist()
            ],
            "reference": result.prepared.reference_sequence.value,
        },
        "labels": {
            str(et_label if one.region is Region.ET else one.value): one.region.value
            for one in result.segmentation.meanings
        },
        "regions": {
            region.value: {
                "volume_mm3": round(volumes[region], 3) if region in volumes else None,
                "volume_range_mm3": _range(intervals.get(region)),
                "voxels": voxels.get(region),
                **_placed(places.get(region) if region in volumes else None),
            }
            for region in Region
        },
        "diameters": {
            "criteria": CRITERIA,
            "regions": {
                one.value: _stored(result, diameters[one], anonymise) if one in diameters else None
                for one in MEASURED_REGIONS
            },
        },
        "lesions": [
            {
                "volume_mm3": round(one.volume_mm3, 3),
                "is_target": one.number in result.targets,
                **_stored(result, one.diameters, anonymise),
            }
            for one in measure_lesions(result.segmentation)
        ],
        "target_lesions": targets_document(result),
        "parts": tumour_parts(result.segmentation),
        "uncertainty": {
            "coverage": next((one.coverage for one in intervals.values()), None),
            "patients": next((one.patients for one in intervals.values()), None),
            "unfamiliarity": None
            if result.unfamiliarity is None
            else {
                "score": round(result.unfamiliarity.score, 3),
                "reason": result.unfamiliarity.reason,
            },
        },
        "warnings": [redactor.redact(warning) for warning in warnings],
        "provenance": {
            **_provenance(result, redactor, export_seconds, anonymise=anonymise),
            "created": (created or datetime.now().astimezone()).isoformat(timespec="seconds"),
        },
    }


def _range(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(interval.low, 3), round(interval.high, 3)]


def _placed(place: Place | None) -> dict[str, Any]:
    if place is None:
        return dict.fromkeys(("centre_lps_mm", "box_lps_mm", "side", "right_share"))
    share = place.right_share
    return {
        "centre_lps_mm": _rounded_point(place.centre_lps_mm),
        "box_lps_mm": _rounded(place.box_lps_mm),
        "side": None if place.side is None else place.side.value,
        "right_share": None if share is None else round(share, 3),
    }


def _stored(result: StudyResult, found: Diameters, anonymise: bool) -> dict[str, Any]:
    return {
        "long_mm": round(found.long_mm, 2),
        "short_mm": round(found.short_mm, 2),
        "product_mm2": round(found.product_mm2, 1),
        "measurable": found.is_measurable,
        "least_mm": round(found.least_mm, 3),
        "plane": found.plane.value,
        "position": readable_position(found.plane, found.position_mm),
        "position_mm": round(found.position_mm, 2),
        "grid_axis": "kji"[found.slice_axis],
        "grid_plane": found.grid_plane,
        "image": _image(measured_image(result, found), anonymise),
        "long_ends_lps_mm": _rounded(found.long_ends),
        "short_ends_lps_mm": _rounded(found.short_ends),
    }


def _image(image: InstanceRef | None, anonymise: bool) -> dict[str, Any] | None:
    if image is None or not image.sop_instance_uid:
        return None
    return {
        "instance_number": image.number,
        "frame": image.frame,
        "sop_instance_uid": "" if anonymise else image.sop_instance_uid,
    }


def _rounded(ends: tuple[Point, Point]) -> list[list[float]]:
    return [_rounded_point(end) for end in ends]


def _rounded_point(point: Point) -> list[float]:
    return [round(mm, 2) for mm in point]


def _identity(result: StudyResult) -> tuple[str, str, str]:
    study = result.study
    return own_uid(study.study_uid), study.patient.patient_id, study.date


def _sequence(result: StudyResult, sequence: Sequence, anonymise: bool) -> dict[str, Any]:
    series = result.roles.get(sequence)
    if series is None:
        return {
            "present": False,
            "series_uid": "",
            "description": "",
            "confidence": None,
            "assigned_by": None,
        }
    return {
        "present": True,
        "series_uid": "" if anonymise else series.series_uid,
        "description": "" if anonymise else series.description,
        "confidence": header_confidence_of(result, sequence),
        "assigned_by": assigned_by(result, sequence),
    }


def _provenance(
    result: StudyResult,
    redactor: Redactor,
    export_seconds: float | None,
    *,
    anonymise: bool,
) -> dict[str, Any]:
    provenance = result.segmentation.provenance
    seconds = dict(provenance.seconds)
    labels_of = NAMELESS_FILE if anonymise and provenance.labels_of else provenance.labels_of
    if export_seconds is not None:
        before = seconds.get("total", sum(seconds.values()))
        seconds |= {"export": export_seconds, "total": before + export_seconds}
    return {
        "app_version": provenance.app_version,
        "model_id": provenance.model_id,
        "weights_sha256": provenance.weights_sha256,
        "device": provenance.device,
        "precision": provenance.precision,
        "labels_sha256": labels_checksum(
            result.segmentation.labels_kji, result.segmentation.geometry
        ),
        "edited": provenance.edited,
        "labels_of": labels_of,
        "corrections": corrections_document(provenance.corrections),
        "steps": [redactor.redact(step) for step in provenance.steps],
        "seconds": {stage: round(seconds.get(stage, 0.0), 3) for stage in _STAGES},
    }
