"""What changed between two studies as one JSON document."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import desktop_app
from desktop_app.domain.dates import DateOrder
from desktop_app.domain.follow_up import FollowUp, NewPart, RegionChange
from desktop_app.domain.measurement import Diameters, Interval
from desktop_app.domain.readable import readable_position
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence
from desktop_app.services.export.report import DISCLAIMER
from desktop_app.services.follow_up.doubts import ON_BORDERS
from desktop_app.services.measuring.diameters import CRITERIA, MEASURED_REGIONS
from desktop_app.services.measuring.targets import TARGETS_LOST
from desktop_app.services.opening.study_identity import own_uid
from desktop_app.services.privacy import Redactor

SCHEMA = "gliascope/follow-up/1"
DOCUMENT_FILE = "follow-up.json"

_ORDERS: Mapping[DateOrder, str] = {
    DateOrder.EARLIER: "earlier",
    DateOrder.SAME_DAY: "same day",
    DateOrder.LATER: "later",
    DateOrder.UNKNOWN: "unknown",
}


def follow_up_document(
    found: FollowUp, *, anonymise: bool = False, created: datetime | None = None
) -> dict[str, Any]:
    """Put a comparison into the schema ``gliascope/follow-up/1``; see docs/FOLLOW_UP.md.

    Parameters
    ----------
    anonymise
        Leave identifiers, dates and descriptions of both studies empty; the days between them stay.
    created
        Now if not given.
    """
    created = created or datetime.now().astimezone()
    redactors = [
        Redactor.for_study(one.study, anonymise=anonymise) for one in (found.now, found.earlier)
    ]
    return {
        "schema": SCHEMA,
        "created": created.isoformat(timespec="seconds"),
        "app_version": desktop_app.__version__,
        "disclaimer": DISCLAIMER,
        "now": _study(found.now, redactors[0], anonymise),
        "earlier": {
            **_study(found.earlier, redactors[1], anonymise),
            "labels_from": "segmented" if found.result_folder is None else "earlier result",
        },
        "dates": {"earlier_is": _ORDERS[found.order], "days_between": found.days_between},
        "registration": _registration(found),
        "regions": {one.value: _region(found.regions[one]) for one in Region},
        "diameters": {
            "criteria": CRITERIA,
            "regions": {one.value: _diameters_of(found.regions[one]) for one in MEASURED_REGIONS},
        },
        "new_parts": [_part(one, found) for one in found.new_parts]
        if found.is_registered
        else None,
        "earlier_outside_mm3": round(found.outside_mm3, 3) if found.is_registered else None,
        "warnings": [redactors[0].redact(redactors[1].redact(one)) for one in found.warnings],
        "notes": [ON_BORDERS] if found.is_registered else [],
    }


def _study(result: StudyResult, redactor: Redactor, anonymise: bool) -> dict[str, Any]:
    study, provenance = result.study, result.segmentation.provenance
    geometry = result.segmentation.geometry
    return {
        "study_uid": "" if anonymise else own_uid(study.study_uid),
        "patient_id": "" if anonymise else study.patient.patient_id,
        "study_date": "" if anonymise else study.date,
        "sequences": [one.value for one in Sequence if one in result.prepared.volumes],
        "reference": result.prepared.reference_sequence.value,
        "shape_kji": list(geometry.shape_kji),
        "spacing_mm": [round(mm, 6) for mm in geometry.spacing_mm],
        # No target lesions are told here.
        "warnings": [
            redactor.redact(one) for one in result.segmentation.warnings if one != TARGETS_LOST
        ],
        "provenance": {
            "app_version": provenance.app_version,
            "model_id": provenance.model_id,
            "weights_sha256": provenance.weights_sha256,
            "device": provenance.device,
            "precision": provenance.precision,
            "edited": provenance.edited,
            "steps": [redactor.redact(step) for step in provenance.steps],
        },
    }


def _registration(found: FollowUp) -> dict[str, Any]:
    registration = found.registration
    earlier, now = found.registered_by
    return {
        "ok": registration.ok,
        "score": round(registration.score, 4),
        "overlap": round(registration.overlap, 4),
        "translation_mm": round(registration.translation_mm, 3),
        "rotation_deg": round(registration.rotation_deg, 3),
        "message": registration.message,
        "sequences": {"earlier": earlier.value, "now": now.value},
        "earlier_to_now_lps_mm": (
            [[round(float(one), 8) for one in row] for row in found.motion_lps_mm]
            if found.is_registered
            else None
        ),
    }


def _region(change: RegionChange) -> dict[str, Any]:
    voxels = change.voxels
    return {
        "earlier_mm3": _rounded(change.earlier_mm3, 3),
        "now_mm3": _rounded(change.now_mm3, 3),
        "change_mm3": _rounded(change.change_mm3, 3),
        "change_percent": _rounded(change.change_percent),
        "earlier_range_mm3": _range(change.earlier_interval),
        "now_range_mm3": _range(change.now_interval),
        "within_uncertainty": change.is_within_uncertainty,
        "map": None
        if voxels is None
        else {
            "same_mm3": round(voxels.same_mm3, 3),
            "new_mm3": round(voxels.new_mm3, 3),
            "gone_mm3": round(voxels.gone_mm3, 3),
            "unseen_mm3": round(voxels.unseen_mm3, 3),
            "per_mm_mm3": round(voxels.per_mm_mm3, 3),
        },
    }


def _diameters_of(change: RegionChange) -> dict[str, Any]:
    return {
        "earlier": _diameters(change.earlier_diameters),
        "now": _diameters(change.now_diameters),
        "product_change_percent": _rounded(change.product_change_percent),
    }


def _diameters(found: Diameters | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "long_mm": round(found.long_mm, 2),
        "short_mm": round(found.short_mm, 2),
        "product_mm2": round(found.product_mm2, 1),
        "measurable": found.is_measurable,
        "plane": found.plane.value,
        "position": readable_position(found.plane, found.position_mm),
    }


def _part(part: NewPart, found: FollowUp) -> dict[str, Any]:
    is_known = Region.ET not in found.now.segmentation.unknown
    return {
        "volume_mm3": round(part.volume_mm3, 3),
        "enhancing_mm3": round(part.enhancing_mm3, 3) if is_known else None,
        "centre_lps_mm": [round(mm, 2) for mm in part.place.centre_lps_mm],
        "side": None if part.place.side is None else part.place.side.value,
        "away_mm": round(part.away_mm, 2),
    }


def _range(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {
        "low": round(interval.low, 3),
        "high": round(interval.high, 3),
        "coverage": interval.coverage,
    }


def _rounded(value: float | None, decimals: int = 2) -> float | None:
    return None if value is None else round(value, decimals)
